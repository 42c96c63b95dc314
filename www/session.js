// One visit's run, whatever happens to the workers below it: what is wanted (running or paused, which link), who does it,
// and how it goes on when a worker dies. The page and `window.kiln` talk to this and never to a worker.

import { Emitter } from './emitter.js';
import { Runner } from './runner.js';
import { Autosave } from './autosave.js';
import { Losses } from './losses.js';
import { Waiters } from './waiters.js';
import { deviceOf, errorOf, firstState, STOPPING, SUPERSEDED } from './state.js';
import { provenAdapters, rememberProven } from './adapter.js';

/**
 * Emits every Event of the active worker by its type, and besides:
 * `state` (something in `state` changed), `reset` (another run stands: `{ keepTo, demo }`, the step up to which curves
 * stay true, or -1), and `card` (something the person should read: `{ key, args, detail }`).
 */
export class Session extends Emitter {
  state = firstState();
  /** The last `schema` event; its `values` follow the live controls. */
  schema = null;
  /** @type {string | { until: number }} `running`, `paused`, or a step to run to. */
  want = 'paused';
  /** The worker that the page shows, and the WebGPU worker that is being prepared beside it. */
  #active = null;
  #next = null;
  /** Commands that wait while nobody can take them: during an opening, a hand-over or a restart. Else null. */
  #held = [];
  #handing = null;
  /** Counts openings; whoever awaits one and finds another number has been overtaken. */
  #ticket = 0;
  #statuses = new Waiters();
  #checkpoints = new Waiters();
  #losses = new Losses();
  #wish = null; // running, paused or steps, as it was clicked last while a link was being opened
  #farthest = 0; // the highest step that this run has reached

  /** `greeting()`: commands that each worker gets first. `mayRun()`: whether what is open may begin by itself. */
  constructor({ store, bound = 0, greeting = () => [], mayRun = async () => true }) {
    super();
    this.bound = bound;
    this.greeting = greeting;
    this.mayRun = mayRun;
    this.on('library', ({ persistent }) => (this.persistent = persistent));
    this.saves = new Autosave(this, store);
  }

  /** Starts the CPU worker; opening waits for it. */
  start() { this.#active = this.#launch('cpu'); }

  #launch(kind, options = {}) {
    const runner = new Runner(kind, { proven: provenAdapters(), bound: this.bound, patience: this.#losses.patience, greeting: this.greeting(), ...options });
    runner.on('event', (event) => this.#receive(runner, event));
    runner.on('lost', (loss) => this.#lost(runner, loss));
    return runner;
  }

  // --- commands ----------------------------------------------------------------------------------------------------

  /** Opens a link, from its beginning or from a checkpoint. Rejects with the worker's error; what ran before then goes on. */
  async open(link, { checkpoint = undefined, run = this.want === 'running', keepTo = -1 } = {}) {
    const ticket = ++this.#ticket;
    this.pendingLink = link;
    // What a retry is to do where not even the first opening succeeds.
    if (!this.state.demo) this.want = run ? 'running' : 'paused';
    while (this.#handing) await this.#handing;
    const runner = this.#active;
    await runner.started;
    if (ticket !== this.#ticket) throw SUPERSEDED;
    this.#held ??= [];
    this.#wish = null;
    this.#update({ error: null });
    try {
      const opened = runner.open(link, checkpoint);
      this.opening = { keepTo };
      await opened;
    } catch (error) {
      if (ticket === this.#ticket && !runner.dead) {
        this.opening = null;
        this.#release();
        if (this.state.demo) this.#pursue();
      }
      throw error;
    }
    const runs = run && this.schema.begins && (await this.mayRun());
    if (ticket !== this.#ticket) throw SUPERSEDED;
    this.want = this.#wish ?? (runs ? 'running' : 'paused');
    if (checkpoint) this.saves.soon(2000);
    this.#release();
    this.#pursue();
  }

  run() {
    this.want = this.#wish = 'running';
    this.#update({ error: null });
    return this.#order({ type: 'run' }, ({ status }) => status === 'running');
  }

  async pause() {
    this.want = this.#wish = 'paused';
    // Whoever waits for steps that will not be taken now is answered by the pause.
    this.#statuses.replace(({ status }) => status === 'paused');
    await this.#order({ type: 'pause' }, ({ status }) => status === 'paused');
    this.saves.soon();
  }

  step(n = 1) {
    const until = this.state.step + n;
    this.want = this.#wish = { until };
    this.#update({ error: null });
    return this.#order({ type: 'step', n }, ({ status, step }) => status === 'paused' && step >= until);
  }

  #order(command, condition) {
    const answered = this.#statuses.until(condition);
    // A link that is open and still fetches what it shows can be told to stop.
    if (command.type === 'pause' && this.#held && !this.opening && !this.#handing) this.#active.post(command);
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
  checkpoint() {
    const answered = this.#checkpoints.until(() => false);
    this.send({ type: 'checkpoint' });
    return answered;
  }

  /** Stops waiting for what is on its way: a demo that stands is paused, an opening is given up. */
  async cancel() {
    return this.state.demo && !this.opening ? this.pause() : this.#active.post({ type: 'close' });
  }

  /** Back to the last good checkpoint after a divergence, and paused there: the same steps would diverge again. */
  async restore() {
    const good = this.saves.takeGood();
    return good ? this.open('', { checkpoint: good.bytes, run: false, keepTo: good.step }) : this.open(this.state.link, { run: false });
  }

  send(command) {
    return this.#held ? this.#held.push(command) : this.#active.post(command);
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
    else runner.post({ type: 'pause' });
    runner.post({ type: 'ping' });
  }

  // --- events ------------------------------------------------------------------------------------------------------

  #update(change) {
    Object.assign(this.state, change);
    this.emit('state', this.state);
  }

  #receive(runner, event) {
    if (event.type === 'device' && event.kind === 'webgpu') rememberProven(event.name);
    if (runner !== this.#active) return;
    if (event.type === 'device') this.#update({ device: deviceOf(event) });
    else if (event.type === 'link') this.#update({ link: event.link });
    else if (event.type === 'views') this.#backwards(event.step);
    else if (event.type === 'status') this.#status(event);
    else if (event.type === 'error') this.#failed(event);
    else if (event.type === 'checkpoint') this.#checkpoints.next(event);
    else if (event.type === 'schema') {
      this.schema = event;
      this.#update({ demo: event.demo });
      // Without an opening it only tells of changed values: an action's, or those of a live control.
      if (this.opening) this.#begin(this.opening.keepTo);
    }
    this.emit(event.type, event);
  }

  /** Another run stands; up to the step `keepTo` it is the one that was shown. */
  #begin(keepTo) {
    this.opening = null;
    if (keepTo < 0) {
      this.saves.clear();
      this.#farthest = 0;
    }
    this.emit('reset', { keepTo, demo: this.state.demo });
  }

  /** An action may begin the run anew, such as points that are drawn: its steps count from 0 again. */
  #backwards(step) {
    if (step >= this.state.step || this.opening || this.#held) return;
    this.state.step = step;
    this.#begin(-1);
  }

  #status({ status, step, steps_per_second: speed, wasm_bytes: wasmBytes, gpu_bytes: gpuBytes, threads }) {
    // A new worker that has opened nothing yet does not know the step at which the run stands.
    if (status === 'idle' && this.#held && this.state.demo) return;
    this.#backwards(step);
    this.#farthest = Math.max(this.#farthest, step);
    // Nobody has wished for the pause of a hand-over: it is not shown.
    const before = this.state.status;
    this.#update({ status: this.#handing ? before : status, step, speed, wasmBytes, gpuBytes, threads });
    if (this.#held || this.#statuses.check({ status, step }) || this.want === 'paused' || status !== 'paused' || before === 'paused') return;
    // The demo has come to an end of its own: nothing is wanted any more, and whoever waits for more steps gets none.
    this.want = 'paused';
    this.#statuses.resolve();
    this.saves.soon();
  }

  #failed(error) {
    this.#update({ error: errorOf(error) });
    // A refused link, file or command leaves the run, and whoever waits for it, as it is.
    if (this.opening || (this.state.bringing && error.code !== 'diverged') || !STOPPING.includes(error.code)) return;
    this.want = 'paused';
    this.#statuses.reject(error);
    this.#checkpoints.reject(error);
  }

  // --- from the CPU to WebGPU --------------------------------------------------------------------------------------

  /** Why the run stays on the CPU. */
  explain(reason) { this.#update({ deviceReason: reason }); }

  /** Starts the WebGPU worker beside the run, and moves the run there when it is ready. */
  prepareGpu(options) {
    if (this.#next || this.#active?.kind === 'webgpu') return;
    const gpu = this.#launch('webgpu', options);
    this.#next = gpu;
    this.explain('gpu-starting');
    this.#handOver(gpu).catch((error) => this.#gpuFailed(gpu, error));
  }

  async #handOver(gpu) {
    await gpu.started;
    for (;;) {
      const ticket = this.#ticket;
      // Pictures that this worker alone holds, where the browser keeps nothing, cannot follow.
      const follows = this.persistent !== false || !/=sha256(:|%3A)/i.test(this.state.link);
      if (this.state.demo && !this.#held && follows) {
        // Once while the CPU goes on: weights go up, pipelines are compiled. Once more for the steps taken meanwhile.
        await gpu.open('', (await this.checkpoint()).bytes);
        if (ticket === this.#ticket && !this.#held && (await this.#swap(gpu))) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (gpu.dead) return;
    }
  }

  async #swap(gpu) {
    const cpu = this.#active;
    let done = (_) => {};
    this.#handing = new Promise((resolve) => (done = resolve));
    try {
      cpu.post({ type: 'pause' });
      const answered = this.checkpoint();
      this.#held = [];
      const { bytes, step } = await answered;
      await gpu.open('', bytes);
      if (this.#active !== cpu) return false;
      this.#active = gpu;
      this.#next = null;
      cpu.end();
      this.emit('reset', { keepTo: step, demo: this.state.demo });
      this.#update({ deviceReason: 'gpu' });
      this.#receive(gpu, gpu.device);
      this.emit('card', { key: 'on-gpu', args: { name: gpu.device.name, step } });
      return true;
    } finally {
      this.#handing = null;
      // Where the CPU worker died meanwhile, its restart lets the commands go.
      if (this.#active === cpu || this.#active === gpu) {
        this.#release();
        this.#pursue();
      }
      done(null);
    }
  }

  #gpuFailed(gpu, error) {
    if (gpu !== this.#next) return;
    this.#next = null;
    gpu.end();
    const reason = error?.code === 'wrong-arithmetic' ? 'wrong-arithmetic' : 'gpu-failed';
    this.explain(reason);
    if (error?.code !== 'no-gpu') this.emit('card', { key: reason, detail: error?.message ?? '' });
  }

  // --- when a worker is lost ---------------------------------------------------------------------------------------

  #lost(runner, loss) {
    if (runner !== this.#active) return this.#gpuFailed(runner, loss.error ?? { code: loss.why, message: loss.message });
    this.#checkpoints.reject({ code: loss.why, message: loss.message, help: '' });
    this.#held ??= [];
    const on = this.#losses.decide(runner.kind, loss.why, this.#farthest);
    return on === 'stop' ? this.#stop(loss) : this.#restart(on, runner, loss);
  }

  async #restart(kind, before, loss) {
    const good = this.saves.last;
    const moved = before.kind === 'webgpu' && kind === 'cpu';
    const ticket = ++this.#ticket;
    const runner = this.#launch(kind, kind === 'webgpu' ? { software: before.software } : {});
    this.#active = runner;
    const key = moved ? 'moved-to-cpu' : `recovered-${loss.why}`;
    this.emit('card', { key, args: { step: good?.step ?? 0, at: this.state.step }, detail: loss.message });
    this.#update({ status: 'loading', error: null, deviceReason: moved ? 'gpu-lost' : this.state.deviceReason });
    try {
      await runner.started;
      if (ticket !== this.#ticket) return;
      this.opening = { keepTo: good?.step ?? 0 };
      await runner.open(good ? '' : this.state.link || this.pendingLink, good?.bytes);
    } catch (error) {
      // Another death is handled like the first. A refusal of our own checkpoint is a defect: begin anew.
      if (runner.dead || ticket !== this.#ticket) return;
      this.saves.clear();
      this.emit('card', { key: 'restart-failed', detail: error?.message ?? '' });
      return this.open(this.state.link || this.pendingLink).catch(() => {});
    }
    if (ticket !== this.#ticket) return;
    this.saves.soon(2000);
    this.#release();
    this.#pursue();
  }

  #stop(loss) {
    const error = errorOf({ code: loss.why, message: loss.message, help: '', ...loss.error, step: this.state.step });
    this.#update({ status: 'idle', error });
    this.#statuses.reject(error);
    this.emit('card', { key: loss.why === 'unreachable' ? 'unreachable' : 'stopped', detail: error.message, error });
  }

  /** Another try after a stop, from the last checkpoint or else from the link. */
  retry() {
    this.#losses.forgive();
    this.#active.end();
    return this.#restart('cpu', this.#active, { why: 'retry', message: '' });
  }
}
