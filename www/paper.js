// A run on paper: its title, what it is about, the task and the link stand above its pictures and figures.

import { html, nothing, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { here } from './later.js';
import { paper } from './theme.js';
import { taught } from './taught.js';

/** What the browser draws in a frame is on the screen when the next one begins. */
const frames = async (count) => {
  for (let at = 0; at < count; at += 1) await new Promise(requestAnimationFrame);
};

export class Paper {
  /** What is printed in the place of the page's own: `{ how, address }`. */
  #asked = null;

  constructor(element, session) {
    this.element = element;
    this.session = session;
    addEventListener('beforeprint', () => this.#fill());
    addEventListener('afterprint', () => this.#clear());
  }

  /** Prints the page that a teacher has built, with its address; `here('share')` draws its QR code. */
  async print(how, address) {
    this.#asked = { how, address };
    this.#fill();
    await frames(2);
    window.print();
  }

  #fill() {
    paper(true);
    const { how, address } = this.#asked ?? { how: taught.how, address: location.href };
    const { demo } = this.session.state;
    // They are here where they were needed for what is printed.
    const { goalOf } = here('share') ?? here('assignment') ?? {};
    const code = here('share')?.qrCode(address);
    const lead = [...document.querySelectorAll('#lesson .lead')].map(({ textContent }) => textContent);
    render(
      html`<div>
          <h1>${how.title || document.getElementById('title').textContent}</h1>
          ${lead.map((text) => html`<p>${text}</p>`)}
          ${how.task || how.target ? html`<h2>${t('assignment.title')}</h2>` : nothing} ${how.task ? html`<p class="task">${how.task}</p>` : nothing}
          ${how.target && goalOf ? html`<p><b>${goalOf(how.target, demo)}</b></p>` : nothing}
        </div>
        ${code ?? nothing}
        <p class="address">${address}</p>`,
      this.element,
    );
  }

  #clear() {
    this.#asked = null;
    render(nothing, this.element);
    paper(false);
  }
}
