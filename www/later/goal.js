// What a task's target asks for, and whether a run has reached it.

import { number, t } from '../i18n.js';

const DIGITS = 4;

/** The number that a target is about, as a run's `metrics` have it; undefined before it is measured. */
const measured = ({ figure, series }, latest) => (figure ? latest.figures[figure] : latest.series[series]);

/**
 * `{ state, value }` of a target `{ figure | series, below | above, within? }` by the numbers of a run: `met`, `late` (so many steps
 * were taken without it), or `open`. What is not a number is never on the right side.
 */
export function judge(target, latest) {
  const value = measured(target, latest);
  const late = target.within !== undefined && latest.step > target.within;
  const reached = target.below !== undefined ? value < target.below : value > target.above;
  return { state: late ? 'late' : reached ? 'met' : 'open', value };
}

/** The name of what a target is about. `titleOf(figure)`: the worker's own, once it has measured it; a curve may have it before. */
export function measureOf({ figure, series }, demo, titleOf = (_) => undefined) {
  if (!figure) return t(`series.${series}`, {}, series);
  return t(`${demo}.figure.${figure}`, {}, t(`figure.${figure}`, {}, titleOf(figure) ?? t(`series.${figure}`, {}, figure)));
}

export const valueOf = (value) => (Number.isFinite(value) ? number(Number(value.toPrecision(DIGITS)), decimals(value)) : '–');

function decimals(value) {
  const [, part = ''] = String(Number(value.toPrecision(DIGITS))).split('.');
  return Math.min(part.length, 6);
}

/** A target in words. */
export function goalOf(target, demo, titleOf) {
  const side = target.below !== undefined ? 'below' : 'above';
  const args = { measure: measureOf(target, demo, titleOf), bound: valueOf(target[side]), steps: number(target.within ?? 0) };
  return t(`goal.${side}${target.within === undefined ? '' : '.within'}`, args);
}
