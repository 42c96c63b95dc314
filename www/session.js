// One visit's run, whatever happens to the workers below it: which link is open, who does the work, and how it goes on when a worker
// dies. The page and `window.kiln` talk to this and never to a worker. What is wanted of the run stands in `orders.js`.

import { Emitter } from './emitter.js';
import { Processor } from './processor.js';
import { Autosave } from './autosave.js';
import { Handover } from './handover.js';
import { Orders } from './orders.js';
import { Phase } from './phases.js';
import { Recovery } from './recovery.js';
import { within } from './within.js';
import { deviceOf, errorOf, firstState, newId, STOPPING, SUPERSEDED } from './state.js';
import { provenAdapters, rememberProven } from './adapter.js';

/**
 * Emits every Event of the active worker by its type, and besides:
 * `state` (something in `state` changed), `opening` (something is asked for), `leave` (the run that is shown is given up for another one: `{ id, demo, link, step }`),
 * `reset` (another run is open: `{ id, keepTo, demo }`, the step up to which curves stay true, or -1), `kept` (a checkpoint
 * was written: `{ id, link, step }`), and `card` (something the person should read: `{ key, args, detail }`).
 */
export class Session extends Emitter {
  state = firstState();
  phase = new Phase();
  /** The last `schema` event. Its `values` are those that the worker has taken. */
  schema = null;
  orders = new Orders(this);
  handover = new Handover(this);
  recovery = new Recovery(this);
  /** The run that is shown: its id in the store, and the link that it began with. */
  identity = { id: '', origin: null };
  /** What is being opened, or was last. */
  pending = { link: '', checkpoint: undefined, identity: undefined };
  /** What begins when the worker says what it has opened: `{ keepTo, identity, checkpoint }`. */
  #begins = null;
  /** The worker that the page shows; null until it is known which module is needed first. */
  #active = null;
  #begun;
  #beginning = new Promise((resolve) => (this.#begun = resolve));
  /** Counts openings; whoever awaits one and finds another number has been overtaken. */
  #ticket = 0;
  /** Openings take turns: kept when the last one has its answer. */
  #turn = Promise.resolve(null);
  #farthest = 0;
  /** The next error is the reason why a setting or an action is not taken. */
  #refusing = false;

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

  /** Starts the CPU worker; opening waits for it. `link`: what will be opened, by default what was asked for last. */
  start(link = this.pending.link) {
    this.#active = this.launch('cpu', { link });
    this.#begun();
  }

  get active() {
    return this.#active;
  }

  get ticket() {
    return this.#ticket;
  }

  /** The highest step that this run has reached. */
  get farthest() {
    return this.#farthest;
  }

  /** `running`, `paused`, or a step to run to. */
  get want() {
    return this.orders.want;
  }

  launch(kind, options = {}) {
    const runner = new Processor(kind, { link: this.wanted.link, proven: provenAdapters(), bound: this.bound, patience: this.recovery.patience, greeting: this.greeting(), ...options });
    runner.on('event', (event) => this.#receive(runner, event));
    runner.on('lost', (loss) => this.recovery.lost(runner, loss));
    runner.on('slow', (slow) => runner === this.#active && this.emit('card', { key: 'slow', gone: !slow }));
    return runner;
  }

  // --- commands ----------------------------------------------------------------------------------------------------

  run(options) {
    return this.orders.run(options);
  }

  async pause() {
    await this.orders.pause();
    this.saves.soon();
  }

  step(n, options) {
    return this.orders.step(n, options);
  }

  set(key, value) {
    return this.orders.set(key, value);
  }

  act(name, args = {}) {
    return this.orders.act(name, args);
  }

  checkpoint(options) {
    return this.orders.checkpoint(options);
  }

  send(command) {
    this.orders.send(command);
  }

  /** Stops waiting for what is on its way: a demo that stands is paused, an opening is given up. */
  async cancel() {
    return this.state.demo && !this.phase.is('opening') ? this.pause() : this.#active.post({ type: 'close' });
  }

  /** Back to the last good checkpoint after a divergence, and paused there: the same steps would diverge again. */
  async restore() {
    const good = this.saves.takeGood();
    const identity = { ...this.identity, id: newId() };
    return good ? this.open('', { checkpoint: good.bytes, run: false, keepTo: good.step, identity }) : this.open(this.state.link, { run: false });
  }

  retry() {
    return this.recovery.retry();
  }

  // --- opening -----------------------------------------------------------------------------------------------------

  /**
   * Opens a link, from its beginning or from a checkpoint. Rejects with the worker's error; what ran before then goes on.
   * `identity` is that of the run which the checkpoint is of; without one a new run begins.
   */
  async open(link, { checkpoint = undefined, run = this.want === 'running', keepTo = -1, identity = { id: newId(), origin: null } } = {}) {
    const ticket = ++this.#ticket;
    this.pending = { link, checkpoint, identity };
    this.emit('opening');
    // A module that is on its way for an earlier link is not waited for.
    this.#active?.supersede();
    // What a retry is to do where not even the first opening succeeds.
    if (!this.state.demo) this.orders.want = run ? 'running' : 'paused';
    while (this.handover.moving) await this.handover.moving;
    // One at a time: the answer to an earlier opening must not be taken for this one's.
    const before = this.#turn;
    let done = (_) => {};
    this.#turn = new Promise((resolve) => (done = resolve));
    try {
      await Promise.all([before, this.#beginning]);
      // After a stop a link is another try.
      const runner = this.#active.dead ? (this.#active = this.launch('cpu', { link })) : this.#active;
      await runner.started;
      if (ticket !== this.#ticket) throw SUPERSEDED;
      await this.#exchange(runner, ticket, { link, checkpoint, keepTo, identity });
    } finally {
      done(null);
    }
    const may = await this.mayRun();
    if (ticket !== this.#ticket || !this.phase.is('opened')) throw SUPERSEDED;
    this.orders.decide(run && this.schema.begins && may);
    this.goOn();
  }

  /** The run that is open is kept and given up for another. */
  async #exchange(runner, ticket, { link, checkpoint, keepTo, identity }) {
    this.orders.forget();
    this.update({ error: null });
    await this.#leave(ticket);
    if (ticket !== this.#ticket || runner.dead) throw SUPERSEDED;
    try {
      await this.hand(runner, link, { checkpoint, keepTo, identity });
    } catch (error) {
      if (ticket === this.#ticket && !runner.dead) this.goOn();
      throw error;
    }
    if (checkpoint && keepTo < 0) this.saves.adopt({ link: this.state.link, step: this.state.step, bytes: checkpoint });
  }

  /** What has been learnt is kept. When that is answered, so is all that was asked of this run before. */
  async #leave(ticket) {
    const { demo, link, step, status } = this.state;
    if (!demo) return;
    // A worker that has just taken the place of another has nothing to keep.
    const fresh = this.phase.is('restarting', 'stopped');
    this.phase.to('leaving');
    // Before its first step there is nothing to keep. One that has diverged is not saved: its last good checkpoint is kept already.
    const ping = () => within(1000, (this.#active.post({ type: 'ping' }), this.once('status')));
    if (!fresh) await (step > 0 || status === 'running' ? this.checkpoint({ past: true }) : ping()).catch(() => {});
    if (ticket === this.#ticket) this.emit('leave', { ...this.identity, demo, link, step });
  }

  /** Hands a worker what it is to open, and settles as `Processor.open` does. */
  hand(runner, link, { keepTo, identity, checkpoint }) {
    this.phase.to('opening');
    this.#begins = { keepTo, identity, checkpoint };
    return runner.open(link, checkpoint);
  }

  /** The worker stands with what is open; where nothing is, it waits for another link. Goes on as is wanted. */
  goOn() {
    this.phase.to(this.state.demo ? 'ready' : 'idle');
    this.orders.release();
    if (this.state.demo) this.orders.pursue();
  }

  /** Another run is open; up to the step `keepTo` it is the one that was shown. */
  #begin({ keepTo, identity, checkpoint = undefined }) {
    if (keepTo < 0) {
      this.saves.clear();
      // A worker that dies before the run is shown goes back to it, too.
      if (checkpoint) this.saves.adopt({ link: '', step: 0, bytes: checkpoint });
      this.#farthest = 0;
    }
    this.identity = identity;
    this.emit('reset', { keepTo, demo: this.state.demo, id: identity.id });
  }

  /** What follows is kept under a name of its own. */
  fork() {
    this.identity = { ...this.identity, id: newId() };
    this.emit('state', this.state);
  }

  // --- other workers -----------------------------------------------------------------------------------------------

  /** Another worker stands where the active one stood, at `step`. */
  replace(runner, step) {
    this.#active.end();
    this.#active = runner;
    this.emit('reset', { keepTo: step, demo: this.state.demo, id: this.identity.id });
    this.#receive(runner, runner.device);
  }

  /** The active worker is gone. */
  interrupt(error) {
    this.#refusing = false;
    this.phase.to('restarting');
    this.orders.interrupt(error);
  }

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

  /** No other worker is tried by itself. */
  giveUp(error) {
    this.phase.to('stopped');
    this.update({ status: 'idle', error });
    this.orders.abandon(error);
  }

  /** Why the run stays on the CPU. */
  explain(reason) {
    this.update({ deviceReason: reason });
  }

  // --- events ------------------------------------------------------------------------------------------------------

  update(change) {
    Object.assign(this.state, change);
    this.emit('state', this.state);
  }

  #receive(runner, event) {
    if (event.type === 'device' && event.kind === 'webgpu') rememberProven(event.name);
    if (runner !== this.#active) return;
    // The error that follows says why a setting or an action is not taken.
    if (event.type === 'refused') return void (this.#refusing = true);
    if (event.type === 'error' && this.#refusing) {
      this.#refusing = false;
      this.orders.refused(event);
    } else if (event.type === 'error' && this.phase.is('leaving')) {
      // Of a run that is being left nobody needs to hear why it cannot be saved.
      return void this.orders.unsaved(event);
    }
    if (event.type === 'device') this.update({ device: deviceOf(event) });
    else if (event.type === 'link') this.#linked(event);
    else if (event.type === 'views') this.#backwards(event.step);
    else if (event.type === 'status') this.#status(event);
    else if (event.type === 'error') this.#failed(event);
    else if (event.type === 'checkpoint') this.orders.saved(event);
    else if (event.type === 'schema') this.#described(event);
    this.emit(event.type, event);
  }

  /** What was opened; or, where nothing is being opened, values that a setting or an action has changed. */
  #described(event) {
    this.schema = event;
    this.update({ demo: event.demo });
    if (!this.phase.is('opening')) return this.orders.taken();
    this.phase.to('opened');
    this.#begin(this.#begins);
  }

  #linked({ link, altered = false }) {
    this.identity.origin ??= link;
    this.update({ link, altered });
  }

  /** An action may begin the run anew, such as points that are drawn: its steps count from 0 again. */
  #backwards(step) {
    if (step >= this.state.step || !this.phase.takesCommands) return;
    this.state.step = step;
    this.#begin({ keepTo: -1, identity: { id: newId(), origin: this.state.link } });
  }

  #status({ status, ended, step, steps_per_second: speed, wasm_bytes: wasmBytes, gpu_bytes: gpuBytes, threads }) {
    // A new worker that has opened nothing yet does not know the step at which the run stands.
    if (status === 'idle' && !this.phase.takesCommands && this.state.demo) return;
    this.#backwards(step);
    this.#farthest = Math.max(this.#farthest, step);
    // Nobody has wished for the pause of a hand-over: it is not shown.
    this.update({ status: this.phase.is('moving') ? this.state.status : status, step, speed, wasmBytes, gpuBytes, threads });
    if (!this.phase.takesCommands) return;
    this.orders.stands({ status, step });
    if (!ended) return;
    this.orders.end();
    this.saves.soon();
  }

  #failed(error) {
    this.update({ error: errorOf(error) });
    // A refused link, file or command leaves the run, and whoever waits for it, as it is.
    if (this.phase.is('opening') || (this.state.bringing && error.code !== 'diverged') || !STOPPING.includes(error.code)) return;
    this.orders.fail(error);
  }
}
