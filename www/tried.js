// What a link of the lesson does beside opening its run: it brings the run into sight, and what it changes is marked and said.

import { plain } from './follow.js';
import { t } from './i18n.js';
import { Emitter } from './emitter.js';
import { controlsOf } from './schema.js';
import { moveToRun } from './moves.js';

/** What was changed is marked for so long, in ms. */
const MARKED = 12_000;
/** A longer text is told by its beginning. */
const MOST = 40;

export const titleOf = (demo, { key, title }) => t(`${demo}.control.${key}`, {}, t(`control.${key}`, {}, title));

export function numberOf(value) {
  if (typeof value !== 'number') return String(value ?? '');
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(2).replace(/\.?0+e/, 'e') : String(Number(value.toPrecision(6)));
}

export const optionOf = (key, { value, title }) => t(`option.${key}.${value}`, {}, title);

/** A value as its control shows it. */
export function valueOf({ key, kind, options }, value) {
  const option = options?.find((one) => one.value === value);
  if (option) return optionOf(key, option);
  if (kind === 'switch') return t(value ? 'controls.on' : 'controls.off');
  const text = numberOf(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text || '–';
}

/** Emits `change` when other controls are marked. */
class Tried extends Emitter {
  #marked = new Set();
  /** The link that is followed, and the values before it. */
  #followed = null;

  /** Whose runs are followed. */
  watch(session) {
    this.session = session;
    session.on('reset', ({ demo }) => this.#compare(demo));
  }

  has(key) {
    return this.#marked.has(key);
  }

  /** For the click on a link. */
  follow(event) {
    // In another tab this page has nothing to show.
    if (!plain(event)) return;
    const { demo, values } = this.session.schema ?? {};
    this.#followed = { link: event.currentTarget.hash.slice(1), demo, values: { ...values } };
    show(event.currentTarget);
  }

  #compare(demo) {
    const { session } = this;
    const before = this.#followed;
    this.#followed = null;
    const now = session.schema.values;
    const ours = before?.demo === demo && before.link === session.pending.link;
    const changed = ours ? controlsOf(session.schema.schema).filter(({ key }) => before.values[key] !== now[key]) : [];
    this.#mark(changed.map(({ key }) => key));
    if (!changed.length) return;
    const list = changed.map((control) => t('tried.value', { title: titleOf(demo, control), value: valueOf(control, now[control.key]) }));
    session.emit('card', { key: 'tried', args: { list: list.join(t('tried.between')) } });
  }

  #mark(keys) {
    clearTimeout(this.timer);
    if (!keys.length && !this.#marked.size) return;
    this.#marked = new Set(keys);
    if (keys.length) this.timer = setTimeout(() => this.#mark([]), MARKED);
    this.emit('change');
  }
}

export const tried = new Tried();

/** Moves the page to the run unless it is in sight beside the link. Elsewhere the keyboard's focus goes there, too. */
function show(link) {
  const [box, bar] = ['main', 'toolbar'].map((id) => document.getElementById(id).getBoundingClientRect());
  const beside = link.getBoundingClientRect().left >= box.right;
  if (beside && box.top > bar.bottom - innerHeight / 3) return;
  moveToRun({ focus: !beside });
}
