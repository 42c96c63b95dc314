// A plane of latent numbers: decoded pictures as its map, encoded pictures as points, and one point that is dragged.

import { t, number } from '../i18n.js';
import { colour, classColour, classOf } from '../theme.js';
import { Plane, floats, key } from '../views/plane.js';
import { paintSheet } from '../views/sheet.js';

const DOT = 3;
/** Points over a map are seen better on a map that is held back. */
const DIM = 0.55;

export class Latent extends Plane {
  order = ['map2d', 'points2d'];

  constructor({ session }) {
    super({ onDraw: null, session });
    this.map = document.createElement('canvas');
    /** The class that alone is shown; null where all are. */
    this.only = null;
    this.shown = true;
    this.element.classList.add('latent');
  }

  update(view, about) {
    if (view.type === 'map2d') {
      paintSheet(this.map, { ...view, count: view.columns * view.rows }, view.pixels, 0);
      this.layers.map2d = view;
      this.bounds = view.bounds;
      this.canvas.redraw();
      return;
    }
    this.points = view.sets.filter(({ role }) => role !== 'chosen');
    super.update(view, about);
  }

  describe({ sets }) {
    const count = sets.reduce((sum, { xy }) => sum + xy.byteLength / 8, 0);
    const said = count ? ` ${t('latent.points', { count: number(count) })}` : '';
    this.canvas.element.setAttribute('aria-label', `${this.title}.${said} ${t('latent.hint')}`);
    const roles = sets.map(({ role }) => role).join();
    if (roles === this.known) return;
    this.known = roles;
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
}
