// The glossary: a dialog of all terms, which is searched by typing, and the small card of one term beside its use in a text.

import { html, render, nothing } from '../vendor/lit-html.js';
import { t, language, number } from '../i18n.js';
import { patternOf } from './term-pattern.js';

/** Room between a term and its card, and between the card and the edge of the window, in pixels. */
const [GAP, EDGE] = [6, 12];

/** By language: the promise of its terms, and the terms. */
const asked = new Map();
const arrived = new Map();

/** The terms of a language, in the order of its dictionary. Rejected where they cannot be fetched; the next call then tries again. */
export function wordsOf(name) {
  if (!asked.has(name)) asked.set(name, fetchWords(name));
  return asked.get(name);
}

async function fetchWords(name) {
  try {
    const answer = await fetch(new URL(`./glossary.${name}.json`, import.meta.url));
    if (!answer.ok) throw new Error(`glossary.${name}.json cannot be fetched: ${answer.status}.`);
    const entries = Object.entries(await answer.json()).map(([id, entry]) => ({ id, term: id, ...entry }));
    const words = { entries: entries.sort((a, b) => a.term.localeCompare(b.term, name)), ...patternOf(entries) };
    arrived.set(name, words);
    return words;
  } catch (error) {
    asked.delete(name);
    throw error;
  }
}

/** Marks the first use of each term in the texts that it is given; undefined until the terms of the language are here. */
export function marker(name) {
  const words = arrived.get(name);
  if (!words) return undefined;
  const seen = new Set();
  return (text) => {
    const parts = [];
    let from = 0;
    for (const { index, 0: found } of text.matchAll(words.pattern)) {
      const id = words.idOf(found);
      if (seen.has(id)) continue;
      seen.add(id);
      parts.push(text.slice(from, index), markOf(id, found));
      from = index + found.length;
    }
    return [...parts, text.slice(from)];
  };
}

/** No `<button>`: it would not break across lines, and a line could begin with the comma after it. */
const markOf = (id, found) => html`<span class="explained" role="button" tabindex="0" aria-haspopup="dialog" data-term=${id}>${found}</span>`;

function paper({ paper: known }) {
  if (!known) return nothing;
  const [title, arxiv] = known;
  return html` <a href=${`https://arxiv.org/abs/${arxiv}`} target="_blank" rel="noopener">${title}</a>`;
}

/** What a person types, and what is searched, without accents and capitals. */
const plain = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

class Glossary {
  #found = '';

  constructor(element) {
    this.element = element;
    this.card = Object.assign(document.createElement('div'), { id: 'term', tabIndex: -1 });
    this.card.setAttribute('role', 'dialog');
    this.card.setAttribute('aria-labelledby', 'term-title');
    this.card.setAttribute('popover', 'auto');
    document.body.append(this.card);
  }

  /** All terms; `id` is the one that is shown first. Rejected where they cannot be fetched. */
  async show(id) {
    await wordsOf(language);
    this.#found = '';
    this.render();
    this.element.showModal();
    const entry = id && this.element.querySelector(`[data-entry="${CSS.escape(id)}"]`);
    entry?.scrollIntoView({ block: 'start' });
  }

  /** One term beside the place where it stands. */
  async explain(target) {
    const { entries } = await wordsOf(language);
    const { term: id } = target.dataset;
    // A browser without popovers shows it among the others.
    if (!this.card.showPopover) return this.show(id);
    const entry = entries.find((one) => one.id === id);
    const all = () => {
      this.card.hidePopover();
      this.show(id);
    };
    render(
      html`<h2 id="term-title">${entry.term}${this.#english(entry)}</h2>
        <p>${entry.text}</p>
        <p class="links">${paper(entry)}<button type="button" class="quiet" data-do="glossary" aria-haspopup="dialog" @click=${all}>${t('glossary.all')}</button></p>`,
      this.card,
    );
    this.card.showPopover();
    this.#place(target.getClientRects()[0]);
    this.card.focus();
  }

  /** Under the word, or above it where there is no room; it scrolls with the page. */
  #place({ left, top, bottom }) {
    const { width, height } = this.card.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const fits = bottom + GAP + height + EDGE <= clientHeight || top < height + GAP;
    this.card.style.left = `${scrollX + Math.max(EDGE, Math.min(left, clientWidth - width - EDGE))}px`;
    this.card.style.top = `${scrollY + (fits ? bottom + GAP : top - GAP - height)}px`;
  }

  /** Papers and programs use the English word: it stands beside another one. */
  #english = ({ id, term }) => (id === term ? nothing : html` <small lang="en">${id}</small>`);

  render() {
    const words = arrived.get(language);
    if (!words) return;
    const wanted = plain(this.#found.trim());
    const named = ({ id, term, forms }) => [id, term, ...forms].some((name) => plain(name).includes(wanted));
    const [first, rest] = [words.entries.filter(named), words.entries.filter((one) => !named(one) && plain(one.text).includes(wanted))];
    const found = [...first, ...rest];
    render(
      html`<h2 id="glossary-title">${t('glossary.title')}</h2>
        <label for="glossary-find">${t('glossary.find')}</label>
        <input id="glossary-find" type="search" autocomplete="off" spellcheck="false" .value=${this.#found} @input=${({ target }) => this.#find(target.value)} />
        <p class="count" role="status">${found.length ? t('glossary.count', { count: number(found.length) }) : t('glossary.none')}</p>
        <div class="terms" tabindex="0" role="group" aria-label=${t('glossary.title')}>
          ${found.length
            ? html`<dl>
                ${found.map((entry) => html`<div data-entry=${entry.id}><dt>${entry.term}${this.#english(entry)}</dt><dd>${entry.text}${paper(entry)}</dd></div>`)}
              </dl>`
            : nothing}
        </div>
        <form method="dialog"><button>${t('share.close')}</button></form>`,
      this.element,
    );
  }

  #find(text) {
    this.#found = text;
    this.render();
    this.element.querySelector('.terms').scrollTop = 0;
  }
}

const glossary = new Glossary(document.getElementById('glossary'));

/** There is one, whoever asks. */
export const theGlossary = () => glossary;

const explain = (event) => {
  const target = event.target.closest?.('.explained');
  if (!target) return;
  event.preventDefault();
  glossary.explain(target);
};
addEventListener('click', explain);
addEventListener('keydown', (event) => ['Enter', ' '].includes(event.key) && explain(event));
