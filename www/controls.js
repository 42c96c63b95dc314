// The controls, drawn from the schema of the demo that is open. The page knows none of them by name.

import { html, render, nothing } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { controlsOf, idleBy, linkWith, names } from './schema.js';
import { here, later } from './later.js';
import { taught } from './taught.js';
import { tried, titleOf, numberOf, optionOf, valueOf } from './tried.js';

/** Places of a slider: so many that each arrow key tells, and no more than can be told apart. */
const PLACES = 200;
const MOST_PLACES = 1000;
/** Beyond this many whole numbers a slider is of no use, such as for a seed. */
const SLIDER_MOST = 100_000;
const SEND_EVERY = 60;
/** The group that stands last. */
const LAST = 'run';
/** Controls that are fetched when a demo has them. */
const groupOf = ({ model, pictures, suggestions }) => (pictures !== undefined ? 'pictures' : model ? 'models' : suggestions ? 'fields' : null);

function take(map, key) {
  const value = map.get(key);
  map.delete(key);
  return value;
}

export class Controls {
  /** `elsewhere`: keys that the toolbar draws. `open(link)`; `choose()` lets the person pick a file; `bring(files)` takes pictures. */
  constructor(element, session, models, { elsewhere = [], open, choose, bring }) {
    this.element = element;
    this.session = session;
    this.models = models;
    this.elsewhere = elsewhere;
    this.open = open;
    this.choose = choose;
    this.bring = bring;
    /** Groups that could not be fetched: their controls are plain fields. */
    this.missed = new Set();
    models.on('change', () => this.render());
    tried.watch(session);
    tried.on('change', () => this.render());
    this.pending = new Map();
    /** What the person has just set, by key: shown in its own control until the worker has taken or refused the last change. */
    this.local = new Map();
    /** Fields that are written in while they act, by key. */
    this.fields = new Map();
    session.on('reset', () => this.#forget());
    // Which settings it names comes after the schema.
    session.on('link', () => this.render());
    this.described = new Set();
    /** Whether all settings are shown, or those that a beginner needs. */
    this.whole = false;
    /** The number that was typed last where it was out of range: `{ demo, key, given }`. */
    this.outside = null;
  }

  render() {
    const schema = this.session.schema;
    if (!schema) return;
    const { demo, values } = schema;
    const groups = new Map();
    /** As the controls show them. */
    const now = Object.fromEntries([...Object.entries(values), ...this.local]);
    const all = controlsOf(schema.schema);
    const lacking = new Set(all.map(groupOf).filter((group) => group && !here(group) && !this.missed.has(group)));
    if (lacking.size) return void this.#fetch([...lacking]);
    const drawn = all.filter(({ key }) => !this.elsewhere.includes(key) && taught.showsControl(key));
    const link = this.session.state.link;
    const wanted = (key) => names(link, key) || tried.has(key) || this.local.has(key) || taught.asksFor(key);
    const further = drawn.filter(({ key, more }) => more && !wanted(key));
    for (const control of drawn) {
      if (!this.whole && further.includes(control)) continue;
      groups.set(control.group, [...(groups.get(control.group) ?? []), control]);
    }
    this.element.parentElement.hidden = !groups.size;
    // What is learnt comes before how the run goes on.
    if (groups.has(LAST)) groups.set(LAST, take(groups, LAST));
    render(
      html`${[...groups].map(
        ([group, controls]) => html`<fieldset>
          ${group ? html`<legend>${t(`${demo}.group.${group}`, {}, t(`group.${group}`, {}, group))}</legend>` : nothing}
          ${controls.map((control) => this.#row(demo, control, now[control.key], this.#idle(demo, control, all, now)))}
        </fieldset>`,
      )}${further.length
        ? html`<button type="button" class="quiet" data-do="more" aria-expanded=${this.whole} @click=${() => this.#showAll()}>${t(this.whole ? 'controls.fewer' : 'controls.all', { count: further.length })}</button>`
        : nothing}`,
      this.element,
    );
  }

  #showAll() {
    this.whole = !this.whole;
    this.render();
  }

  // Drawn when everything is here, so that nothing jumps; until then those of the demo before must not be pressed.
  async #fetch(groups) {
    if (this.fetching) return;
    this.fetching = true;
    this.element.inert = true;
    for (const group of groups) {
      try {
        await later(group);
      } catch (error) {
        this.missed.add(group);
        this.session.emit('card', { key: 'part-missing', detail: error.message });
      }
    }
    this.fetching = false;
    this.element.inert = false;
    this.render();
  }

  /** Why a setting does nothing as the others stand; empty where it acts. */
  #idle(demo, control, all, now) {
    const idle = idleBy(control, now);
    const other = idle && all.find(({ key }) => key === idle.key);
    if (!other) return '';
    const wanted = idle.wanted.map((value) => valueOf(other, value)).join(t('controls.or'));
    return t('controls.idle', { title: titleOf(demo, other), value: wanted });
  }

  #row(demo, control, value, idle) {
    const { key } = control;
    const title = titleOf(demo, control);
    const about = t(`${demo}.about.${key}`, {}, t(`about.${key}`, {}, control.description));
    const open = this.described.has(key);
    const locked = taught.locks(key);
    const toggle = () => {
      if (!this.described.delete(key)) this.described.add(key);
      this.render();
    };
    const outside = this.outside?.key === key && this.outside.demo === demo ? t('controls.outside', { value: numberOf(this.outside.given), min: numberOf(control.min), max: numberOf(control.max) }) : '';
    return html`<div class="control ${control.kind} ${tried.has(key) ? 'changed' : ''} ${idle ? 'idle' : ''}" data-key=${key}>
      <label for=${`control-${key}`}>${title}${control.unit ? html` <small>(${t(`unit.${control.unit}`, {}, control.unit)})</small>` : nothing}</label>
      ${about
        ? html`<button type="button" class="why" aria-expanded=${open} aria-label=${t('controls.about', { title })} title=${about} @click=${toggle}>?</button>`
        : nothing}
      ${tried.has(key) ? html`<span class="changed-mark">${t('controls.changed')}</span>` : nothing}
      ${locked ? html`<span class="locked-mark">${t('controls.locked')}</span>` : control.live ? nothing : html`<span class="restarts" title=${t('controls.restarts-long')}>${t('controls.restarts')}</span>`}
      <fieldset class="input" ?disabled=${locked || Boolean(idle)} aria-label=${locked ? `${title}: ${t('controls.locked')}` : title} aria-description=${idle || nothing}>${this.#input(control, value, title)}</fieldset>
      ${idle ? html`<p class="told">${idle}</p>` : nothing}
      ${control.kind === 'number' ? html`<p class="told outside" role="status">${outside}</p>` : nothing}
      ${about && open ? html`<p class="about">${about}</p>` : nothing}
    </div>`;
  }

  #input(control, value, title) {
    const { key, options } = control;
    const id = `control-${key}`;
    if (control.kind === 'choice') {
      return html`<select id=${id} @change=${(event) => this.change(control, options[event.target.selectedIndex].value)}>
        ${options.map(
          (option) => html`<option .selected=${option.value === value} title=${option.description ?? ''}>
            ${optionOf(key, option)}
          </option>`,
        )}
      </select>`;
    }
    if (control.kind === 'switch') {
      return html`<input id=${id} type="checkbox" role="switch" .checked=${value === true} @change=${(event) => this.change(control, event.target.checked)} />`;
    }
    if (control.kind === 'string') {
      const change = (next) => this.change(control, next);
      const parts = here(groupOf(control));
      if (parts?.modelChoice) return parts.modelChoice(id, value, control, this.models, { change, choose: this.choose });
      if (parts?.pictureChoice) return parts.pictureChoice(id, value, control, this.models, { change, bring: this.bring });
      if (parts?.TextField) return this.#field(control, parts.TextField).draw(id, value, control, title);
      if (control.lines) return html`<textarea id=${id} rows="2" maxlength=${control.longest ?? nothing} .value=${String(value ?? '')} @change=${(event) => change(event.target.value)}></textarea>`;
      return html`<input id=${id} type="text" .value=${String(value ?? '')} @change=${(event) => this.change(control, event.target.value)} />`;
    }
    const { min, max } = control;
    const slider = min !== undefined && max !== undefined && (!control.integer || max - min <= SLIDER_MOST);
    return html`${(control.presets ?? []).map(
        (preset) => html`<button type="button" class="preset" aria-pressed=${preset === value} @click=${() => this.change(control, preset)}>${preset}</button>`,
      )}
      ${slider
        ? html`<input
            type="range" min="0" max=${placesOf(control)} step="1" aria-label=${t('controls.slider', { title })} aria-valuetext=${numberOf(value)}
            .value=${String(placeOf(control, value))}
            @input=${(event) => this.#slide(control, event.target)}
            @change=${(event) => this.change(control, valueAt(control, event.target.value))}
          />`
        : nothing}
      <input
        id=${id} type="number" inputmode="decimal" step="any" min=${min ?? nothing} max=${max ?? nothing} .value=${numberOf(value)}
        @change=${(event) => this.#typed(control, event.target)}
      />`;
  }

  #field(control, TextField) {
    const { key } = control;
    // A pause in typing may end while another run is being opened: that one is not meant.
    const change = (text) => this.session.phase.is('leaving', 'opening') || this.change(control, text);
    if (!this.fields.has(key)) this.fields.set(key, new TextField({ change, redraw: () => this.render() }));
    return this.fields.get(key);
  }

  /** Another run stands: what was set or written was meant for the one before. */
  #forget() {
    this.local.clear();
    for (const field of this.fields.values()) field.forget();
    this.fields.clear();
  }

  /** A number out of range gives way to the nearest within it, and the person is told. */
  #typed(control, input) {
    const given = input.valueAsNumber;
    const outside = given < control.min || given > control.max;
    this.outside = outside ? { demo: this.session.schema.demo, key: control.key, given } : null;
    this.change(control, fit(control, given), input);
    this.render();
  }

  #slide(control, input) {
    const value = valueAt(control, input.value);
    const number = this.element.querySelector(`#control-${CSS.escape(control.key)}`);
    number.value = numberOf(value);
    input.setAttribute('aria-valuetext', numberOf(value));
    if (control.live) this.#send(control.key, value);
  }

  // At most every so often while a slider is dragged; the last value always goes.
  #send(key, value) {
    this.local.set(key, value);
    const waiting = this.pending.has(key);
    this.pending.set(key, value);
    if (waiting) return;
    setTimeout(() => {
      const last = this.pending.get(key);
      this.pending.delete(key);
      const settled = () => this.#settled(key, last);
      this.session.set(key, last).then(settled, settled);
    }, SEND_EVERY);
  }

  /** The worker has taken a value, or has refused it: then the control goes back to the one that holds. */
  #settled(key, value) {
    if (this.local.get(key) !== value) return;
    // What the control shows is noted first: else one that shows a refused value would be taken to show the one before.
    this.render();
    this.local.delete(key);
    this.render();
  }

  change(control, value, input) {
    const { values } = this.session.schema;
    if (value === undefined || Number.isNaN(value)) {
      if (input) input.value = numberOf(values[control.key]);
      return;
    }
    if (input) input.value = numberOf(value);
    if (value === values[control.key] && !this.local.has(control.key)) return;
    if (control.live) {
      this.#send(control.key, value);
      this.render();
    } else this.open(linkWith(this.session.state.link, control.key, value));
  }
}

/** A typed number within the range, on whole numbers where only those are meant. */
function fit({ min = -Infinity, max = Infinity, integer }, value) {
  const within = Math.min(max, Math.max(min, value));
  return integer ? Math.round(within) : within;
}

function placesOf({ min, max, step, log }) {
  return log || !step ? PLACES : Math.min(MOST_PLACES, Math.max(1, Math.round((max - min) / step)));
}

// A logarithmic slider that begins at 0 has 0 at its end and the decades above it: a ten-thousandth of the range and up.
const lowest = ({ min, max, step }) => (min > 0 ? min : Math.max(step ?? 0, max * 1e-4));

function placeOf(control, value) {
  const { min, max, log } = control;
  if (!log) return Math.round(((value - min) / (max - min)) * placesOf(control));
  if (value < lowest(control)) return 0;
  return Math.round((Math.log(value / lowest(control)) / Math.log(max / lowest(control))) * PLACES);
}

function valueAt(control, place) {
  const { min, max, log, step, integer } = control;
  const part = Number(place) / placesOf(control);
  if (part === 0) return min;
  if (part === 1) return max;
  if (log) {
    const value = lowest(control) * (max / lowest(control)) ** part;
    return integer ? Math.round(value) : Number(value.toPrecision(2));
  }
  const value = min + part * (max - min);
  const stepped = step ? min + Math.round((value - min) / step) * step : value;
  return fit(control, Number(stepped.toPrecision(6)));
}
