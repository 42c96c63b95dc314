// What the person wants of the run: commands on their way to the worker, and who waits for its answers.

import { Waiters } from './waiters.js';
import { CONSENT } from './state.js';

export class Orders {
  /** @type {string | { until: number }} `running`, `paused`, or a step to run to. */
  want = 'paused';
  /** `want` as it was clicked last while a link was being opened, or null. */
  #wish = null;
  /** The person has agreed to the download of what is being opened. */
  #agreed = false;
  /** Commands that wait while nobody can take them. */
  #held = [];
  #statuses = new Waiters();
  #checkpoints = new Waiters();
  /** Settings and actions, in the order in which the worker answers them. */
  #changes = new Waiters();

  constructor(session) {
    this.session = session;
  }

  // --- running -----------------------------------------------------------------------------------------------------

  /** Rejects with the code `consent` where that would download a model, unless `download` says that the person has agreed. */
  async run({ download = false } = {}) {
    this.#wishes('running', download);
    return this.#order({ type: 'run' }, ({ status }) => status === 'running');
  }

  async step(n = 1, { download = false } = {}) {
    const until = this.session.state.step + n;
    this.#wishes({ until }, download);
    return this.#order({ type: 'step', n }, ({ status, step }) => status === 'paused' && step >= until);
  }

  async pause() {
    this.want = this.#wish = 'paused';
    // Whoever waits for steps that will not be taken now is answered by the pause.
    this.#statuses.replace(({ status }) => status === 'paused');
    await this.#order({ type: 'pause' }, ({ status }) => status === 'paused');
  }

  #wishes(want, download) {
    const { session } = this;
    if (!download && session.mustAsk()) throw CONSENT;
    // Before the worker has said what is open, nobody can have agreed to its download.
    this.#agreed = download && session.phase.is('opened', 'ready');
    this.want = this.#wish = want;
    session.update({ error: null });
  }

  #order(command, condition) {
    const { session } = this;
    const answered = this.#statuses.until(condition);
    // A link that is open and still fetches what it shows can be told to stop.
    if (command.type === 'pause' && session.phase.is('opened')) session.active.post(command);
    this.send(command);
    this.send({ type: 'ping' });
    return answered;
  }

  // --- settings, actions, checkpoints ------------------------------------------------------------------------------

  /** Changes a live setting. Kept when the worker has taken it, which `schema.values` says then; rejected when it is refused. */
  set(key, value) {
    return this.#change({ type: 'set', key, value });
  }

  /** Does an action of the demo; kept when it is done. */
  act(name, args) {
    return this.#change({ type: 'act', name, args });
  }

  #change(command) {
    // Who waits counts from when the worker is asked: what is held back has no answer to come.
    const answered = new Promise((resolve, reject) => {
      this.send(command, () => this.#changes.until(() => false).then(resolve, reject));
    });
    // A refusal is told by a card as well.
    answered.catch(() => {});
    return answered;
  }

  /** The run as it is now: the `checkpoint` event. Each question is answered in its turn. `past`: past the commands that wait. */
  checkpoint({ past = false } = {}) {
    const answered = this.#checkpoints.until(() => false);
    if (past) this.session.active.post({ type: 'checkpoint' });
    else this.send({ type: 'checkpoint' });
    return answered;
  }

  /** `posted` is called when the worker is asked. */
  send(command, posted = () => {}) {
    if (!this.session.phase.takesCommands) return void this.#held.push({ command, posted });
    posted();
    this.session.active.post(command);
  }

  // --- openings ----------------------------------------------------------------------------------------------------

  /** Another link is being opened: what was clicked before was meant for the run that is left. */
  forget() {
    [this.#wish, this.#agreed] = [null, false];
  }

  /** A link is open: what was clicked meanwhile is wanted of it, or else that it runs, if it `begins` by itself. */
  decide(begins) {
    const wished = this.#wish ?? (begins ? 'running' : 'paused');
    this.want = this.session.mustAsk() && !this.#agreed ? 'paused' : wished;
  }

  /** Hands over what was held back. Whether it runs is decided by what is wanted at the end, not by each click on the way. */
  release() {
    for (const { command, posted } of this.#held.splice(0)) {
      if (['run', 'pause', 'step'].includes(command.type)) continue;
      posted();
      this.session.active.post(command);
    }
  }

  /** Has the worker do what is wanted. */
  pursue() {
    const { active, mustAsk } = this.session;
    if (this.want === 'running') active.post({ type: 'run' });
    else if (typeof this.want === 'object' && this.want.until > active.step) active.post({ type: 'step', n: this.want.until - active.step });
    else {
      active.post({ type: 'pause' });
      // What is here already is shown whole: a text, a picture that is decoded anew.
      if (!mustAsk()) active.post({ type: 'prepare' });
    }
    active.post({ type: 'ping' });
  }

  // --- answers -----------------------------------------------------------------------------------------------------

  /** The worker stands so: `{ status, step }`. */
  stands(status) {
    this.#statuses.check(status);
  }

  /** The run has come to an end of its own: nothing is wanted any more, and whoever waits for more steps gets none. */
  end() {
    this.want = 'paused';
    this.#statuses.resolve();
  }

  /** The run has failed: nothing is wanted any more. */
  fail(error) {
    this.want = 'paused';
    this.abandon(error);
    this.#checkpoints.reject(error);
  }

  /** Nobody works on the run: whoever waits for steps gets none. What is wanted is done when it is tried again. */
  abandon(error) {
    this.#statuses.reject(error);
  }

  /** The oldest setting or action that was asked for is done. */
  taken() {
    this.#changes.next(undefined);
  }

  /** It is refused. */
  refused(error) {
    this.#changes.refuse(error);
  }

  saved(checkpoint) {
    this.#checkpoints.next(checkpoint);
  }

  unsaved(error) {
    this.#checkpoints.reject(error);
  }

  /** The worker is gone: what was asked of it is not answered. Whoever waits for steps gets them from the next one. */
  interrupt(error) {
    this.#checkpoints.reject(error);
    this.#changes.reject(error);
  }
}
