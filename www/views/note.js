// A sentence about what is shown beside it.

import { t } from '../i18n.js';

export class Note {
  constructor() {
    this.element = document.createElement('p');
    this.element.className = 'note';
    this.element.setAttribute('role', 'status');
  }

  update({ code, text, args }) {
    this.said = { code, text, args };
    const sentence = t(`note.${code}`, Object.fromEntries(args), text);
    // Set only where it is another one: whoever listens hears it once.
    if (sentence !== this.element.textContent) this.element.textContent = sentence;
  }

  retitle() {
    if (this.said) this.update(this.said);
  }

  remove() {
    this.element.remove();
  }
}
