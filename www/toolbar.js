// Run, pause, step and the other buttons that every demo has, and those that the open demo brings.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, number } from './i18n.js';
import { actionsOf, controlsOf } from './schema.js';
import { taught } from './taught.js';
import { isBusy } from './state.js';
import { tried, optionOf } from './tried.js';

/** Actions that are done from beside the text: here they have no buttons. */
const COMPOSED = ['send', 'regenerate', 'branch', 'choose', 'clear'];
/** Choices for a speed that the schema gives as a range. */
const SPEEDS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

export class Toolbar {
  /** `does`: `{ toggle, step, reset, seed, share, save, load, set, act }`. */
  constructor(element, session, does) {
    this.element = element;
    this.session = session;
    this.does = does;
    this.pressed = null;
    tried.on('change', () => this.render());
  }

  /** Another run stands: no action of its has been pressed. */
  reset() {
    this.pressed = null;
  }

  render() {
    const { session, does } = this;
    const { step, status } = session.state;
    const { schema } = session;
    const running = Boolean(schema) && isBusy(session);
    const off = !schema || status === 'idle';
    // A step of this demo may have a name of its own: a token, for one.
    const own = (key, args) => t(`${schema?.demo}.${key}`, args, t(key, args));
    const button = (name, act, { disabled = off, hint = '' } = {}) =>
      html`<button type="button" data-do=${name} ?disabled=${disabled} title=${hint} @click=${act}>${t(`do.${name}`)}</button>`;
    render(
      html`<div class="group">
          <button type="button" class="primary" data-do="run" ?disabled=${off} title=${t('do.run.hint')} @click=${does.toggle}>
            <span class="icon ${running ? 'pause' : 'play'}" aria-hidden="true"></span>${t(running ? 'do.pause' : 'do.run')}
          </button>
          ${button('step', does.step, { hint: own('do.step.hint') })} ${button('reset', does.reset, { hint: t('do.reset.hint') })}
          ${schema && 'seed' in schema.values && taught.showsControl('seed') ? button('seed', does.seed, { disabled: off || taught.locks('seed'), hint: t('do.seed.hint', { seed: schema.values.seed }) }) : nothing}
        </div>
        ${this.#actions(off)} ${this.#speed()}
        <span class="step-count">${own('step.count', { step: number(step) })}</span>
        <div class="group files">
          ${button('share', does.share)} ${button('save', does.save, { hint: t('do.save.hint') })}
          ${button('load', does.load, { disabled: false, hint: t('do.load.hint') })}
        </div>`,
      this.element,
    );
  }

  #speed() {
    const { schema } = this.session;
    const control = schema && controlsOf(schema.schema).find(({ key, live }) => key === 'speed' && live);
    if (!control || !taught.showsControl('speed')) return nothing;
    const now = schema.values.speed;
    const options =
      control.options ??
      [...new Set([...SPEEDS.filter((value) => value >= (control.min ?? 1) && value <= (control.max ?? 100)), now])]
        .sort((a, b) => a - b)
        .map((value) => ({ value, title: t('speed.times', { value: number(value) }) }));
    return html`<label class="speed ${tried.has('speed') ? 'changed' : ''}" title=${control.description}
      ><span class="name">${t('control.speed', {}, control.title)}</span>
      <select data-do="speed" ?disabled=${taught.locks('speed')} @change=${(event) => this.#setSpeed(event.target, options)}>
        ${options.map((option) => html`<option .selected=${option.value === now}>${optionOf('speed', option)}</option>`)}
      </select>
      ${tried.has('speed') ? html`<span class="changed-mark">${t('controls.changed')}</span>` : nothing}</label
    >`;
  }

  /** One that is refused gives way to the one that holds. */
  #setSpeed(select, options) {
    const back = () => (select.selectedIndex = options.findIndex(({ value }) => value === this.session.schema.values.speed));
    this.does.set('speed', options[select.selectedIndex].value).catch(back);
  }

  // Actions whose names begin alike exclude each other (train_both, train_generator): they are drawn as one switch.
  #actions(off) {
    const { schema } = this.session;
    const offered = actionsOf(schema).buttons;
    const composed = Boolean(schema?.schema.properties?.prompt);
    const actions = offered.filter(({ name }) => !composed || !COMPOSED.includes(name));
    if (!actions.length) return nothing;
    const family = ({ name }) => (name.includes('_') ? name.split('_')[0] : name);
    const sizes = actions.reduce((map, action) => map.set(family(action), (map.get(family(action)) ?? 0) + 1), new Map());
    const switched = actions.filter((action) => sizes.get(family(action)) > 1);
    const single = actions.filter((action) => sizes.get(family(action)) === 1);
    const one = (action, pressed) => html`<button
      type="button" data-act=${action.name} ?disabled=${off} aria-pressed=${pressed ?? nothing}
      @click=${() => {
        if (pressed !== undefined) this.pressed = action.name;
        this.does.act(action.name);
        this.render();
      }}
    >
      ${t(`${schema.demo}.action.${action.name}`, {}, action.title)}
    </button>`;
    // Which one holds is told by a value of the same name where there is one (players=generator).
    const values = Object.values(schema.values);
    const now = switched.find(({ name }) => values.includes(name.split('_')[1]))?.name ?? this.pressed;
    return html`<div class="acts">
      ${switched.length ? html`<div class="group switch" role="group">${switched.map((action) => one(action, action.name === now))}</div>` : nothing}
      ${single.length ? html`<div class="group">${single.map((action) => one(action))}</div>` : nothing}
    </div>`;
  }
}
