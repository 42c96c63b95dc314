// What the target of an address asks for.

import { number, seriesOf, t } from '../i18n.js';

const DIGITS = 4;

/** A target of an address, `{ figure | series, below | above, within? }`, as the judge of runs takes it. */
export const forJudge = ({ figure, series, within, ...bounds }) => ({ of: figure ?? series, ...bounds, ...(within === undefined ? {} : { within: { steps: within } }) });

/** The name of what a target is about. `titleOf(figure)`: the worker's own, once it has measured it; a curve may have it before. */
export function measureOf({ figure, series }, demo, titleOf = (_) => undefined) {
  if (!figure) return seriesOf(demo, series);
  return t(`${demo}.figure.${figure}`, {}, t(`figure.${figure}`, {}, titleOf(figure) ?? seriesOf(demo, figure)));
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
