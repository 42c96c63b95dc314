// Shades in steps: the style sheet has one for each, so that a shade is an attribute and no style of its own.

const STEPS = 9;

/** A number from 0 to 1 as `1` to `9`, or nothing where it is too little to be seen. */
export function heat(part) {
  const step = Math.min(STEPS, Math.round(part * STEPS));
  return step > 0 ? String(step) : '';
}
