// Whether a run goes on while its tab is hidden. By default it does; the choice is kept in this browser.

const KEY = 'kiln.pause-hidden';

function stored() {
  try {
    return localStorage.getItem(KEY) === 'true';
  } catch {
    // No storage: as by default.
    return false;
  }
}

export class Away {
  #pauses = stored();
  /** The run was paused because the tab was hidden, and goes on when it is seen again. */
  #paused = false;

  /** `quietly(promise)` shows what goes wrong. */
  constructor(session, quietly) {
    document.addEventListener('visibilitychange', () => {
      const hidden = document.visibilityState === 'hidden';
      if (hidden && this.#pauses && session.state.status === 'running') {
        this.#paused = true;
        quietly(session.pause());
      } else if (!hidden && this.#paused) {
        this.#paused = false;
        if (session.state.status === 'paused') quietly(session.run());
      }
    });
    // Another run is not the one that was paused.
    session.on('reset', () => (this.#paused = false));
  }

  get pauses() {
    return this.#pauses;
  }

  set pauses(yes) {
    this.#pauses = yes;
    try {
      localStorage.setItem(KEY, String(yes));
    } catch {
      // It holds until the page is left.
    }
  }
}
