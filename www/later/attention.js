// What one token attended to: the weights of every head of a layer over the text, and those of one head in words.

import { t, number } from '../i18n.js';
import { html, render } from '../vendor/lit-html.js';
import { colour, rgb } from '../theme.js';
import { Canvas } from '../views/canvas.js';
import { Pace } from '../views/pace.js';
import { shown } from './token-card.js';

const TOP = 6;
/** Less than this is not worth a word. */
const LEAST = 0.005;
/** A layer or head that is dragged past is asked for this often at most, in ms. */
const PACE = 100;
/** While the model writes it is drawn anew this often at most, in ms: the machine has a model to run. */
const CALM = 250;

export class Attention {
  constructor({ session, bus }) {
    this.session = session;
    this.bus = bus;
    this.pace = new Pace(CALM, () => this.#show());
    this.element = document.createElement('div');
    this.element.className = 'attention';
    this.head = document.createElement('div');
    this.words = document.createElement('div');
    this.canvas = new Canvas((...args) => this.#paint(...args), { heightOf: () => this.#height(), className: 'pixels heads' });
    this.canvas.element.setAttribute('role', 'img');
    this.canvas.element.addEventListener('click', (event) => {
      const row = Math.floor((event.offsetY / this.canvas.height) * (this.view?.heads ?? 0));
      if (row >= 0 && row < this.view?.heads) this.#set('head', row);
    });
    this.sheet = document.createElement('canvas');
    this.element.append(this.head, this.canvas.element, this.words);
  }

  update(view) {
    const { weights } = view;
    this.view = { ...view, weights: new Float32Array(weights.buffer, weights.byteOffset, weights.byteLength / 4) };
    if (this.heads !== view.heads) this.canvas.resize();
    this.heads = view.heads;
    this.pace.ask();
  }

  keepTo() {}

  retitle() {
    this.#show();
  }

  remove() {
    this.pace.stop();
    clearTimeout(this.timer);
    this.canvas.remove();
    this.element.remove();
  }

  #height() {
    const heads = this.view?.heads ?? 8;
    return heads * Math.max(8, Math.min(18, Math.floor(288 / heads)));
  }

  /** The weights of a head, one for each token up to the chosen one. */
  #weights(head) {
    const length = this.view.token + 1;
    return this.view.weights.subarray(head * length, (head + 1) * length);
  }

  #set(key, value) {
    // All heads are here: the other one is drawn at once, another layer when it comes.
    this.view[key] = value;
    this.#show();
    this.wanted = { ...this.wanted, [key]: value };
    this.timer ??= setTimeout(() => {
      for (const [name, last] of Object.entries(this.wanted)) this.session.set(name, last);
      this.timer = this.wanted = null;
    }, PACE);
  }

  #show() {
    if (!this.view) return;
    const { layer, layers, head, heads, token } = this.view;
    const choice = (key, value, count) => html`<label>
      <span>${t(`attention.${key}`)}</span>
      <input type="range" data-set=${key} min="0" max=${count - 1} step="1" .value=${String(value)} @input=${(event) => this.#set(key, event.target.valueAsNumber)} />
      <span class="value">${number(value)}<small> / ${number(count - 1)}</small></span>
    </label>`;
    render(html`<div class="choices">${choice('layer', layer, layers)} ${choice('head', head, heads)}</div>`, this.head);
    const weights = this.#weights(head);
    this.bus.emit('attention', { token, weights });
    const list = most(weights);
    const name = (index) => shown(this.bus.tokens[index]?.piece ?? '');
    render(
      list.length
        ? html`<p>${t('attention.says', { piece: name(token) })}</p>
            <ol class="attended">
              ${list.map(({ weight, index }) => html`<li><code>${name(index)}</code> ${number(100 * weight, 0)} %</li>`)}
            </ol>`
        : html`<p class="hint">${t('attention.none')}</p>`,
      this.words,
    );
    this.canvas.element.setAttribute(
      'aria-label',
      `${t('attention.map', { heads, layer })} ${list.map(({ weight, index }) => `${name(index)} ${number(100 * weight, 0)} %`).join(', ')}`,
    );
    this.canvas.redraw();
  }

  #paint(context, width, height) {
    if (!this.view?.weights.length) return;
    const { heads, head, token } = this.view;
    const columns = Math.min(token + 1, Math.floor(width));
    const [red, green, blue] = rgb(colour.real);
    this.sheet.width = columns;
    this.sheet.height = heads;
    const image = new ImageData(columns, heads);
    for (let row = 0; row < heads; row += 1) {
      const weights = this.#weights(row);
      for (let index = 0; index < weights.length; index += 1) {
        const at = 4 * (row * columns + Math.floor((index * columns) / weights.length));
        // The root, so that what is small can still be seen; several tokens in one column show the largest.
        const alpha = Math.max(image.data[at + 3], 255 * Math.sqrt(weights[index]));
        image.data.set([red, green, blue, alpha], at);
      }
    }
    const context2 = this.sheet.getContext('2d');
    context2.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.sheet, 0, 0, width, height);
    const tall = height / heads;
    context.strokeStyle = colour.generated;
    context.lineWidth = 2;
    context.strokeRect(1, head * tall + 1, width - 2, tall - 2);
  }
}

/** The largest weights: `[{ weight, index }]`, largest first. */
function most(weights) {
  const list = [];
  for (let index = 0; index < weights.length; index += 1) {
    const weight = weights[index];
    if (weight < LEAST || (list.length === TOP && weight <= list[TOP - 1].weight)) continue;
    list.push({ weight, index });
    list.sort((a, b) => b.weight - a.weight).splice(TOP);
  }
  return list;
}
