// Curves over steps, drawn by uPlot. The newest values stand in the legend; under the cursor, those of that step. They can be
// smoothed, and drawn on a logarithmic scale where all values are above 0.

import uPlot from '../vendor/uPlot.esm.js';
import { t, number, seriesOf } from '../i18n.js';
import { colour, seriesColour, onTheme } from '../theme.js';
import { Pace } from './pace.js';

/** Beyond this many rows older steps are drawn more coarsely, and drawing stays fast; the latest rows all stay. */
const MOST = 6000;
const LATEST = 200;
const HEIGHT = 170;
/** Curves are drawn anew this often at most, in ms: they change slowly, and the machine has a model to train. */
const PACE = 250;
/** The most that curves are smoothed over: two to the power of this, in rows. */
const SMOOTHEST = 7;
/** Series whose sizes lie further apart than this get an axis of their own, on the right. */
const APART = 5;

export class Scalars {
  constructor({ session }) {
    this.session = session;
    this.element = document.createElement('div');
    this.element.className = 'scalars';
    this.legend = document.createElement('div');
    this.legend.className = 'legend';
    this.plot = document.createElement('div');
    this.plot.className = 'plot';
    this.plot.setAttribute('role', 'img');
    this.smooth = 0;
    this.log = false;
    this.#tools();
    this.element.append(this.legend, this.plot, this.tools);
    this.names = [];
    this.rows = [];
    /** Older rows are kept at multiples of so many steps. */
    this.every = 1;
    this.pace = new Pace(PACE, () => this.#show());
    this.resizes = new ResizeObserver(() => this.uplot?.setSize({ width: this.plot.clientWidth, height: HEIGHT }));
    this.resizes.observe(this.plot);
    this.visible = true;
    this.sight = new IntersectionObserver(
      (entries) => {
        this.visible = entries.at(-1).isIntersecting;
        if (this.visible) this.#draw();
      },
      { rootMargin: '400px' },
    );
    this.sight.observe(this.element);
    this.offTheme = onTheme(() => this.#build());
  }

  update({ series, rows, reset }, { title }) {
    this.title = title;
    const values = new Float32Array(rows.buffer, rows.byteOffset, rows.byteLength / 4);
    const width = series.length + 1;
    if (series.join() !== this.names.join()) {
      this.names = series;
      this.rows = [];
      this.#build();
    }
    // A checkpoint carries its own curves: with `reset` all of them come.
    if (reset) [this.rows, this.every] = [[], 1];
    for (let at = 0; at + width <= values.length; at += width) this.rows.push(values.subarray(at, at + width));
    // By the step, not by the row's place: what is measured every so many steps keeps its even share.
    while (this.rows.length > MOST) {
      this.every *= 2;
      const { length } = this.rows;
      this.rows = this.rows.filter(([step], index) => step % this.every === 0 || index > length - LATEST);
    }
    this.#draw();
  }

  /** Drops what lies after `step`. */
  keepTo(step) {
    let end = this.rows.length;
    while (end > 0 && this.rows[end - 1][0] > step) end -= 1;
    if (end < this.rows.length) this.rows.length = end;
  }

  retitle(title) {
    this.title = title;
    this.#build();
  }

  remove() {
    this.pace.stop();
    this.resizes.disconnect();
    this.sight.disconnect();
    this.offTheme();
    this.uplot?.destroy();
    this.element.remove();
  }

  /** Under the plot: the step that is told of, and how the curves are drawn. */
  #tools() {
    this.tools = Object.assign(document.createElement('div'), { className: 'curve-tools' });
    this.step = Object.assign(document.createElement('span'), { className: 'at-step' });
    this.smoothing = Object.assign(document.createElement('input'), { type: 'range', min: '0', max: String(SMOOTHEST), step: '1', value: '0' });
    this.smoothing.addEventListener('input', () => {
      this.smooth = this.smoothing.valueAsNumber;
      this.#say();
      this.#show();
    });
    this.word = document.createElement('span');
    const label = document.createElement('label');
    label.append(this.word, this.smoothing);
    this.logs = Object.assign(document.createElement('button'), { type: 'button' });
    this.logs.addEventListener('click', () => {
      this.log = !this.log;
      this.#build();
    });
    this.tools.append(this.step, label, this.logs);
    this.#say();
  }

  #say() {
    // The slider stays where it is: taken out and put back it would lose the focus.
    this.word.textContent = t('curve.smooth');
    this.smoothing.setAttribute('aria-valuetext', this.smooth ? t('curve.smooth.steps', { count: number(2 ** this.smooth) }) : t('controls.off'));
    this.logs.textContent = t('curve.log');
    this.logs.title = t('curve.log.hint');
    this.logs.setAttribute('aria-pressed', String(this.log));
  }

  #draw() {
    if (this.visible) this.pace.ask();
  }

  #show() {
    if (!this.uplot || !this.rows.length || this.#logless()) return this.#build();
    if (this.#sides().join() !== this.sides.join()) return this.#build();
    this.uplot.setData(this.#data());
    if (!(this.uplot.cursor.left >= 0)) this.#values(this.rows.length - 1);
  }

  /** Of what is 0 or less there is no logarithm; answers whether the scale was one and can be none any more. */
  #logless() {
    this.logs.disabled = this.rows.some((row) => row.subarray(1).some((value) => value <= 0));
    const lost = this.log && this.logs.disabled;
    if (lost) this.log = false;
    return lost;
  }

  // Which axis each series belongs to: the first one's, or the right one.
  #sides() {
    const sizes = this.names.map((_, index) => {
      let size = 0;
      for (const row of this.rows) if (Number.isFinite(row[index + 1])) size = Math.max(size, Math.abs(row[index + 1]));
      return size;
    });
    const apart = (size) => size > 0 && sizes[0] > 0 && (size > APART * sizes[0] || sizes[0] > APART * size);
    return sizes.map((size) => (apart(size) ? 'right' : 'y'));
  }

  /** @returns {any} */
  #data() {
    return [this.rows.map(([step]) => step), ...this.names.map((_, index) => smoothed(drawn(this.rows, index + 1), 2 ** this.smooth))];
  }

  // The last value that was measured at or before a row: some are measured more seldom than others. In a gap there is none.
  #values(at) {
    this.step.textContent = t('step.count', { step: number(this.rows[at]?.[0] ?? 0) });
    const shown = this.names.map((name, index) => {
      const text = this.#written(index, at);
      this.legend.children[index].lastChild.textContent = text;
      return `${this.#nameOf(name)} ${text}`;
    });
    this.plot.setAttribute('aria-label', `${this.title}: ${shown.join(', ')}`);
  }

  #nameOf(series) {
    return seriesOf(this.session.schema?.demo, series);
  }

  #written(index, at) {
    let row = at;
    while (row > 0 && Number.isNaN(this.rows[row]?.[index + 1])) row -= 1;
    const value = this.rows[row]?.[index + 1];
    return Number.isFinite(value) ? number(value, Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 3 : 1) : '–';
  }

  /** The newest value of a series as the legend writes it; nothing where there is no such series. */
  says(name) {
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.#written(index, this.rows.length - 1);
  }

  #build() {
    this.uplot?.destroy();
    this.uplot = null;
    this.legend.replaceChildren(
      ...this.names.map((name, index) => {
        const key = document.createElement('span');
        key.className = 'key';
        const dot = document.createElement('i');
        dot.style.background = seriesColour(index);
        const value = document.createElement('b');
        key.append(dot, this.#nameOf(name), value);
        return key;
      }),
    );
    this.#logless();
    this.#say();
    const width = this.plot.clientWidth;
    const measured = this.rows.some((row) => row.subarray(1).some(Number.isFinite));
    this.plot.textContent = measured ? '' : t('plot.empty');
    if (!measured) this.plot.setAttribute('aria-label', `${this.title}: ${t('plot.empty')}`);
    if (!width || !measured) return;
    const axis = {
      stroke: colour.muted, font: '11px system-ui, sans-serif', ticks: { show: false },
      grid: { stroke: colour.faint, width: 1 }, size: 26,
    };
    this.sides = this.#sides();
    const sides = [...new Set(this.sides)];
    this.uplot = new uPlot(
      {
        width, height: HEIGHT, legend: { show: false },
        scales: { x: { time: false }, ...Object.fromEntries(sides.map((side) => [side, { distr: this.log ? 3 : 1 }])) },
        cursor: { y: false, points: { size: 5 }, drag: { x: false, y: false } }, padding: [8, 14, 0, 0],
        axes: [
          { ...axis, values: (_, ticks) => ticks.map(short) },
          ...sides.map((scale) => ({
            ...axis, scale, side: scale === 'right' ? 1 : 3, size: 40, values: (_, ticks) => ticks.map(short),
            grid: { ...axis.grid, show: scale !== 'right' },
            // With two axes each takes the colour of its first series.
            stroke: sides.length > 1 ? seriesColour(this.sides.indexOf(scale)) : colour.muted,
          })),
        ],
        series: [
          {},
          ...this.names.map((name, index) => ({
            label: name, scale: this.sides[index], stroke: seriesColour(index), width: 1.5, points: { show: true, size: 5, fill: seriesColour(index), filter: alone }, spanGaps: false,
          })),
        ],
        hooks: { setCursor: [({ cursor }) => this.#values(cursor.left >= 0 ? cursor.idx ?? this.rows.length - 1 : this.rows.length - 1)] },
      },
      this.#data(),
      this.plot,
    );
    if (this.rows.length) this.#values(this.rows.length - 1);
  }
}

/**
 * What uPlot draws of a series: its line goes on over steps at which it was not measured (NaN; undefined to uPlot). Where there was
 * nothing to measure (infinity) it has a gap, from the last value to the next (null to uPlot).
 */
function drawn(rows, column) {
  const values = rows.map((row) => (Number.isFinite(row[column]) ? row[column] : undefined));
  let last = -1;
  let gap = false;
  values.forEach((value, at) => {
    if (value === undefined) gap ||= !Number.isNaN(rows[at][column]);
    else {
      if (gap) values.fill(null, last + 1, at);
      [last, gap] = [at, false];
    }
  });
  return values;
}

/** Each value as the mean of those before it, of which one so many steps back counts a third of it. Gaps stay, and end the mean. */
function smoothed(values, span) {
  if (span === 1) return values;
  let mean;
  return values.map((value) => {
    if (value === null) mean = undefined;
    if (!Number.isFinite(value)) return value;
    return (mean = mean === undefined ? value : mean + (value - mean) / span);
  });
}

/** A value between two gaps has no line: it is drawn as a point. */
function alone(plot, index) {
  const values = plot.data[index];
  const neighbour = (at, by) => {
    do at += by;
    while (values[at] === undefined && at >= 0 && at < values.length);
    return Number.isFinite(values[at]);
  };
  const found = [];
  values.forEach((value, at) => Number.isFinite(value) && !neighbour(at, -1) && !neighbour(at, 1) && found.push(at));
  return found;
}

function short(value) {
  if (value === null) return '';
  if (Math.abs(value) >= 10_000) return `${number(value / 1000)}k`;
  return String(Number(value.toPrecision(6)));
}
