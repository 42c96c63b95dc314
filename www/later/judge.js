// Judges whether a run reaches a target. It knows no page, no demo and no figure: it is given the worker's `views` events, the run's
// settings and the time.

/**
 * What a value has to be: at least `least` and at most `most`, above `above` and below `below`, or exactly what `is` says.
 * @typedef {{ least?: number, most?: number, above?: number, below?: number, is?: number | string | boolean }} Bounds
 */

/**
 * The value that `of` names has to lie in its bounds at a step from `after` on, before so many steps or seconds of running have passed,
 * while each setting that `keep` names lies in bounds of its own. `of` is the id of a figure, the name of a series of curves, the id of a
 * slider, or one of `forced` (the probability of the least likely token that the person chose) and `previous` (how much the head that is
 * shown looks at the token before).
 * @typedef {Bounds & { of: string, after?: number, within?: { steps?: number, seconds?: number }, keep?: Record<string, Bounds> }} Target
 */

/**
 * Whether a value lies in its bounds. What is not a number lies in none.
 * @type {(value: any, bounds: Bounds) => boolean}
 */
export const holds = (value, { least = -Infinity, most = Infinity, above = -Infinity, below = Infinity, is }) =>
  is === undefined ? value >= least && value <= most && value > above && value < below : value === is;

const floats = ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer, byteOffset, byteLength / 4);

/** The values of `of` in a view, by the type of the view: each with its step where that is not the event's, and its title and digits. */
const READ = {
  figures: ({ figures }, of) => figures.filter(({ id }) => id === of),
  sliders: ({ sliders }, of) => sliders.filter(({ id }) => id === of),
  /** All rows that are new, each at its own step: what is reached must not depend on how often a machine shows it. */
  scalars({ series, rows }, of) {
    const [column, width] = [series.indexOf(of) + 1, series.length + 1];
    const [values, found] = [floats(rows), []];
    for (let at = 0; column && at + width <= values.length; at += width) found.push({ step: values[at], value: values[at + column], title: of });
    // What was not measured at a step is NaN there, and infinite where there is a gap.
    return found.filter(({ value }) => Number.isFinite(value));
  },
  tokens({ tokens }, of) {
    const raws = tokens.filter(({ forced, raw }) => of === 'forced' && forced && raw !== null).map(({ raw }) => raw);
    return raws.length ? [{ value: Math.min(...raws) }] : [];
  },
  attention({ token, head, weights }, of) {
    return of === 'previous' && token > 0 ? [{ value: floats(weights)[head * (token + 1) + token - 1] }] : [];
  },
};

export class Judge {
  /** The value that was read last: `{ value, step, title, digits }`; null before there is one. */
  last = null;
  reached = false;
  /** Its time or steps were over before it was reached. */
  late = false;
  /** The first setting that is not as the target wants it. */
  broken = '';
  #seconds = 0;
  #since = null;

  /** @param {Target} target */
  constructor(target) {
    this.target = target;
  }

  /** Another run begins, from its first step. */
  begin() {
    Object.assign(this, { last: null, reached: false, late: false, broken: '' });
    [this.#seconds, this.#since] = [0, null];
  }

  /** Whether it runs, and the time in ms: to be told whenever the first changes. */
  clock(running, now) {
    if (this.#since !== null) this.#seconds += (now - this.#since) / 1000;
    this.#since = running ? now : null;
  }

  /** A `views` event of the run, its settings, and the time in ms. Answers whether the target is reached. */
  see({ step, panels }, values, now = 0) {
    if (this.#since !== null) this.clock(true, now);
    const { of, after = 0, within: { steps = Infinity, seconds = Infinity } = {}, keep = {} } = this.target;
    this.broken = Object.keys(keep).find((key) => !holds(values[key], keep[key])) ?? '';
    const found = panels.flatMap(({ views }) => views.flatMap((view) => READ[view.type]?.(view, of) ?? []));
    for (const one of found.map((each) => ({ step, ...each }))) {
      const inTime = one.step >= after && one.step <= steps && this.#seconds <= seconds;
      if (!this.reached) this.last = one;
      if (inTime && !this.broken && Number.isFinite(one.value) && holds(one.value, this.target)) this.reached = true;
    }
    this.late = !this.reached && (step > steps || this.#seconds > seconds);
    return this.reached;
  }
}
