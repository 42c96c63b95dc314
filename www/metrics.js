// The latest numbers of a run: its figures, and the last value of each curve.

import { Emitter } from './emitter.js';

/** Emits `change` when there are others. */
export class Metrics extends Emitter {
  step = 0;
  #figures = {};
  #series = {};
  #titles = new Map();

  constructor(session) {
    super();
    session.on('views', (event) => this.#take(event));
    session.on('reset', ({ keepTo }) => keepTo < 0 && this.#forget());
  }

  /** `{ step, figures, series }`: numbers by the names that the worker gives them. What was never measured is not there. */
  get latest() {
    return { step: this.step, figures: { ...this.#figures }, series: { ...this.#series } };
  }

  /** A figure's name in English, where the page has no words for it; undefined before it is measured. */
  titleOf(figure) {
    return this.#titles.get(figure);
  }

  #forget() {
    this.step = 0;
    this.#figures = {};
    this.#series = {};
    this.emit('change');
  }

  #take({ step, panels }) {
    this.step = step;
    for (const view of panels.flatMap(({ views }) => views)) {
      if (view.type === 'figures') this.#figuresOf(view);
      else if (view.type === 'scalars') this.#seriesOf(view);
    }
    this.emit('change');
  }

  #figuresOf({ figures }) {
    for (const { id, title, value } of figures) {
      this.#figures[id] = value;
      this.#titles.set(id, title);
    }
  }

  #seriesOf({ series, rows }) {
    const values = new Float32Array(rows.buffer, rows.byteOffset, rows.byteLength / 4);
    const width = series.length + 1;
    series.forEach((name, index) => {
      // NaN: not measured at that step.
      for (let at = values.length - width + index + 1; at >= 0; at -= width) {
        if (Number.isNaN(values[at])) continue;
        this.#series[name] = values[at];
        return;
      }
    });
  }
}
