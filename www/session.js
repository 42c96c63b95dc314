// One visit's run, whatever happens to the workers below it: what is wanted (running or paused, which link), who does it,
// and how it goes on when a worker dies. The page and `window.kiln` talk to this and never to a worker.

import { Emitter } from './emitter.js';
import { Processor } from './processor.js';
import { Autosave } from './autosave.js';
import { Handover } from './handover.js';
import { Recovery } from './recovery.js';
import { Waiters } from './waiters.js';
import { within } from './within.js';
import { CONSENT, deviceOf, errorOf, firstState, newId, STOPPING, SUPERSEDED } from './state.js';
import { provenAdapters, rememberProven } from './adapter.js';

/**
 * Emits every Event of the active worker by its type, and besides:
 * `state` (something in `state` changed), `leave` (the run that is shown is given up for another one: `{ id, demo, link, step }`),
 * `reset` (another run is open: `{ id, keepTo, demo }`, the step up to which curves stay true, or -1), `kept` (a checkpoint
 * was written: `{ id, link, step }`), and `card` (something the person should read: `{ key, args, detail }`).
 */
export class Session extends Emitter {
  state = firstState();
  /** The last `schema` event; its `values` follow the live controls. */
  schema = null;
  handover = new Handover(this);
  recovery = new Recovery(this);
  /** @type {string | { until: number }} `running`, `paused`, or a step to run to. */
  want = 'paused';
  /** The run that is shown: its id in the store, and the link that it began with. */
  identity = { id: '', origin: null };
  /** The worker that the page shows. */
  #active = null;
  /** Commands that wait while nobody can take them: during an opening, a hand-over or a restart. Else null. */
  #held = [];
  /** Counts openings; whoever awaits one and finds another number has been overtaken. */
  #ticket = 0;
  #turn = Promise.resolve(null);
  pending = { link: '', checkpoint: undefined, identity: undefined }; // what is being opened, or was last
  #agreed = false; // to the download of what is being opened
  #statuses = new Waiters();
  #checkpoints = new Waiters();
  #wish = null; // running, paused or steps, as it was clicked last while a link was being opened
  #farthest = 0;

  /**
   * `greeting()`: commands that each worker gets first. `mayRun()`: whether what is open may begin by itself; `mustAsk()`: whether
   * running it would download what the person has not asked for.
   */
  constructor({ store, bound = 0, greeting = () => [], mayRun = async () => true, mustAsk = () => false }) {
    super();
    this.bound = bound;
    this.greeting = greeting;
    this.mayRun = mayRun;
    this.mustAsk = mustAsk;
    this.on('library', ({ persistent }) => (this.persistent = persistent));
    this.saves = new Autosave(this, store);
  }

  /** Starts the CPU worker; opening waits for it. `link`: what will be opened. */
  start(link) { this.#active = this.launch('cpu', { link }); }
  get active() { return this.#active; }
  /** Whether commands can be taken: nothing is being opened, handed over or restarted. */
  get settled() { return !this.#held; }

  get ticket() { return this.#ticket; }
  launch(kind, options = {}) {
    const runner = new Processor(kind, { link: this.wanted.link, proven: provenAdapters(), bound: this.bound, patience: this.recovery.patience, greeting: this.greeting(), ...options });
    runner.on('event', (event) => this.#receive(runner, event));
    runner.on('lost', (loss) => this.recovery.lost(runner, loss));
    runner.on('slow', (slow) => runner === this.#active && this.emit('card', { key: 'slow', gone: !slow }));
    return runner;
  }

  // --- commands ----------------------------------------------------------------------------------------------------

  /**
   * Opens a link, from its beginning or from a checkpoint. Rejects with the worker's error; what ran before then goes on.
   * `identity` is that of the run which the checkpoint is of; without one a new run begins.
   */
  async open(link, { checkpoint = undefined, run = this.want === 'running', keepTo = -1, identity = { id: newId(), origin: null } } = {}) {
    const ticket = ++this.#ticket;
    this.pending = { link, checkpoint, identity };
    // What a retry is to do where not even the first opening succeeds.
    if (!this.state.demo) this.want = run ? 'running' : 'paused';
    while (this.handover.moving) await this.handover.moving;
    // One at a time: the answer to an earlier opening must not be taken for this one's.
    const before = this.#turn;
    let done = (_) => {};
    this.#turn = new Promise((resolve) => (done = resolve));
    try {
      await before;
      // After a stop a link is another try.
      const runner = this.#active.dead ? (this.#active = this.launch('cpu')) : this.#active;
      await runner.started;
      if (ticket !== this.#ticket) throw SUPERSEDED;
      await this.#exchange(runner, ticket, { link, checkpoint, keepTo, identity });
    } finally {
      done(null);
    }
    const may = await this.mayRun();
    if (ticket !== this.#ticket) throw SUPERSEDED;
    const wished = this.#wish ?? (run && this.schema.begins && may ? 'running' : 'paused');
    this.want = this.mustAsk() && !this.#agreed ? 'paused' : wished;
    this.goOn();
  }

  /** The run that is open is kept and given up for another. */
  async #exchange(runner, ticket, { link, checkpoint, keepTo, identity }) {
    this.#held ??= [];
    [this.#wish, this.#agreed] = [null, false];
    this.update({ error: null });
    await this.#leave();
    if (ticket !== this.#ticket || runner.dead) throw SUPERSEDED;
    try {
      const opened = runner.open(link, checkpoint);
      this.opening = { keepTo, identity, checkpoint };
      await opened;
    } catch (error) {
      if (ticket === this.#ticket && !runner.dead) {
        this.opening = null;
        if (this.state.demo) this.goOn();
        else this.#release();
      }
      throw error;
    }
    if (checkpoint && keepTo < 0) this.saves.adopt({ link: this.state.link, step: this.state.step, bytes: checkpoint });
  }

  /** What has been learnt is kept. When that is answered, so is all that was asked of this run before. */
  async #leave() {
    const { demo, link, step, status } = this.state;
    if (!demo) return;
    this.leaving = true;
    // Before its first step there is nothing to keep. One that has diverged is not saved: its last good checkpoint is kept already.
    const ping = () => within(1000, (this.#active.post({ type: 'ping' }), this.once('status')));
    await (step > 0 || status === 'running' ? this.checkpoint({ past: true }) : ping()).catch(() => {});
    this.leaving = false;
    this.emit('leave', { ...this.identity, demo, link, step });
  }

  /** What follows is kept under a name of its own. */
  fork() {
    this.identity = { ...this.identity, id: newId() };
    this.emit('state', this.state);
  }

  /** Rejects with the code `consent` where that would download a model, unless `download` says that the person has agreed. */
  async run({ download = false } = {}) {
    if (!download && this.mustAsk()) throw CONSENT;
    this.#agreed = download && !this.opening;
    this.#wishes('running');
    return this.#order({ type: 'run' }, ({ status }) => status === 'running');
  }

  async pause() {
    this.want = this.#wish = 'paused';
    // Whoever waits for steps that will not be taken now is answered by the pause.
    this.#statuses.replace(({ status }) => status === 'paused');
    await this.#order({ type: 'pause' }, ({ status }) => status === 'paused');
    this.saves.soon();
  }

  async step(n = 1, { download = false } = {}) {
    if (!download && this.mustAsk()) throw CONSENT;
    const until = this.state.step + n;
    this.#wishes({ until });
    return this.#order({ type: 'step', n }, ({ status, step }) => status === 'paused' && step >= until);
  }

  #wishes(want) { this.want = this.#wish = want, this.update({ error: null }); }

  #order(command, condition) {
    const answered = this.#statuses.until(condition);
    // A link that is open and still fetches what it shows can be told to stop.
    if (command.type === 'pause' && this.#held && !this.opening && !this.handover.moving) this.#active.post(command);
    this.send(command);
    this.send({ type: 'ping' });
    return answered;
  }

  set(key, value) {
    if (this.schema?.values) this.schema.values[key] = value;
    this.send({ type: 'set', key, value });
  }

  act(name, args = {}) { this.send({ type: 'act', name, args }); }

  /** The run as it is now: the `checkpoint` event. Each question is answered in its turn. */
  checkpoint({ past = false } = {}) {
    const answered = this.#checkpoints.until(() => false);
    if (past) this.#active.post({ type: 'checkpoint' });
    else this.send({ type: 'checkpoint' });
    return answered;
  }

  /** Stops waiting for what is on its way: a demo that stands is paused, an opening is given up. */
  async cancel() {
    return this.state.demo && !this.opening ? this.pause() : this.#active.post({ type: 'close' });
  }

  /** Back to the last good checkpoint after a divergence, and paused there: the same steps would diverge again. */
  async restore() {
    const good = this.saves.takeGood();
    const identity = { ...this.identity, id: newId() };
    return good ? this.open('', { checkpoint: good.bytes, run: false, keepTo: good.step, identity }) : this.open(this.state.link, { run: false });
  }

  send(command) {
    return this.#held ? this.#held.push(command) : this.#active.post(command);
  }

  /** Holds commands back until `goOn`. */
  hold() { this.#held = []; }

  /** Hands over what was held back, and goes on as is wanted. */
  goOn() { this.#release(), this.#pursue(); }

  /** Another worker stands where the active one stood, at `step`. */
  replace(runner, step) {
    this.#active.end();
    this.#active = runner;
    this.emit('reset', { keepTo: step, demo: this.state.demo, id: this.identity.id });
    this.#receive(runner, runner.device);
  }

  #release() {
    // Running or not is decided by what is wanted at the end, not by each click on the way.
    for (const command of this.#held ?? []) if (!['run', 'pause', 'step'].includes(command.type)) this.#active.post(command);
    this.#held = null;
  }

  #pursue() {
    const runner = this.#active;
    if (this.want === 'running') runner.post({ type: 'run' });
    else if (typeof this.want === 'object' && this.want.until > runner.step) runner.post({ type: 'step', n: this.want.until - runner.step });
    else {
      runner.post({ type: 'pause' });
      // What is here already is shown whole: a text, a picture that is decoded anew.
      if (!this.mustAsk()) runner.post({ type: 'prepare' });
    }
    runner.post({ type: 'ping' });
  }

  // --- events ------------------------------------------------------------------------------------------------------

  update(change) {
    Object.assign(this.state, change);
    this.emit('state', this.state);
  }

  #receive(runner, event) {
    if (event.type === 'device' && event.kind === 'webgpu') rememberProven(event.name);
    if (runner !== this.#active) return;
    // Of a run that is being left nobody needs to hear why it cannot be saved.
    if (event.type === 'error' && this.leaving) return void this.#checkpoints.reject(event);
    if (event.type === 'device') this.update({ device: deviceOf(event) });
    else if (event.type === 'link') this.#linked(event);
    else if (event.type === 'views') this.#backwards(event.step);
    else if (event.type === 'status') this.#status(event);
    else if (event.type === 'error') this.#failed(event);
    else if (event.type === 'checkpoint') this.#checkpoints.next(event);
    else if (event.type === 'schema') {
      this.schema = event;
      this.update({ demo: event.demo });
      // Without an opening it only tells of changed values: an action's, or those of a live control.
      if (this.opening) this.#begin(this.opening);
    }
    this.emit(event.type, event);
  }

  #linked({ link, altered = false }) {
    this.identity.origin ??= link;
    this.update({ link, altered });
  }

  /** Another run is open; up to the step `keepTo` it is the one that was shown. */
  #begin({ keepTo, identity, checkpoint = undefined }) {
    this.opening = null;
    if (keepTo < 0) {
      this.saves.clear();
      // A worker that dies before the run is shown goes back to it, too.
      if (checkpoint) this.saves.adopt({ link: '', step: 0, bytes: checkpoint });
      this.#farthest = 0;
    }
    this.identity = identity;
    this.emit('reset', { keepTo, demo: this.state.demo, id: identity.id });
  }

  /** An action may begin the run anew, such as points that are drawn: its steps count from 0 again. */
  #backwards(step) {
    if (step >= this.state.step || this.opening || this.#held) return;
    this.state.step = step;
    this.#begin({ keepTo: -1, identity: { id: newId(), origin: this.state.link } });
  }

  #status({ status, ended, step, steps_per_second: speed, wasm_bytes: wasmBytes, gpu_bytes: gpuBytes, threads }) {
    // A new worker that has opened nothing yet does not know the step at which the run stands.
    if (status === 'idle' && this.#held && this.state.demo) return;
    this.#backwards(step);
    this.#farthest = Math.max(this.#farthest, step);
    // Nobody has wished for the pause of a hand-over: it is not shown.
    const before = this.state.status;
    this.update({ status: this.handover.moving ? before : status, step, speed, wasmBytes, gpuBytes, threads });
    if (this.#held) return;
    this.#statuses.check({ status, step });
    if (!ended) return;
    // Nothing is wanted any more, and whoever waits for more steps gets none.
    this.want = 'paused';
    this.#statuses.resolve();
    this.saves.soon();
  }

  #failed(error) {
    this.update({ error: errorOf(error) });
    // A refused link, file or command leaves the run, and whoever waits for it, as it is.
    if (this.opening || (this.state.bringing && error.code !== 'diverged') || !STOPPING.includes(error.code)) return;
    this.want = 'paused';
    this.#statuses.reject(error);
    this.#checkpoints.reject(error);
  }

  /** Why the run stays on the CPU. */
  explain(reason) { this.update({ deviceReason: reason }); }

  // --- for recovery.js ---------------------------------------------------------------------------------------------

  /** The highest step that this run has reached. */
  get farthest() { return this.#farthest; }

  /** Nobody takes commands until another worker does. */
  interrupt(error) { this.#checkpoints.reject(error), (this.#held ??= []); }

  /** Another worker takes the place of one that is gone; whoever awaits an opening has been overtaken. */
  take(runner) {
    this.#active = runner;
    return ++this.#ticket;
  }

  /** What another worker opens: the run as it was last kept; where nothing was open yet, what was being opened. */
  get wanted() {
    const { demo, link } = this.state;
    return demo ? { link, checkpoint: this.saves.last?.bytes, identity: this.identity } : this.pending;
  }

  giveUp(error) {
    this.update({ status: 'idle', error });
    this.#statuses.reject(error);
  }

  retry() { return this.recovery.retry(); }
}
