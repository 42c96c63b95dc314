// The lesson of a demo: what you see, and small experiments, each of which is a link. Above the run of a narrow page stands its
// beginning, and a button unfolds the rest.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, language } from './i18n.js';
import { showTasks } from './tasks.js';
import { tried } from './tried.js';
import { later } from './later.js';
import { within } from './within.js';
import { glossary } from './glossary.js';

/** The words wait so long for the equation, in ms: what comes after them pushes them down. */
const EQUATION = 600;

const fetched = new Map();
/** Where the equation of the demo is drawn. */
let formula = null;
/** Draws the lesson that is shown once more. */
let again = () => {};
glossary.on('change', () => again());

async function fetchLesson(demo, name) {
  const key = `${demo}.${name}`;
  if (!fetched.has(key)) {
    const url = new URL(`./lessons/${key}.json`, import.meta.url);
    fetched.set(key, fetch(url).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null));
  }
  const lesson = await fetched.get(key);
  // A failed fetch is not remembered: the network may be back next time.
  if (!lesson) fetched.delete(key);
  return lesson;
}

/** `session` and `panels` have the values of the equation; `courses()` shows whose tasks these runs do. */
export async function showLesson(element, demo, given) {
  const { courses } = given;
  const wanted = (element.dataset.lesson = `${demo}.${language}`);
  // At once: words that come meanwhile are for this lesson, not for the one that is still to be seen.
  again = () => showLesson(element, demo, given);
  // The lesson is worth reading without it.
  const equation = demo ? later('equation').then(({ equationOf }) => equationOf(demo)).catch(() => null) : Promise.resolve(null);
  // A demo may have none.
  const lesson = demo ? ((await fetchLesson(demo, language)) ?? (await fetchLesson(demo, 'en'))) : null;
  await within(EQUATION, equation).catch(() => {});
  if (element.dataset.lesson !== wanted) return;
  element.hidden = !lesson;
  if (!lesson) return;
  const mark = glossary.marker();
  const other = demo !== element.dataset.of;
  element.dataset.of = demo;
  if (other) {
    element.classList.remove('whole');
    element.scrollTop = 0;
    formula = Object.assign(document.createElement('div'), { className: 'formula' });
  }
  element.setAttribute('aria-label', t('lesson'));
  const unfold = () => {
    element.classList.toggle('whole');
    again();
  };
  const whole = element.classList.contains('whole');
  render(
    html`<h2>${lesson.title}</h2>
      ${lesson.lead.map((text) => html`<p class="lead">${mark(text)}</p>`)}
      ${formula}
      <div class="see">
        <h3>${t('lesson.see')}</h3>
        ${lesson.see.map(([term, text]) => html`<details><summary>${term}</summary><p>${mark(text)}</p></details>`)}
      </div>
      <h3>${t('lesson.try')}</h3>
      <ul class="try">
        ${lesson.try.map(([link, title, text]) => html`<li><a href=${`#${link}`} @click=${(event) => tried.follow(event)}>${title}</a><p>${mark(text)}</p></li>`)}
      </ul>
      <div class="tasks-place"></div>
      ${lesson.more?.length
        ? html`<h3 class="more-head">${t('lesson.more')}</h3>
            <ul class="more">${lesson.more.map((text) => html`<li>${mark(text)}</li>`)}</ul>`
        : nothing}
      <button type="button" data-do="courses" aria-haspopup="dialog" @click=${courses}>${t('courses.open')}</button>
      <button type="button" class="quiet unfold" data-do="lesson" aria-expanded=${whole} @click=${unfold}>${t(whole ? 'lesson.fold' : 'lesson.whole')}</button>`,
    element,
  );
  equation.then((found) => element.dataset.lesson === wanted && found?.show(formula, given));
  showTasks(element.querySelector('.tasks-place'), demo);
}
