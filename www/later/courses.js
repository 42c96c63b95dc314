// The dialog of courses: each task of theirs, and the runs that do it. `docs/courses.md` is written from the same file.

import { html, render } from '../vendor/lit-html.js';
import { t, language } from '../i18n.js';
import { tried } from '../tried.js';

const LIST = new URL('./courses.json', import.meta.url);

export class Courses {
  constructor(element) {
    this.element = element;
    this.list = null;
  }

  /** Rejected where the list cannot be fetched; the next call then tries again. */
  async show() {
    if (!this.list) {
      const answer = await fetch(LIST);
      if (!answer.ok) throw new Error(`courses.json cannot be fetched: ${answer.status}.`);
      this.list = await answer.json();
    }
    this.#render();
    this.element.showModal();
  }

  #render() {
    render(
      html`<h2 id="courses-title">${t('courses.title')}</h2>
        <p>${t('courses.about')}</p>
        ${this.list.map(
          ({ course, tasks }) => html`<h3>${course[language]}</h3>
            <ul class="tasks">
              ${tasks.map(({ task, runs }) => html`<li>${task[language]}${this.#runs(runs)}</li>`)}
            </ul>`,
        )}
        <form method="dialog"><button>${t('share.close')}</button></form>`,
      this.element,
    );
  }

  #runs(runs) {
    if (!runs.length) return html`<p class="none">${t('courses.none')}</p>`;
    return html`<ul>
      ${runs.map(([link, what]) => html`<li><a href=${`#${link}`} @click=${(event) => this.#follow(event)}>${what[language]}</a></li>`)}
    </ul>`;
  }

  #follow(event) {
    this.element.close();
    tried.follow(event);
  }
}
