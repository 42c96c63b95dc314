// What a teacher's address sets: a title, a task, and a target that the run itself judges.

import { html, nothing, render } from '../vendor/lit-html.js';
import { number, t } from '../i18n.js';
import { taught } from '../taught.js';
import { goalOf, judge, valueOf } from './goal.js';

export class Assignment {
  /** The step at which the target was reached in the run that is open. */
  #metAt = null;

  constructor(element, session, metrics) {
    this.element = element;
    this.session = session;
    this.metrics = metrics;
    session.on('reset', ({ keepTo }) => {
      if (keepTo < 0) this.#metAt = null;
      this.render();
    });
    metrics.on('change', () => this.#judge());
  }

  show() {
    this.#judge();
  }

  #judge() {
    const { target } = taught.how;
    if (!target) return this.render();
    const { state, value } = judge(target, this.metrics.latest);
    // What was reached stays so, wherever the run goes from there.
    if (state === 'met') this.#metAt ??= this.metrics.step;
    this.state = this.#metAt === null ? state : 'met';
    this.value = value;
    this.render();
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
    const said = this.state === 'met' ? t('goal.met', { step: number(this.#metAt) }) : this.state === 'late' ? t('goal.late') : '';
    return html`<p class="goal ${this.state ?? ''}">
      <b>${goalOf(target, demo, (id) => this.metrics.titleOf(id))}</b>
      <span class="now">${t('goal.now', { value: valueOf(this.value) })}</span>
      <span class="state" role="status">${said}</span>
    </p>`;
  }
}
