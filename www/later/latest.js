// The newest of many values: the next one goes when the last was answered, so that no queue grows while a pointer drags.

/** An answer is waited for this long, in ms, and twice as long each time that none comes. */
const PATIENCE = 50;
const MOST = 1600;

export class Latest {
  #waiting = null;
  #busy = false;
  #patience = PATIENCE;

  constructor(session) {
    this.off = session.on('views', () => this.#free(PATIENCE));
  }

  /** Something is on its way. */
  get busy() {
    return this.#busy;
  }

  /** Something waits to be sent. */
  get waiting() {
    return this.#waiting !== null;
  }

  /** `send()` is called now or when the last one was answered, unless a newer one comes before. */
  put(send) {
    this.#waiting = send;
    this.#go();
  }

  #go() {
    if (this.#busy || !this.#waiting) return;
    const send = this.#waiting;
    this.#waiting = null;
    this.#busy = true;
    this.timer = setTimeout(() => this.#free(Math.min(MOST, 2 * this.#patience)), this.#patience);
    send();
  }

  #free(patience) {
    clearTimeout(this.timer);
    this.#patience = patience;
    this.#busy = false;
    this.#go();
  }

  remove() {
    clearTimeout(this.timer);
    this.#waiting = null;
    this.off();
  }
}
