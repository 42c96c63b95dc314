// Asks for a checkpoint every few seconds, and remembers the last good ones.

const FIRST = 1_500;
const EVERY = 5_000;
const AT_MOST = 25_000;
/** Two are kept in memory: where the last one already carries the seed of a divergence, the one before it may not. */
const KEEP = 2;

export class Autosave {
  good = [];

  constructor(session, store) {
    this.session = session;
    this.store = store;
    this.every = EVERY;
    this.dueAt = 0;
    this.quiet = false;
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
  keep({ link, step, bytes }) {
    if (this.last?.step === step) this.good.pop();
    this.good = [...this.good, { link, step, bytes }].slice(-KEEP);
    this.dueAt = performance.now() + this.every;
    if (!this.quiet) this.#store({ link, step, bytes });
  }

  async #store(checkpoint) {
    await this.store.save(checkpoint);
    if (this.store.persistent || this.told) return;
    // Once: a private window keeps nothing over a reload.
    this.told = true;
    this.session.emit('card', { key: 'memory-only' });
  }

  /** Forgets what belonged to another link. */
  clear() {
    this.good = [];
    this.quiet = false;
    this.dueAt = performance.now() + FIRST;
  }

  /** Takes the last good checkpoint off the list when there is an older one to go back to next time. */
  takeGood() {
    return this.good.length > 1 ? this.good.pop() : this.last;
  }

  /** A checkpoint now (after a pause, after a restart), if the run has moved since the last one. */
  soon(ms = 0) {
    this.dueAt = Math.min(this.dueAt, performance.now() + ms);
  }

  #tick() {
    if (performance.now() >= this.dueAt) this.#take();
  }

  async #take() {
    const { state } = this.session;
    if (!state.demo || this.taking || state.step === 0) return;
    if (state.step === this.last?.step && state.link === this.last.link) return;
    if (state.status !== 'running' && state.status !== 'paused') return;
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
