// Sets up a page for a class: what of it is shown, what is locked, and what is to be done there. All of it goes into the link.

import { html, nothing } from '../vendor/lit-html.js';
import { t } from '../i18n.js';
import { KIOSK, LONGEST } from '../query.js';
import { controlsOf } from '../schema.js';
import { titleOf } from '../tried.js';
import { goalOf, measureOf } from './goal.js';

/** It has no control: the toolbar has a button for another one. */
const SEED = 'seed';

export class Builder {
  /** `tiles()` gives `[[id, title]]`; `change()` is called when what is built is another page. */
  constructor(session, { tiles, metrics, change }) {
    this.session = session;
    this.tiles = tiles;
    this.metrics = metrics;
    this.change = change;
  }

  /** `how`: as in `query.js`. */
  begin(how) {
    this.how = how;
    this.open = false;
  }

  #set(change) {
    Object.assign(this.how, change);
    this.change();
  }

  draw() {
    const { how } = this;
    const toggle = ({ target }) => (this.open = target.open);
    return html`<details class="builder" .open=${this.open} @toggle=${toggle}>
      <summary>${t('builder.title')}</summary>
      <p>${t('builder.about')}</p>
      <label for="builder-name">${t('builder.name')}</label>
      <input id="builder-name" type="text" maxlength=${LONGEST.title} .value=${how.title} @input=${({ target }) => this.#set({ title: target.value.trim() })} />
      <label for="builder-task">${t('builder.task')}</label>
      <textarea id="builder-task" class="words" rows="3" maxlength=${LONGEST.task} .value=${how.task} @input=${({ target }) => this.#set({ task: target.value.trim() })}></textarea>
      ${this.#target()} ${this.#opening()} ${this.#controls()} ${this.#tiles()}
    </details>`;
  }

  // --- the target --------------------------------------------------------------------------------------------------

  #target() {
    const { target } = this.how;
    const { demo } = this.session.state;
    const { figures, series } = this.metrics.latest;
    const name = (measure) => measureOf(measure, demo, (id) => this.metrics.titleOf(id));
    // A figure that is drawn as a curve, too, is offered once.
    const alone = Object.keys(figures).filter((figure) => !(figure in series));
    const all = [...Object.keys(series).map((one) => ({ series: one })), ...alone.map((figure) => ({ figure }))];
    // One that this run has not measured yet stays what it is.
    if (target && !all.some((one) => same(one, target))) all.push(target.figure ? { figure: target.figure } : { series: target.series });
    const side = target?.below !== undefined ? 'below' : 'above';
    const bound = target?.[side] ?? 0;
    const put = (measure, which, value, within) => this.#set({ target: measure && { ...only(measure), [which]: value, ...(within > 0 ? { within } : {}) } });
    const measured = ({ target: select }) => put(all[select.selectedIndex - 1] ?? null, side, bound, target?.within);
    const number = (input, otherwise) => (Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : otherwise);
    return html`<fieldset class="target">
      <legend>${t('builder.target')}</legend>
      <select aria-label=${t('builder.measure')} data-do="measure" @change=${measured}>
        <option .selected=${!target}>${t('builder.target.none')}</option>
        ${all.map((one) => html`<option .selected=${Boolean(target) && same(one, target)}>${name(one)}</option>`)}
      </select>
      ${all.length ? nothing : html`<p class="said">${t('builder.target.later')}</p>`}
      ${target
        ? html`<select aria-label=${t('builder.side')} data-do="side" @change=${(event) => put(target, event.target.value, bound, target.within)}>
              ${['below', 'above'].map((which) => html`<option value=${which} .selected=${which === side}>${t(`builder.${which}`)}</option>`)}
            </select>
            <input type="number" step="any" aria-label=${t('builder.bound')} data-do="bound" .value=${String(bound)} @change=${(event) => put(target, side, number(event.target, bound), target.within)} />
            <label class="line">${t('builder.within')}
              <input type="number" min="1" step="1" data-do="within" .value=${String(target.within ?? '')} @change=${(event) => put(target, side, bound, Math.round(number(event.target, 0)))} />
            </label>
            <p class="said">${goalOf(target, demo, (id) => this.metrics.titleOf(id))}</p>`
        : nothing}
    </fieldset>`;
  }

  // --- how it opens ------------------------------------------------------------------------------------------------

  #opening() {
    const { lang, paused, kiosk } = this.how;
    const seconds = ({ target }) => this.#set({ kiosk: Math.min(KIOSK.max, Math.max(KIOSK.min, Math.round(target.valueAsNumber) || KIOSK.usual)) });
    return html`<fieldset>
      <legend>${t('builder.opening')}</legend>
      <label class="line">${t('header.language')}
        <select data-do="lang" @change=${({ target }) => this.#set({ lang: target.value })}>
          ${[['', t('builder.lang.own')], ['en', 'English'], ['zh', '中文']].map(([value, label]) => html`<option value=${value} .selected=${value === lang}>${label}</option>`)}
        </select>
      </label>
      ${this.#check('paused', t('builder.paused'), paused, (on) => this.#set({ paused: on }))}
      ${this.#check('kiosk', t('builder.kiosk'), kiosk > 0, (on) => this.#set({ kiosk: on ? KIOSK.usual : 0 }))}
      ${kiosk ? html`<label class="line">${t('builder.kiosk.seconds')} <input type="number" min=${KIOSK.min} max=${KIOSK.max} data-do="seconds" .value=${String(kiosk)} @change=${seconds} /></label>` : nothing}
    </fieldset>`;
  }

  #check(name, label, on, change) {
    return html`<label class="line"><input type="checkbox" data-do=${name} .checked=${on} @change=${({ target }) => change(target.checked)} /> ${label}</label>`;
  }

  // --- what is shown -----------------------------------------------------------------------------------------------

  #controls() {
    const { demo, schema } = this.session.schema;
    const all = controlsOf(schema).map((control) => [control.key, titleOf(demo, control)]);
    const keys = all.map(([key]) => key);
    if (SEED in schema.properties && !keys.includes(SEED)) {
      all.push([SEED, t('do.seed')]);
      keys.push(SEED);
    }
    const { controls, locked } = this.how;
    const shown = (key) => controls?.includes(key) ?? true;
    const lock = (key, on) => this.#set({ locked: keys.filter((one) => (one === key ? on : locked.includes(one))) });
    return html`<fieldset>
      <legend>${t('controls')}</legend>
      <p>${t('builder.locked.about')}</p>
      ${this.#whole(keys, 'controls')}
      <table>
        <thead><tr><th scope="col">${t('builder.control')}</th><th scope="col">${t('builder.shown')}</th><th scope="col">${t('builder.locked')}</th></tr></thead>
        <tbody>
          ${all.map(
            ([key, title]) => html`<tr data-of=${key}>
              <th scope="row">${title}</th>
              <td><input type="checkbox" aria-label=${t('builder.shown.one', { title })} .checked=${shown(key)} @change=${({ target }) => this.#show('controls', keys, key, target.checked)} /></td>
              <td><input type="checkbox" aria-label=${t('builder.locked.one', { title })} .checked=${locked.includes(key)} ?disabled=${!shown(key)} @change=${({ target }) => lock(key, target.checked)} /></td>
            </tr>`,
          )}
        </tbody>
      </table>
    </fieldset>`;
  }

  #tiles() {
    const all = this.tiles();
    const ids = all.map(([id]) => id);
    const { tiles } = this.how;
    return html`<fieldset>
      <legend>${t('builder.tiles')}</legend>
      ${all.map(([id, title]) => this.#check(`tile-${id}`, title, tiles?.includes(id) ?? true, (on) => this.#show('tiles', ids, id, on)))}
    </fieldset>`;
  }

  #whole(all, list) {
    const button = (name, value) => html`<button type="button" data-do=${`${list}-${name}`} @click=${() => this.#set({ [list]: value })}>${t(`builder.${name}`)}</button>`;
    return html`<div class="group">${button('every', null)} ${button('none', [])}</div>`;
  }

  /** All of them is what an address without a list means. */
  #show(list, all, one, on) {
    const now = this.how[list] ?? all;
    const next = all.filter((each) => (each === one ? on : now.includes(each)));
    this.#set({ [list]: next.length === all.length ? null : next });
  }
}

const same = (one, other) => one.figure === other.figure && one.series === other.series;
const only = ({ figure, series }) => (figure ? { figure } : { series });
