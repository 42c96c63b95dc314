// Views that are asked to draw more often than a person sees.

/** Draws so often at most: at once, or so many ms after the last time, and once for all that was asked meanwhile. */
export class Pace {
  #timer = 0;
  #last = -Infinity;

  constructor(ms, draw) {
    this.ms = ms;
    this.draw = draw;
  }

  ask() {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#last = performance.now();
      this.draw();
    }, Math.max(0, this.#last + this.ms - performance.now()));
  }

  /** Whatever was asked for is not drawn. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }
}
