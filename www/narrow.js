// Narrow pages: the lesson's beginning stands above the run, and on a phone a bar at the bottom runs and pauses, and leads to the run,
// the controls and the lesson.

import { html, render, nothing } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { isBusy } from './state.js';
import { moveTo, moveToRun } from './moves.js';

/** Up to here there is no column for the lesson (`layout.css`). */
const NARROW = matchMedia('(max-width: 1180px)');

const at = (id) => document.getElementById(id);

/** Where the lesson stands in the document is where it stands on the page: the keyboard takes them in one order. */
export function placeLesson() {
  const place = () => (NARROW.matches ? at('toolbar').before(at('lesson')) : document.querySelector('.layout').append(at('lesson')));
  NARROW.addEventListener('change', place);
  place();
}

export class Bar {
  /** `toggle()` runs or pauses. */
  constructor(session, { toggle }) {
    this.session = session;
    this.toggle = toggle;
    this.element = document.createElement('nav');
    this.element.id = 'bar';
    at('footer').after(this.element);
  }

  render() {
    const { session } = this;
    const running = Boolean(session.schema) && isBusy(session);
    const off = !session.schema || session.state.status === 'idle';
    const part = (name, go) => html`<button type="button" data-to=${name} @click=${go}>${t(`bar.${name}`)}</button>`;
    this.element.setAttribute('aria-label', t('bar'));
    render(
      html`<button type="button" class="primary" data-do="toggle" ?disabled=${off} aria-label=${t(running ? 'do.pause' : 'do.run')} @click=${this.toggle}>
          <span class="icon ${running ? 'pause' : 'play'}" aria-hidden="true"></span>
        </button>
        ${part('run', () => moveToRun({ focus: true }))} ${at('controls-box').hidden ? nothing : part('controls', () => this.#controls())}
        ${at('lesson').hidden ? nothing : part('lesson', () => moveTo(at('lesson')))}`,
      this.element,
    );
  }

  #controls() {
    const box = at('controls-box');
    box.setAttribute('open', '');
    moveTo(box, box.querySelector('summary'));
  }
}
