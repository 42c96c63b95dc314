// Where one is: at the front door or at a run. What of the page is shown, and what it is called.

import { t } from './i18n.js';
import { demos } from './demos.js';
import { taught } from './taught.js';

const at = (id) => document.getElementById(id);

export class Place {
  /** Where one was last; undefined before the first. */
  #last;

  /** `open()` draws the front door, `draw()` what else depends on where one is. */
  constructor(session, runs, { open, draw }) {
    this.session = session;
    this.runs = runs;
    this.open = open;
    this.draw = draw;
  }

  /** The part of the page that one is in. */
  get main() {
    return at(this.runs.atDoor ? 'door' : 'main');
  }

  /** Shows the front door, or the run. */
  show() {
    const { atDoor } = this.runs;
    const changed = this.#last !== undefined && this.#last !== atDoor;
    this.#last = atDoor;
    document.body.classList.toggle('at-door', atDoor);
    at('door').hidden = !atDoor;
    if (atDoor) this.open();
    this.draw();
    if (!changed) return;
    // What had the focus is not there any more.
    scrollTo(0, 0);
    this.main.focus({ preventScroll: true });
    // A run that is still loading is not there yet: its heading is.
    if (document.activeElement !== this.main) at('title').focus({ preventScroll: true });
  }

  /** Says where one is: in the title of the tab, and in the heading of a run. */
  name() {
    const entry = !this.runs.atDoor && demos.of(this.session.state.demo);
    const title = entry ? taught.how.title || demos.titleOf(entry) : '';
    document.title = title ? t('title.demo', { title }) : t('title');
    at('title').textContent = title || 'Kiln';
  }
}
