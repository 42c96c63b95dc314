// Listeners by event name. A listener that throws must not stop the run: its error goes to the console.

export class Emitter {
  #listeners = new Map();

  /** Returns the function that unsubscribes. */
  on(event, fn) {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(fn));
    return () => set.delete(fn);
  }

  /** The next event of a kind. */
  once(event) {
    return new Promise((resolve) => {
      const off = this.on(event, (value) => {
        off();
        resolve(value);
      });
    });
  }

  emit(event, value) {
    for (const fn of [...(this.#listeners.get(event) ?? [])]) {
      try {
        fn(value);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
