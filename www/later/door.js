// The front door: what Kiln is, where to start, and all demos by family, each with a picture that it made itself.
// Texts and links are in `door.json`; `xtask/data/cards.mjs` makes the pictures.

import { html, render, nothing } from '../vendor/lit-html.js';
import { t, language, number } from '../i18n.js';
import { demos } from '../demos.js';
import { follow } from '../follow.js';

const TEXTS = new URL('./door.json', import.meta.url);
const pictureOf = (name) => new URL(`./cards/${name}.webp`, import.meta.url).href;
/** Pixels of a card's picture, so that its room is kept before it comes. */
const [WIDTH, HEIGHT] = [400, 250];

/** Megabytes, as a file's seller counts them. */
const MB = 1e6;

const say = (words) => words?.[language] ?? words?.en ?? '';

class Door {
  #words = null;
  #asked = null;
  #still = false;
  /** Goes to a demo. */
  open = (demo) => void (location.hash = demo);

  constructor(element) {
    this.element = element;
    this.#ask().catch(() => {});
    demos.on('change', () => this.#drawn && this.render());
  }

  #drawn = false;

  /** The demos are shown even where their texts cannot be fetched. Rejected then; the next call tries again. */
  async show() {
    this.#drawn = true;
    this.render();
    this.#words ??= await this.#ask();
    this.render();
  }

  #ask() {
    this.#asked ??= fetch(TEXTS).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`door.json cannot be fetched: ${answer.status}.`))));
    this.#asked.catch(() => (this.#asked = null));
    return this.#asked;
  }

  render() {
    const { film, starts = [] } = this.#words ?? {};
    render(
      html`<section class="hero">
          <div class="what">
            <h1>${t('door.title')}</h1>
            <p class="lead">${t('door.lead')}</p>
            <p class="go">${film ? html`<a class="primary" href=${`#${film.link}`} @click=${(event) => follow(event, () => this.open(film.link))}>${t('door.go')}</a>` : nothing}</p>
            <p class="safe">${t('door.safe')}</p>
          </div>
          ${this.#film(film)}
        </section>
        <section aria-labelledby="starts-title">
          <h2 id="starts-title">${t('door.starts')}</h2>
          <ul class="starts">
            ${starts.map((start) => this.#start(start))}
          </ul>
        </section>
        <section aria-labelledby="all-title">
          <h2 id="all-title">${t('door.all')}</h2>
          <div class="shelves">
            ${demos.families.map(
              ([family, all]) => html`<section class="shelf">
                <h3>${demos.familyOf(family)}</h3>
                <ul class="cards-of">
                  ${all.map((demo) => this.#card(demo))}
                </ul>
              </section>`,
            )}
          </div>
        </section>`,
      this.element,
    );
  }

  /** The frames of a run lie side by side in one picture, which moves behind a window. */
  #film(film) {
    return html`<figure class="film">
      <div class="window">${film ? html`<img class=${this.#still ? 'still' : ''} src=${pictureOf('film')} alt=${say(film.alt)} />` : nothing}</div>
      <figcaption>
        <span>${say(film?.caption)}</span>
        <button type="button" class="quiet" data-do="film" @click=${() => this.#hold()}>${t(this.#still ? 'door.play' : 'door.still')}</button>
      </figcaption>
    </figure>`;
  }

  #hold() {
    this.#still = !this.#still;
    this.render();
  }

  #start({ title, text, runs }) {
    const [[link]] = runs;
    return html`<li>
      ${runs.length === 1
        ? html`<a class="name" href=${`#${link}`}>${say(title)}</a><p>${say(text)}</p>`
        : html`<strong class="name">${say(title)}</strong><p>${say(text)}</p>
            <p class="runs">${runs.map(([one, label]) => html`<a href=${`#${one}`}>${say(label)}</a> `)}</p>`}
    </li>`;
  }

  #card(demo) {
    const { name } = demo;
    const own = this.#words?.cards[name];
    return html`<li class="demo-card">
      <div class="picture">${own ? html`<img src=${pictureOf(name)} alt=${say(own.alt)} width=${WIDTH} height=${HEIGHT} loading="lazy" />` : nothing}</div>
      <a class="name" href=${`#${name}`} data-card=${name} @click=${(event) => follow(event, () => this.open(name))}>${demos.titleOf(demo)}</a>
      <p class="shows">${say(own?.shows)}</p>
      <p class="needs">${needs(demo)}${own ? ` · ${say(own.takes)}` : nothing}</p>
    </li>`;
  }
}

/** What a demo downloads, and whether it is slow without a graphics card. */
function needs({ needs: { bytes = 0, model = false, gpu = false } = {} }) {
  const size = number(bytes / MB, bytes < 10 * MB ? 1 : 0);
  const load = bytes ? t(model ? 'door.needs.model' : 'door.needs.data', { size }) : t('door.needs.nothing');
  return `${load} · ${t(gpu ? 'door.needs.gpu' : 'door.needs.cpu')}`;
}

let door;
/** The door in its element: there is one, whoever asks first. */
export const doorIn = (element) => (door ??= new Door(element));
