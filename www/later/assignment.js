// What a teacher's address sets: a title, a task, and a target that the run itself judges.

import { html, nothing, render } from '../vendor/lit-html.js';
import { number, t } from '../i18n.js';
import { taught } from '../taught.js';
import { forJudge, goalOf, valueOf } from './goal.js';
import { Judge } from './judge.js';

export class Assignment {
  /** @type {Judge | null} Of the target, where there is one. */
  #judge = null;

  constructor(element, session, metrics) {
    this.element = element;
    this.session = session;
    this.metrics = metrics;
    session.on('reset', ({ keepTo }) => {
      if (keepTo < 0) this.#begin();
      this.render();
    });
    session.on('views', (event) => {
      this.#judge?.see(event, session.schema?.values ?? {});
      this.render();
    });
  }

  show() {
    this.#begin();
    this.render();
  }

  #begin() {
    const { target } = taught.how;
    this.#judge = target && new Judge(forJudge(target));
  }

  render() {
    const { title, task, target } = taught.how;
    this.element.hidden = !(title || task || target);
    if (this.element.hidden) return;
    this.element.setAttribute('aria-label', title || t('assignment.title'));
    render(
      html`<h2>${title || t('assignment.title')}</h2>
        ${task ? html`<p class="task">${task}</p>` : nothing} ${target ? this.#goal(target) : nothing}`,
      this.element,
    );
  }

  #goal(target) {
    const { demo } = this.session.state;
    const { last = null, reached = false, late = false } = this.#judge ?? {};
    const said = reached ? t('goal.met', { step: number(last.step) }) : late ? t('goal.late') : '';
    return html`<p class="goal ${reached ? 'met' : late ? 'late' : 'open'}">
      <b>${goalOf(target, demo, (id) => this.metrics.titleOf(id))}</b>
      <span class="now">${t('goal.now', { value: valueOf(last?.value) })}</span>
      <span class="state" role="status">${said}</span>
    </p>`;
  }
}
