// Pictures of a grid that stand for something wear a frame and a short mark.

import { colour } from '../theme.js';

/** A mark is at most so large, and at most such a part of its picture. */
const BADGE = 18;
const PART = 0.45;

export function frame(context, [left, top, width, height], stroke, line) {
  context.strokeStyle = stroke;
  context.lineWidth = line;
  context.strokeRect(left + 1, top + 1, width - 2, height - 2);
}

/** `box(index)`: left, top, width and height of a picture on the canvas. */
export function paintMarks(context, marks, box) {
  /** How many marks a picture wears already. */
  const worn = new Map();
  for (const { index, text } of marks) {
    const [left, top, width, height] = box(index);
    frame(context, [left, top, width, height], colour.accent, 2.5);
    const size = Math.min(BADGE, Math.round(width * PART));
    const at = left + (worn.get(index) ?? 0) * (size + 1);
    worn.set(index, (worn.get(index) ?? 0) + 1);
    context.fillStyle = colour.accent;
    context.fillRect(at, top, size, size);
    context.fillStyle = colour.surface;
    context.font = `bold ${Math.round(size * 0.72)}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(text, at + size / 2, top + size / 2 + 0.5);
  }
}
