// The tasks of a demo: a question, a prediction, a run that is judged as it goes, and why it came out so.

import { html, render, nothing } from '../vendor/lit-html.js';
import { t, language, number } from '../i18n.js';
import { done } from '../tasks.js';
import { titleOf, numberOf, optionOf, tried } from '../tried.js';
import { controlsOf } from '../schema.js';
import { moveTo } from '../moves.js';
import { plain } from '../follow.js';
import { Judge } from './judge.js';

/** How far a run has got is said aloud this often at most, in ms. */
const SAID = 15_000;

class Tasks {
  /** Where they are shown, of which demo, and they themselves. */
  element = null;
  demo = '';
  list = [];
  #lists = new Map();
  /** The task whose run is asked for, and that whose run is judged: `{ demo, task, judge }`. */
  #asked = null;
  #judged = null;
  /** Predictions and answers that were asked for, by demo and id: they hold for this visit. */
  #predicted = new Map();
  #answered = new Set();
  #said = { text: '', at: -SAID };
  #status = '';

  /** Shows a demo's tasks in `element`. Rejected where they cannot be fetched; the next call then tries again. */
  async show(element, demo) {
    this.#follow();
    const wanted = (element.dataset.tasks = `${demo}.${language}`);
    const list = await this.#fetch(demo, language);
    if (element.dataset.tasks !== wanted) return;
    Object.assign(this, { element, demo, list });
    this.#render();
  }

  async #fetch(demo, name) {
    const key = `${demo}.${name}`;
    if (!this.#lists.has(key)) {
      const answer = await fetch(new URL(`./tasks/${key}.json`, import.meta.url));
      if (!answer.ok) throw new Error(`tasks/${key}.json cannot be fetched: ${answer.status}.`);
      this.#lists.set(key, await answer.json());
    }
    return this.#lists.get(key);
  }

  #follow() {
    if (this.session) return;
    const session = (this.session = tried.session);
    session.on('reset', (event) => this.#reset(event));
    session.on('state', ({ status }) => this.#stands(status));
    session.on('views', (event) => this.#see(event));
  }

  // --- what the run does -------------------------------------------------------------------------------------------

  #start(event, task) {
    if (!plain(event)) return;
    tried.follow(event);
    const link = event.currentTarget.hash.slice(1);
    this.#asked = { demo: this.demo, task, judge: new Judge(task.target), link };
    // A link that is open already is opened anew: the run is to begin with the task.
    if (location.hash.slice(1) !== link) return;
    event.preventDefault();
    this.session.open(link).catch(() => {});
  }

  /** Another run: that of a task, another one of the same demo, which counts as well, or something else. */
  #reset({ demo, keepTo }) {
    const asked = this.#asked;
    if (asked?.link === this.session.pending.link) [this.#judged, this.#asked] = [asked, null];
    if (this.#judged && this.#judged.demo !== demo) this.#judged = null;
    if (this.#judged && keepTo < 0) this.#judged.judge.begin();
    this.#said = { text: '', at: -SAID };
    this.#render();
  }

  /** The state changes at each step; what is shown, with the status alone. */
  #stands(status) {
    this.#judged?.judge.clock(status === 'running', performance.now());
    if (status === this.#status) return;
    this.#status = status;
    this.#render();
  }

  #see(event) {
    const { demo, task, judge } = this.#judged ?? {};
    if (!judge || judge.reached) return;
    if (judge.see(event, this.session.schema.values, performance.now())) this.#reached(demo, task);
    this.#render();
  }

  #reached(demo, task) {
    done.add(demo, task.id, this.#choice(demo, task.id), this.#lists.get(`${demo}.${language}`)?.length ?? this.list.length);
    this.session.emit('card', { key: 'task', args: { aim: task.aim }, actions: [[t('tasks.read'), () => this.#read(task.id)]] });
  }

  /** Moves the page to what a task has shown. */
  #read(id) {
    const card = this.element.querySelector(`[data-task="${CSS.escape(id)}"]`);
    if (!card) return;
    card.closest('.tasks').open = card.open = true;
    moveTo(card, card.querySelector('summary'));
  }

  // --- what is shown -----------------------------------------------------------------------------------------------

  #choice(demo, id) {
    return this.#predicted.get(`${demo}.${id}`) ?? -1;
  }

  #render() {
    if (!this.element?.isConnected || this.element.dataset.tasks !== `${this.demo}.${language}`) return;
    const some = Object.keys(done.of(this.demo).done).length > 0;
    render(
      html`<p class="how">${t('tasks.how')}</p>
        ${this.list.map((task) => this.#task(task))}
        <p class="off-screen" role="status">${this.#said.text}</p>
        ${some ? html`<button type="button" class="quiet" data-do="forget-tasks" @click=${() => this.#forget()}>${t('tasks.forget')}</button>` : nothing}`,
      this.element,
    );
  }

  #task(task) {
    const { demo } = this;
    const kept = done.of(demo).done;
    const isDone = Object.hasOwn(kept, task.id);
    const name = `task-${demo}-${task.id}`;
    const chosen = isDone ? kept[task.id] : this.#choice(demo, task.id);
    const open = isDone || this.#answered.has(`${demo}.${task.id}`);
    return html`<details class="task" data-task=${task.id}>
      <summary>${task.question}${isDone ? html` <small class="mark">${t('tasks.mark')}</small>` : nothing}</summary>
      <fieldset ?disabled=${open}>
        <legend>${t('tasks.predict')}</legend>
        ${task.answers.map(
          (answer, index) => html`<label
            ><input type="radio" name=${name} .checked=${index === chosen} @change=${() => this.#predict(task.id, index)} /> <span>${answer}</span></label
          >`,
        )}
      </fieldset>
      <p class="aim"><b>${t('tasks.aim')}</b> ${task.aim}</p>
      <div class="go">
        <a href=${`#${task.link}`} aria-label=${t('tasks.start.of', { aim: task.aim })} @click=${(event) => this.#start(event, task)}>${t(isDone ? 'tasks.again' : 'tasks.start')}</a>
        ${open ? nothing : html`<button type="button" class="quiet" data-do="answer" @click=${() => this.#answer(task.id)}>${t('tasks.answer')}</button>`}
      </div>
      <p class="far">${this.#progress(task)}</p>
      ${open ? html`<div class="reveal"><p class="verdict">${verdict(task, chosen)}</p><p>${task.reveal}</p></div>` : nothing}
    </details>`;
  }

  #predict(id, index) {
    this.#predicted.set(`${this.demo}.${id}`, index);
  }

  #answer(id) {
    this.#answered.add(`${this.demo}.${id}`);
    this.#render();
    // The button is gone.
    this.element.querySelector(`[data-task="${CSS.escape(id)}"] summary`).focus();
  }

  #forget() {
    this.#answered.clear();
    this.#predicted.clear();
    done.forget();
    this.element.closest('.tasks').querySelector('summary').focus();
  }

  /** How far the run has got; said aloud as well, now and then. */
  #progress(task) {
    const { demo, task: judged, judge } = this.#judged ?? {};
    if (demo !== this.demo || judged.id !== task.id) return '';
    const text = this.#how(judge);
    const now = performance.now();
    if (text !== this.#said.text && (now - this.#said.at > SAID || judge.reached)) this.#said = { text, at: now };
    return text;
  }

  #how(judge) {
    const { target, last, broken } = judge;
    if (judge.reached) return t('tasks.reached');
    if (broken) return t('tasks.broken', this.#setting(broken, target.keep[broken]));
    if (judge.late) return t('tasks.late');
    if (!last || !Number.isFinite(last.value)) return t(this.session.state.status === 'running' ? 'tasks.unmeasured' : 'tasks.waits');
    const { of } = target;
    const title = t(`${this.demo}.figure.${of}`, {}, t(`figure.${of}`, {}, t(`slider.${of}`, {}, t(`series.${of}`, {}, last.title ?? t(`tasks.of.${of}`)))));
    return t('tasks.now', { title, value: this.#number(last.value), bounds: this.#bounds(target) });
  }

  #setting(key, bounds) {
    const control = controlsOf(this.session.schema.schema).find((one) => one.key === key);
    const option = control?.options?.find(({ value }) => value === bounds.is);
    const is = option ? optionOf(key, option) : typeof bounds.is === 'boolean' ? t(bounds.is ? 'controls.on' : 'controls.off') : bounds.is;
    return { title: control ? titleOf(this.session.schema.demo, control) : key, bounds: this.#bounds({ ...bounds, is }) };
  }

  #bounds({ least, most, is }) {
    if (is !== undefined) return String(is);
    const parts = [];
    if (least !== undefined) parts.push(t('tasks.least', { n: this.#number(least) }));
    if (most !== undefined) parts.push(t('tasks.most', { n: this.#number(most) }));
    return parts.join(t('tasks.and'));
  }

  #number(value) {
    return Math.abs(value) >= 1 || value === 0 ? number(value, Number.isInteger(value) ? 0 : 2) : numberOf(Number(value.toPrecision(3)));
  }
}

function verdict({ answers, right }, chosen) {
  if (chosen === right) return t('tasks.right', { answer: answers[right] });
  if (chosen < 0) return t('tasks.plain', { answer: answers[right] });
  return t('tasks.wrong', { guess: answers[chosen], answer: answers[right] });
}

export const tasks = new Tasks();
