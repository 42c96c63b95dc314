// The CPU or the GPU, as the session knows it: one worker, and another in its place where what is to be opened lives in another
// module. What is open goes on until that worker has opened the rest, so that a link which cannot be opened costs nothing.

import { Emitter } from './emitter.js';
import { Runner } from './runner.js';
import { demos } from './demos.js';

/** With this module everything that is not known begins. */
const FIRST = 'training';
/** What is not told of a worker whose place is about to be taken. */
const QUIET = ['progress', 'status', 'views'];
/** Commands that bring a person's own files. */
const BRINGING = ['import', 'pictures'];
const SUPERSEDED = { code: 'superseded', message: 'Another link was opened.', help: '' };
const CANCELLED = { code: 'cancelled', message: 'It was cancelled.', help: '' };

/** The module of a link's demo; undefined where there is no such demo. The settings behind its name are the worker's to read. */
function moduleOf(link) {
  const name = link.split('?', 1)[0];
  return (name ? demos.of(name) : demos.all[0])?.module;
}

/** Emits what its worker emits: `event`, `slow` and `lost`, see runner.js; and the event `module` while another one is on its way. */
export class Processor extends Emitter {
  #runner;
  /** The worker that is about to take its place, what that has told, and how the first one was lost meanwhile. */
  #next = null;
  #early = [];
  #loss = null;
  /** Files that only the worker has, since the browser keeps nothing: they go along. */
  #brought = [];

  /** `link`: what is going to be opened, as far as that is known; all other options are a runner's. */
  constructor(kind, /** @type {{ link?: string, [option: string]: any }} */ { link = '', ...options } = {}) {
    super();
    this.kind = kind;
    this.options = options;
    this.software = options.software ?? false;
    this.#runner = this.#start((kind === 'cpu' && moduleOf(link)) || FIRST);
    this.started = this.#runner.started.catch((error) => {
      // What there is can be opened at least.
      if (!this.#lacks(this.#runner, error)) throw error;
      this.#runner = this.#start(FIRST);
      return this.#runner.started;
    });
    this.started.catch(() => {});
  }

  get dead() { return this.#runner.dead; }
  get device() { return this.#runner.device; }
  get step() { return this.#runner.step; }

  post(command) {
    if (command.type === 'close' && this.#next) return this.#next.end(CANCELLED);
    if (BRINGING.includes(command.type)) this.#brought.push(command);
    this.#runner.post(command);
  }

  end(error) {
    this.#next?.end(error);
    this.#runner.end(error);
  }

  /** What another worker is about to open is not wanted any more. */
  supersede() {
    this.#next?.end(SUPERSEDED);
  }

  /** Opens a link or a checkpoint, in the worker that is there or in another; as a runner's `open`. */
  async open(link, checkpoint) {
    this.supersede();
    let module = (link && moduleOf(link)) || this.#runner.module;
    if (this.kind !== 'cpu' || module === this.#runner.module) {
      try {
        return await this.#runner.open(link, checkpoint);
      } catch (error) {
        // A checkpoint's own link, which only the worker reads.
        if (error.code !== 'elsewhere') throw error;
        module = error.module;
      }
    }
    return this.#move(module, link, checkpoint);
  }

  #start(module) {
    const runner = new Runner(this.kind, { ...this.options, module });
    runner.on('event', (event) => this.#hear(runner, event));
    runner.on('slow', (slow) => this.emit('slow', slow));
    runner.on('lost', (loss) => this.#lost(runner, loss));
    return runner;
  }

  /** Another worker opens it, and takes the place of this one. */
  async #move(module, link, checkpoint) {
    const next = this.#start(module);
    [this.#next, this.#early, this.#loss] = [next, [], null];
    this.#runner.post({ type: 'pause' });
    this.#waits(0);
    try {
      await next.started;
      for (const command of this.#brought) await this.#bring(next, command);
      await next.open(link, checkpoint);
    } catch (error) {
      if (next === this.#next) this.#stay(error);
      throw error;
    }
  }

  /** Kept when the worker has taken the files, or has said why not. */
  #bring(next, command) {
    let ended = false;
    const taken = new Promise((resolve) => {
      next.on('lost', resolve);
      next.on('event', ({ type, what }) => {
        ended ||= type === 'progress' && what === '';
        if (ended && ['library', 'error'].includes(type)) resolve(null);
      });
    });
    next.post(command);
    return taken;
  }

  #hear(runner, event) {
    if (event.type === 'library' && event.persistent) this.#brought = [];
    if (runner === this.#next) {
      if (event.type !== 'schema') return void this.#early.push(event);
      this.#take();
    } else if (runner !== this.#runner || (this.#next && QUIET.includes(event.type))) return;
    this.emit('event', event);
  }

  /** Its module may take a while on its way: no `progress`, which is of what is open. */
  #waits(done) {
    this.emit('event', { type: 'module', what: 'module', done, total: done, bytes: false });
  }

  /** The next worker has opened what it was begun for. */
  #take() {
    this.#runner.end();
    [this.#runner, this.#next] = [this.#next, null];
    this.#waits(1);
    for (const event of this.#early) this.emit('event', event);
  }

  /** It could not be opened: all is as it was. */
  #stay(error) {
    const told = this.#early.filter(({ type }) => type === 'error');
    const { code, message, help = '' } = error;
    // What the worker itself could not tell.
    if (!told.length && ![SUPERSEDED.code, CANCELLED.code].includes(code)) {
      told.push({ type: 'error', code: code === 'not-built' ? code : 'module', message, help, step: this.step, fatal: false });
    }
    this.#next.end(error);
    this.#next = null;
    this.#waits(1);
    for (const event of told) this.emit('event', event);
    if (this.#loss) this.emit('lost', this.#loss);
  }

  #lost(runner, loss) {
    if (runner !== this.#runner || this.#lacks(runner, loss.error)) return;
    if (this.#next) this.#loss = loss;
    else this.emit('lost', loss);
  }

  /** `cargo xtask serve` shows the page before every module is built. */
  #lacks(runner, error) {
    return error?.code === 'not-built' && this.kind === 'cpu' && runner.module !== FIRST;
  }
}
