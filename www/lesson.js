// The lesson of a demo: what you see, and small experiments, each of which is a link. Above the run of a narrow page stands its
// beginning, and a button unfolds the rest.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, language } from './i18n.js';
import { tried } from './tried.js';
import { glossary } from './glossary.js';

const fetched = new Map();
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

/** `courses()` shows whose tasks these runs do. */
export async function showLesson(element, demo, { courses }) {
  const wanted = (element.dataset.lesson = `${demo}.${language}`);
  // A demo may have none.
  const lesson = demo ? ((await fetchLesson(demo, language)) ?? (await fetchLesson(demo, 'en'))) : null;
  if (element.dataset.lesson !== wanted) return;
  element.hidden = !lesson;
  if (!lesson) return;
  again = () => showLesson(element, demo, { courses });
  const mark = glossary.marker();
  const other = demo !== element.dataset.of;
  element.dataset.of = demo;
  if (other) element.classList.remove('whole');
  element.setAttribute('aria-label', t('lesson'));
  const unfold = () => {
    element.classList.toggle('whole');
    again();
  };
  const whole = element.classList.contains('whole');
  render(
    html`<h2>${lesson.title}</h2>
      ${lesson.lead.map((text) => html`<p class="lead">${mark(text)}</p>`)}
      <div class="see">
        <h3>${t('lesson.see')}</h3>
        ${lesson.see.map(([term, text]) => html`<details><summary>${term}</summary><p>${mark(text)}</p></details>`)}
      </div>
      <h3>${t('lesson.try')}</h3>
      <ul class="try">
        ${lesson.try.map(([link, title, text]) => html`<li><a href=${`#${link}`} @click=${(event) => tried.follow(event)}>${title}</a><p>${mark(text)}</p></li>`)}
      </ul>
      ${lesson.more?.length
        ? html`<h3 class="more-head">${t('lesson.more')}</h3>
            <ul class="more">${lesson.more.map((text) => html`<li>${mark(text)}</li>`)}</ul>`
        : nothing}
      <button type="button" data-do="courses" aria-haspopup="dialog" @click=${courses}>${t('courses.open')}</button>
      <button type="button" class="quiet unfold" data-do="lesson" aria-expanded=${whole} @click=${unfold}>${t(whole ? 'lesson.fold' : 'lesson.whole')}</button>`,
    element,
  );
}
