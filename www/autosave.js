// Asks for a checkpoint every few seconds, remembers the last good ones, and hands each to the store.

import { newId } from './state.js';

const FIRST = 1_500;
const EVERY = 5_000;
const AT_MOST = 25_000;
/** Two are kept in memory: where the last one already carries the seed of a divergence, the one before it may not. */
const KEEP = 2;

export class Autosave {
  good = [];

  /** Emits on the session `kept` (`{ id, link, step }`) when a checkpoint is written, and once the card `memory-only` where none can be. */
  constructor(session, store) {
    this.session = session;
    this.store = store;
    this.every = EVERY;
    this.dueAt = 0;
    session.on('checkpoint', (checkpoint) => this.keep(checkpoint));
    setInterval(() => this.#tick(), 500);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.#take();
    });
  }

  get last() {
    return this.good.at(-1) ?? null;
  }

  /** Every checkpoint that arrives, whoever asked for it. */
  async keep(checkpoint) {
    const { link, step, bytes, altered = false } = checkpoint;
    const { session } = this;
    const { id, origin } = session.identity;
    if (this.last?.step === step) this.good.pop();
    this.good = [...this.good, { link, step, bytes }].slice(-KEEP);
    this.dueAt = performance.now() + this.every;
    if (step === 0) return;
    const run = { id, demo: session.state.demo, origin, link, altered, step, bytes };
    // While it runs another one follows soon; the last one before a pause, or before the page is left, must not wait.
    const answer = await this.store.save(run, session.state.status !== 'running' || session.phase.is('leaving') || document.visibilityState === 'hidden');
    // Another tab has gone further with this run: here it goes on under a name of its own.
    if (answer === 'behind') {
      if (id !== session.identity.id) return void this.store.save({ ...run, id: newId() }, true);
      session.fork();
      return this.keep(checkpoint);
    }
    if (answer === 'kept') session.emit('kept', { id, link, step });
    if (this.store.persistent || this.told) return;
    // Once: a private window keeps nothing over a reload.
    this.told = true;
    session.emit('card', { key: 'memory-only' });
  }

  /** Forgets what belonged to another run. */
  clear() {
    this.good = [];
    this.dueAt = performance.now() + FIRST;
  }

  /** Takes the last good checkpoint off the list when there is an older one to go back to next time. */
  takeGood() {
    return this.good.length > 1 ? this.good.pop() : this.last;
  }

  /** The run goes on from a checkpoint that is here: a worker that dies before the next one goes back to it. */
  adopt(checkpoint) {
    this.good = [checkpoint];
    this.soon(2000);
  }

  /** A checkpoint now (after a pause, after a restart), if the run has moved since the last one. */
  soon(ms = 0) {
    this.dueAt = Math.min(this.dueAt, performance.now() + ms);
    if (ms === 0) this.#take();
  }

  /** Whether the run as it stands is not in the last checkpoint. */
  get behind() {
    const { demo, step, link } = this.session.state;
    return Boolean(demo) && step > 0 && (step !== this.last?.step || link !== this.last.link);
  }

  #tick() {
    if (performance.now() >= this.dueAt) this.#take();
  }

  async #take() {
    const { state } = this.session;
    // One that has diverged cannot be saved.
    if (!this.behind || this.taking || state.error?.code === 'diverged' || (state.status !== 'running' && state.status !== 'paused')) return;
    this.taking = true;
    const from = performance.now();
    try {
      await this.session.checkpoint();
      // Where making one is slow, it is made less often: a twentieth of the time, and still at most 30 s old.
      this.every = Math.min(AT_MOST, Math.max(EVERY, 20 * (performance.now() - from)));
    } catch {
      this.dueAt = performance.now() + EVERY;
    } finally {
      this.taking = false;
    }
  }
}
