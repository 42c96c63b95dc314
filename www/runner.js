// One life of one worker: start, open, ping, death. It never restarts itself; `session.js` does, by way of `processor.js`.

import { Emitter } from './emitter.js';
import { rememberThreads, threads } from './capable.js';

/** Silence that is allowed while a module loads, compiles its pipelines or takes its first steps, in ms. */
const PATIENT = 120_000;
const FLOOR = 5_000;
/** A worker on the CPU opens its device in no time, in ms. */
const START = 20_000;
/** Silence after which the person is told, and offered another try, in ms: pipelines of a GPU are compiled meanwhile. */
const SLOW = { cpu: 10_000, webgpu: 30_000 };

/** Threads of the next worker on the CPU. */
let most = threads();

/** The CPU's modules by the names that the registry has for them; the GPU's holds everything. */
const MODULES = { training: 'worker-cpu', pretrained: 'worker-text' };

const wayIn = (kind, module, threads) => {
  if (kind === 'webgpu') return './worker-gpu_loader.js';
  return threads > 1 ? `./${MODULES[module]}-threads_loader.js?threads=${threads}` : `./${MODULES[module]}_loader.js`;
};

/**
 * Emits `event` (an Event of the protocol), `slow` (whether nothing has been heard for long, although it is not given up yet) and,
 * once, `lost` (`{ why, message }`).
 * `why` is `unreachable` (never said hello), `panic`, `error`, `silent` or `device-lost`.
 */
export class Runner extends Emitter {
  constructor(kind, { module = 'training', software = false, proven = [], bound = 0, patience = 1, greeting = [] } = {}) {
    super();
    this.kind = kind;
    this.module = module;
    this.software = software;
    this.bound = bound;
    this.patience = patience;
    this.greeting = greeting;
    this.device = null;
    this.dead = false;
    this.heard = false;
    this.slow = false;
    this.step = 0;
    this.opening = null;
    this.#fresh();
    this.started = new Promise((resolve, reject) => {
      this.startedResolve = resolve;
      this.startedReject = reject;
    });
    this.started.catch(() => {});
    this.greets = { software, proven };
    this.#begin(kind === 'cpu' ? most : 1);
    this.tickMs = bound ? Math.min(1000, bound / 4) : 1000;
    this.timer = setInterval(() => this.#tick(), this.tickMs);
  }

  #begin(threads) {
    this.threads = threads;
    if (threads > 1) rememberThreads(true);
    this.worker = new Worker(new URL(wayIn(this.kind, this.module, threads), document.baseURI), { type: 'module', name: `kiln-${this.kind}` });
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = (event) => {
      event.preventDefault?.();
      this.lose(this.heard ? 'error' : 'unreachable', event.message ?? '');
    };
    this.worker.onmessageerror = () => this.lose('error', 'A message could not be read.');
  }

  /**
   * Opens a link or a checkpoint; settles when the worker stands there paused, or refuses with `{ code, message, help }`: with the
   * code `elsewhere` and the `module` where the demo lives in another one.
   */
  open(link, checkpoint) {
    this.opening?.reject({ code: 'superseded', message: 'Another link was opened.', help: '' });
    const promise = new Promise((resolve, reject) => {
      this.opening = { resolve, reject, schema: false };
    });
    promise.catch(() => {});
    this.#fresh();
    this.post(checkpoint ? { type: 'open', link, checkpoint } : { type: 'open', link });
    return promise;
  }

  post(command) {
    if (!this.dead) this.worker.postMessage(command);
  }

  /** Ends the worker at once, whatever it is doing. wasm memory never shrinks, so the worker is the unit that is thrown away. */
  end(error = { code: 'ended', message: 'The worker has ended.', help: '' }) {
    if (this.dead) return;
    this.dead = true;
    clearInterval(this.timer);
    if (this.slow) this.#tell(false);
    this.#dismiss();
    this.opening?.reject(error);
    this.opening = null;
    this.startedReject(error);
  }

  /** Browsers deliver errors even of a worker that was ended. */
  #dismiss() {
    this.worker.onmessage = this.worker.onerror = this.worker.onmessageerror = null;
    this.worker.terminate();
  }

  lose(why, message) {
    if (this.dead) return;
    if (this.threads > 1) {
      // Whatever it was: the next one shares no memory. Nothing requires that, and one that has not begun is begun again.
      most = 1;
      if (!this.device) return this.#alone();
    }
    this.end({ code: why, message, help: '' });
    this.emit('lost', { why, message });
  }

  #alone() {
    this.#dismiss();
    this.#fresh();
    this.heard = false;
    this.#begin(1);
  }

  #receive(event) {
    if (this.dead || typeof event?.type !== 'string') return;
    this.#answered();
    switch (event.type) {
      case 'hello':
        this.heard = true;
        this.post({ type: 'start', ...this.greets });
        break;
      case 'device':
        this.device = event;
        if (this.threads > 1) rememberThreads(false);
        for (const command of this.greeting) this.post(command);
        this.startedResolve(event);
        break;
      case 'panic':
        this.lose('panic', event.message);
        return;
      case 'elsewhere':
        this.opening?.reject({ code: 'elsewhere', module: event.module, message: `It lives in the module ${event.module}.`, help: '' });
        this.opening = null;
        return;
      case 'schema':
        if (this.opening) this.opening.schema = true;
        break;
      case 'status':
        this.#status(event);
        break;
      case 'error':
        if (this.#failed(event)) return;
        break;
    }
    this.emit('event', event);
  }

  #status({ status, step }) {
    // A step that was really taken shows how long this worker may be silent; before that it may compile for long. A short run may
    // have ended by the time that it is told of; the step at which a checkpoint opens was taken elsewhere.
    if (!this.opening && step > this.step) this.moved = true;
    this.step = step;
    this.loading = status === 'loading';
    if (this.opening?.schema && (status === 'paused' || status === 'running')) {
      const { resolve } = this.opening;
      this.opening = null;
      resolve();
    }
  }

  #failed(event) {
    if (event.code === 'device-lost' || (event.fatal && this.device)) {
      this.lose(event.code === 'device-lost' ? 'device-lost' : 'error', event.message);
      return true;
    }
    if (event.code === 'not-built' && this.threads > 1) {
      // Nothing is wrong with this browser.
      rememberThreads(false);
      this.#alone();
      return true;
    }
    if (event.fatal) {
      this.end(event);
      this.emit('lost', { why: 'unstartable', message: event.message, error: event });
      return true;
    }
    // Once there is a schema the link is open: what fails then is the run, which can be tried again.
    if (this.opening && !this.opening.schema && event.code !== 'bad-command') {
      const { reject } = this.opening;
      this.opening = null;
      reject(event);
    }
    return false;
  }

  #fresh() {
    this.moved = false;
    this.loading = true;
    this.longest = 0;
    this.silence = 0;
    this.asked = 0;
  }

  #answered() {
    if (this.slow) this.#tell(false);
    if (this.asked) this.longest = Math.max(this.longest * 0.98, performance.now() - this.asked);
    this.asked = 0;
    this.silence = 0;
  }

  #tell(slow) {
    this.slow = slow;
    this.emit('slow', slow);
  }

  // Silence is counted in ticks of this timer, each at most two ticks long: a laptop that slept, or a tab whose timers
  // were held back, must not take its own sleep for the worker's death.
  #tick() {
    const now = performance.now();
    const passed = Math.min(now - (this.ticked ?? now), 2 * this.tickMs);
    this.ticked = now;
    if (this.asked) {
      this.silence += passed;
      if (this.silence > this.#bound()) this.lose(this.device ? 'silent' : 'unreachable', '');
      else if (!this.slow && this.silence > SLOW[this.kind]) this.#tell(true);
      return;
    }
    this.asked = now;
    // Before hello nobody listens yet: the hello itself is the answer.
    if (this.heard) this.post({ type: 'ping' });
  }

  #bound() {
    if (this.heard && !this.device && this.kind === 'cpu') return START;
    if (this.loading || !this.device || !this.moved) return PATIENT;
    if (this.bound) return this.bound;
    const floor = this.kind === 'webgpu' ? 6 * FLOOR : FLOOR;
    return Math.max(floor, 20 * this.longest) * this.patience;
  }
}
