// The point of a plane that the person chooses: with the mouse, a finger or the arrow keys.

import { t, number } from '../i18n.js';
import { colour } from '../theme.js';
import { floats } from '../views/plane.js';
import { onPress } from '../views/press.js';
import { Latest } from './latest.js';

/** An arrow key moves by this part of the plane; five times as far with Shift. */
const KEY_STEP = 0.02;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Marker {
  /** `plane`: `{ canvas, element, bounds, session, pen, toPlane, toCanvas }`. */
  constructor(plane) {
    this.plane = plane;
    this.latest = new Latest(plane.session);
    this.place = Object.assign(document.createElement('p'), { className: 'place' });
    this.hint = Object.assign(document.createElement('p'), { className: 'hint' });
    plane.element.append(this.place, this.hint);
    const { element } = plane.canvas;
    element.classList.add('dragged');
    element.tabIndex = 0;
    element.setAttribute('role', 'application');
    // Told to whoever moves it; a point that something else moves is not.
    element.addEventListener('focus', () => this.place.setAttribute('aria-live', 'polite'));
    element.addEventListener('blur', () => this.place.removeAttribute('aria-live'));
    onPress(element, {
      may: () => this.#may(),
      down: (event) => {
        this.pressed = true;
        this.#point(event);
      },
      move: (events) => this.#point(events.at(-1)),
      up: () => {
        this.pressed = false;
        this.#say();
      },
    });
    element.addEventListener('keydown', (event) => this.#key(event));
  }

  /** @type {number[]} */
  at = [];

  /** Takes over `action`, which takes the place, and the set `chosen` of a view of points, where there is one. */
  update({ drag, sets }) {
    this.action = drag;
    const chosen = sets.find(({ role }) => role === 'chosen');
    // While it is dragged the point is where the person holds it.
    if (!this.pressed && !this.latest.busy) this.at = chosen?.xy.byteLength >= 8 ? [...floats(chosen.xy)] : [];
    this.hint.textContent = this.said();
    if (!this.pressed) this.#say();
  }

  /** How it is used. */
  said() {
    return t(`${this.plane.session.schema?.demo}.latent.hint`, {}, t('latent.hint'));
  }

  remove() {
    this.latest.remove();
  }

  /** While points are drawn, a press draws. */
  #may() {
    return Boolean(this.action) && !this.plane.pen?.on;
  }

  #point({ clientX, clientY }) {
    const box = this.plane.canvas.element.getBoundingClientRect();
    const within = (value, most) => Math.min(most, Math.max(0, value));
    this.#move(this.plane.toPlane(within(clientX - box.left, box.width), within(clientY - box.top, box.height)));
  }

  #key(event) {
    const move = MOVES[event.key];
    if (!move || !this.#may()) return;
    event.preventDefault();
    event.stopPropagation();
    const [x0, y0, x1, y1] = this.plane.bounds;
    const [x, y] = this.at.length ? this.at : [(x0 + x1) / 2, (y0 + y1) / 2];
    const pace = KEY_STEP * (event.shiftKey ? 5 : 1);
    this.#move([
      Math.min(x1, Math.max(x0, x + move[0] * pace * (x1 - x0))),
      Math.min(y1, Math.max(y0, y + move[1] * pace * (y1 - y0))),
    ]);
    this.#say();
  }

  #move(at) {
    this.at = at;
    this.plane.canvas.redraw();
    this.latest.put(() => this.plane.session.act(this.action, { x: this.at[0], y: this.at[1] }));
  }

  // Not while it moves: whoever listens to the page would hear nothing else.
  #say() {
    const [x, y] = this.at;
    const said = x === undefined ? '' : t('latent.at', { x: number(x, 2), y: number(y, 2) });
    if (this.place.textContent !== said) this.place.textContent = said;
  }

  paint(context) {
    if (!this.at.length || !this.plane.bounds) return;
    const [left, top] = this.plane.toCanvas(this.at[0], this.at[1]);
    for (const [stroke, width] of [['#000', 5], ['#fff', 2.5]]) {
      context.strokeStyle = /** @type {string} */ (stroke);
      context.lineWidth = /** @type {number} */ (width);
      context.beginPath();
      context.arc(left, top, 9, 0, 2 * Math.PI);
      for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(left + 5 * x, top + 5 * y);
        context.lineTo(left + 14 * x, top + 14 * y);
      }
      context.stroke();
    }
    context.fillStyle = colour.accent;
    context.beginPath();
    context.arc(left, top, 2.5, 0, 2 * Math.PI);
    context.fill();
  }
}
