// Short texts that a model has written, shaded by how likely each token was to it. With `film`, earlier ones are kept.

import { html, nothing, render } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';
import { Film } from '../views/film.js';
import { heat } from './heat.js';
import { lineFrom } from './lines.js';
import { Player } from './player.js';
import { percent, shown, signs } from './token-card.js';

/** A film has at most so many frames. */
const FRAMES = 200;
/** What a kept token takes in memory, about, in bytes. */
const TOKEN = 128;
const SHADES = [1, 3, 6, 9];

export class Texts {
  constructor({ session }) {
    this.session = session;
    /** Made with the first view that asks for it. */
    this.film = null;
    /** What is shown and is no frame of the film. */
    this.still = null;
    this.texts = [];
    const part = (tag, className) => Object.assign(document.createElement(tag), { className });
    this.element = part('div', 'texts');
    this.tools = part('p', 'legend');
    this.rows = part('div', 'rows-of-text');
    this.rows.tabIndex = 0;
    this.rows.setAttribute('role', 'group');
    this.said = part('p', 'said');
    // What changes with each view is not read aloud: only what the keyboard goes to.
    this.live = part('p', 'off-screen');
    this.live.setAttribute('aria-live', 'polite');
    this.list = document.createElement('ul');
    this.rows.append(this.list);
    this.element.append(this.tools, this.rows, this.said, this.live);
    this.sizes = new ResizeObserver(() => this.#keepHeight());
    this.sizes.observe(this.list);
    this.#listen();
  }

  update({ step, texts, film }, { title }) {
    this.title = title;
    const frame = { step, texts: texts.map(kept) };
    this.still = film ? null : frame;
    if (film) this.#filmed().add(frame, TOKEN * frame.texts.reduce((sum, { tokens }) => sum + tokens.length, 0));
    this.film?.place(film, this.session.schema?.begins);
    this.#show();
  }

  keepTo(step) {
    this.player?.stop();
    // What another run writes may be shorter.
    if (step < 0) this.highest = 0;
    this.film?.keepTo(step);
    this.#show();
  }

  retitle(title) {
    this.title = title;
    if (this.player) this.player.name = title;
    this.player?.stop();
    this.film?.retitle();
    this.live.textContent = '';
    this.#show();
  }

  remove() {
    this.sizes.disconnect();
    this.player?.remove();
    this.film?.remove();
    this.element.remove();
  }

  // --- the film ----------------------------------------------------------------------------------------------------

  #filmed() {
    if (this.film) return this.film;
    const film = new Film(this.element, { most: FRAMES, show: () => this.#show() });
    this.film = film;
    const last = () => Math.max(1, film.last);
    const put = (at) => (film.go(at), at / last());
    this.player = new Player({ low: 0, high: 1, step: null, play: 1 }, this.title, {
      begin: () => {},
      value: () => film.at / last(),
      put: (part) => put(Math.round(part * last())),
      send: async () => {},
      // A press always goes on, however few frames there are.
      turn: (part) => put(Math.ceil(part * last())),
    });
    film.foot.prepend(this.player.element);
    // What the person turns is not played.
    const stop = () => this.player.stop();
    film.slider.addEventListener('pointerdown', stop);
    film.slider.addEventListener('input', stop);
    film.now.addEventListener('click', stop);
    return film;
  }

  // --- one token ---------------------------------------------------------------------------------------------------

  #listen() {
    const { rows } = this;
    const placeOf = ({ target }) => {
      const token = target.closest?.('.token');
      return token ? [Number(token.dataset.row), Number(token.dataset.index)] : undefined;
    };
    rows.addEventListener('pointerover', (event) => {
      if (event.pointerType === 'touch') return;
      this.hover = placeOf(event);
      this.#say();
    });
    rows.addEventListener('pointerleave', () => {
      this.hover = undefined;
      this.#say();
    });
    rows.addEventListener('click', (event) => {
      // Text that was marked to be copied is not a choice.
      if (!getSelection()?.toString()) this.#point(placeOf(event));
    });
    rows.addEventListener('keydown', (event) => this.#key(event));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const spans = [...this.rows.querySelectorAll('.token')].filter((span) => span.getClientRects().length);
    if (!spans.length) return;
    const at = spans.findIndex((span) => span.classList.contains('at'));
    const last = spans.length - 1;
    const from = Math.max(0, at);
    const to = {
      ArrowRight: Math.min(at + 1, last),
      ArrowLeft: Math.max(from - 1, 0),
      ArrowDown: at < 0 ? 0 : lineFrom(spans, from, 1),
      ArrowUp: lineFrom(spans, from, -1),
      Home: 0,
      End: last,
      Escape: -1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#point(spans[to] && [Number(spans[to].dataset.row), Number(spans[to].dataset.index)]);
    spans[to]?.scrollIntoView({ block: 'nearest' });
    const place = spans[to] ? t('texts.place', { at: number(this.cursor[0] + 1), count: number(this.texts.length) }) : '';
    this.live.textContent = spans[to] ? `${this.said.textContent} ${place}` : '';
  }

  #point(cursor) {
    this.cursor = cursor;
    this.#show();
  }

  // --- what is drawn -----------------------------------------------------------------------------------------------

  #show() {
    const frame = this.still ?? this.film?.frame;
    this.film?.label();
    if (!frame) return;
    this.texts = frame.texts;
    this.rows.setAttribute('aria-label', t('texts.label', { title: this.title }));
    render(frame.texts.map((one, row) => this.#row(one, row)), this.list);
    const swatch = (step) => html`<span class="key"><i class="swatch" data-heat=${step}></i>${number((100 * step) / 9)} %</span>`;
    render(html`<span>${t('texts.shades')}</span>${SHADES.map(swatch)}`, this.tools);
    this.#say();
  }

  #row({ tokens, right, wanted }, row) {
    const texts = drawn(tokens);
    const at = (index) => this.cursor?.[0] === row && this.cursor[1] === index;
    // Between the tokens stands nothing: each space would be seen.
    const line = tokens.map(({ role, raw }, index) =>
      role === 'generated'
        ? html`<span class=${at(index) ? 'token at' : 'token'} data-row=${row} data-index=${index} data-heat=${raw == null ? nothing : heat(raw)}>${texts[index]}</span>`
        : texts[index],
    );
    return html`<li data-right=${right ?? nothing}>
      <span class="line">${line}</span>
      ${right == null
        ? nothing
        : html`<span class="verdict"><b aria-hidden="true">${right ? '✓' : '✗'}</b><span class="off-screen">${t(right ? 'texts.right' : 'texts.wrong')}</span>
            ${!right && wanted ? html`<span class="wanted">${t('texts.wanted', { text: signed(wanted) })}</span>` : nothing}</span>`}
    </li>`;
  }

  /** As high as the highest that was shown in this width: a slider that is dragged stays where it is. */
  #keepHeight() {
    const { width, height } = this.list.getBoundingClientRect();
    this.highest = width === this.width ? Math.max(this.highest, height) : height;
    this.width = width;
    this.rows.style.minHeight = `${this.highest}px`;
  }

  /** What is known of the token that is pointed at. */
  #say() {
    const [row, index] = this.hover ?? this.cursor ?? [];
    const token = this.texts[row]?.tokens[index];
    const piece = shown(token?.piece ?? '');
    this.said.textContent =
      token?.role !== 'generated' ? t('texts.hint') : token.raw == null ? t('texts.unknown', { piece }) : t('texts.probability', { piece, p: percent(token.raw) });
  }
}

/** A text as it is kept: what else could have stood in it is not shown. */
const kept = ({ tokens, right, wanted }) => ({ tokens: tokens.map(({ text, piece, role, raw }) => ({ text, piece, role, raw })), right, wanted });

/** A text with signs for the white space at its ends. */
const signed = (text) => text.replace(/^[ \n\t]+|[ \n\t]+$/g, signs);

/** What is drawn of each token: the white space at the text's ends has signs, and a newline between them ends the line. */
function drawn(tokens) {
  const all = signed(tokens.map(({ text }) => text).join(''));
  let from = 0;
  return tokens.map(({ text }) => all.slice(from, (from += text.length)));
}
