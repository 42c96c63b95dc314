// A plane of latent numbers: decoded pictures as its map, encoded pictures as points, and one point that is dragged.

import { t, number } from '../i18n.js';
import { colour, classColour, classOf } from '../theme.js';
import { Plane, floats, key } from '../views/plane.js';
import { onPress } from '../views/press.js';
import { paintSheet } from '../views/sheet.js';
import { Latest } from './latest.js';

const DOT = 3;
/** Points over a map are seen better on a map that is held back. */
const DIM = 0.55;
/** An arrow key moves by this part of the plane; five times as far with Shift. */
const KEY_STEP = 0.02;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class Latent extends Plane {
  order = ['map2d', 'points2d'];

  constructor({ session }) {
    super({ onDraw: null, session });
    this.latest = new Latest(session);
    this.map = document.createElement('canvas');
    /** The class that alone is shown; null where all are. */
    this.only = null;
    this.shown = true;
    this.element.classList.add('latent');
    this.place = document.createElement('output');
    this.hint = Object.assign(document.createElement('p'), { className: 'hint' });
    this.element.append(this.place, this.hint);
    const { element } = this.canvas;
    element.classList.add('dragged');
    element.tabIndex = 0;
    element.setAttribute('role', 'application');
    onPress(element, {
      may: () => this.drag,
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

  update(view, about) {
    if (view.type === 'map2d') {
      paintSheet(this.map, { ...view, count: view.columns * view.rows }, view.pixels, 0);
      this.layers.map2d = view;
      this.bounds = view.bounds;
      this.canvas.redraw();
      return;
    }
    this.drag = view.drag;
    const chosen = view.sets.find(({ role }) => role === 'chosen');
    // While it is dragged the point is where the person holds it.
    if (chosen?.xy.byteLength >= 8 && !this.pressed && !this.latest.busy) [...this.at] = floats(chosen.xy);
    this.points = view.sets.filter(({ role }) => role !== 'chosen');
    super.update({ ...view, sets: this.points }, about);
    this.#tell();
  }

  /** @type {number[]} */
  at = [];

  describe({ sets }) {
    const count = sets.reduce((sum, { xy }) => sum + xy.byteLength / 8, 0);
    const said = count ? ` ${t('latent.points', { count: number(count) })}` : '';
    this.canvas.element.setAttribute('aria-label', `${this.title}.${said} ${t('latent.hint')}`);
    const roles = sets.map(({ role }) => role).join();
    if (roles === this.known) return;
    this.known = roles;
    this.hint.textContent = t('latent.hint');
    this.#keys(sets);
  }

  // The legend: a press shows one class alone, so that it is known by more than its colour.
  #keys(sets) {
    const toggle = (label, pressed, act, dot = '') => {
      const button = Object.assign(document.createElement('button'), { type: 'button' });
      button.setAttribute('aria-pressed', String(pressed));
      const content = key(dot, label);
      if (dot) /** @type {HTMLElement} */ (content.firstChild).style.background = classColour(classOf(dot));
      else content.firstChild.remove();
      button.append(content);
      button.addEventListener('click', () => {
        act();
        this.#keys(sets);
        /** @type {HTMLElement} */ (this.legend.children[[...this.legend.children].findIndex((one) => one.textContent === label)])?.focus();
        this.canvas.redraw();
      });
      return button;
    };
    const classes = sets.filter(({ role }) => classOf(role) !== null);
    this.legend.replaceChildren(
      ...(classes.length ? [toggle(t('latent.show'), this.shown, () => (this.shown = !this.shown))] : []),
      ...classes.map(({ role }) => {
        const label = t(`${this.session.schema?.values.data}.class.${classOf(role)}`, {}, String(classOf(role)));
        return toggle(label, this.shown && this.only === role, () => {
          this.only = this.only === role && this.shown ? null : role;
          this.shown = true;
        }, role);
      }),
      ...sets.filter(({ role }) => classOf(role) === null).map(({ role }) => key(`dot ${role}`, t(`role.${role}`, {}, role))),
    );
  }

  keepTo() {
    // Points and map stay until there are new ones: a drag answers with the points alone.
  }

  forget() {
    return false;
  }

  remove() {
    this.latest.remove();
    super.remove();
  }

  // --- the point that is dragged -----------------------------------------------------------------------------------

  #point({ clientX, clientY }) {
    const box = this.canvas.element.getBoundingClientRect();
    const within = (value, most) => Math.min(most, Math.max(0, value));
    this.#move(this.toPlane(within(clientX - box.left, box.width), within(clientY - box.top, box.height)));
  }

  #key(event) {
    const move = MOVES[event.key];
    if (!move || !this.drag) return;
    event.preventDefault();
    event.stopPropagation();
    const [x0, y0, x1, y1] = this.bounds;
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
    this.canvas.redraw();
    this.#tell();
    this.latest.put(() => this.session.act(this.drag, { x: this.at[0], y: this.at[1] }));
  }

  #tell() {
    if (this.pressed) return;
    this.#say();
  }

  // Not while it moves: whoever listens to the page would hear nothing else.
  #say() {
    const [x, y] = this.at;
    const said = x === undefined ? '' : t('latent.at', { x: number(x, 2), y: number(y, 2) });
    if (this.place.textContent !== said) this.place.textContent = said;
  }

  // --- its picture -------------------------------------------------------------------------------------------------

  paint(context, width, height) {
    super.paint(context, width, height);
    if (this.at.length && this.bounds) this.#marker(context);
  }

  map2d(context, _, width, height) {
    const crisp = this.map.width * 2 < width * this.canvas.scale;
    context.imageSmoothingEnabled = !crisp;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.map, 0, 0, width, height);
    if (!this.shown || !this.points?.length) return;
    context.globalAlpha = 1 - DIM;
    context.fillStyle = '#000';
    context.fillRect(0, 0, width, height);
    context.globalAlpha = 1;
  }

  points2d(context, { sets }) {
    if (!this.shown) return;
    for (const { role, xy } of sets) {
      const which = classOf(role);
      if (this.only && this.only !== role) continue;
      const points = floats(xy);
      context.fillStyle = which === null ? (colour[role] ?? '#fff') : classColour(which);
      context.strokeStyle = 'rgb(255 255 255 / 55%)';
      context.lineWidth = 0.6;
      context.beginPath();
      for (let at = 0; at < points.length; at += 2) {
        const [left, top] = this.toCanvas(points[at], points[at + 1]);
        context.moveTo(left + DOT, top);
        context.arc(left, top, DOT, 0, 2 * Math.PI);
      }
      context.fill();
      context.stroke();
    }
  }

  #marker(context) {
    const [left, top] = this.toCanvas(this.at[0], this.at[1]);
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
