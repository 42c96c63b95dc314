// Counts in bins, a line for each series; or a bar for each named category.

import { t, number, seriesOf } from '../i18n.js';
import { colour, seriesColour } from '../theme.js';
import { Canvas } from './canvas.js';

const HEIGHT = 170;
const FOOT = 20;

/** Counts are whole, other amounts are told to a tenth. */
const amount = (value) => number(value, Number.isInteger(value) ? 0 : 1);

/** Series that are named after a role have its colour everywhere. */
const paintOf = (label, index) => colour[label === 'drawn' ? 'generated' : label] ?? seriesColour(index);

export class Histogram {
  constructor({ session }) {
    this.session = session;
    this.element = document.createElement('div');
    this.element.className = 'histogram';
    this.legend = document.createElement('div');
    this.legend.className = 'legend';
    this.canvas = new Canvas((...args) => this.#paint(...args), { heightOf: () => HEIGHT });
    this.canvas.element.setAttribute('role', 'img');
    this.element.append(this.legend, this.canvas.element);
  }

  update(view, { title }) {
    this.view = view;
    const names = view.series.map(({ label }) => seriesOf(this.session.schema?.demo, label));
    if (names.join() !== this.names) {
      this.names = names.join();
      this.legend.hidden = names.length < 2 && view.categories.length > 0;
      this.legend.replaceChildren(
        ...names.map((name, index) => {
          const key = document.createElement('span');
          key.className = 'key';
          const dot = document.createElement('i');
          dot.style.background = paintOf(view.series[index].label, index);
          key.append(dot, name);
          return key;
        }),
      );
    }
    const said = view.categories.length
      ? view.categories.map((name, index) => `${name}: ${amount(view.series[0]?.counts[index] ?? 0)}`)
      : view.series.map(({ counts }, index) => `${names[index]}: ${t('histogram.peak', { at: number(this.#peak(counts), 2) })}`);
    this.canvas.element.setAttribute('aria-label', `${title}. ${said.join(', ')}`);
    this.canvas.redraw();
  }

  /** The mean of a series of bins, as near as its bins tell. */
  says(label) {
    const { series = [], low, high, categories } = this.view ?? {};
    const { counts } = series.find((one) => one.label === label) ?? {};
    if (!counts || categories.length) return undefined;
    const all = counts.reduce((sum, one) => sum + one, 0);
    const mean = counts.reduce((sum, one, bin) => sum + one * (low + ((bin + 0.5) * (high - low)) / counts.length), 0) / all;
    return `≈ ${number(mean, 2)}`;
  }

  retitle() {
    this.names = null;
  }

  remove() {
    this.canvas.remove();
    this.element.remove();
  }

  #peak(counts) {
    const { low, high } = this.view;
    return low + ((counts.indexOf(Math.max(...counts)) + 0.5) / counts.length) * (high - low);
  }

  #paint(context, width, height) {
    if (!this.view) return;
    const { series, low, high, categories } = this.view;
    const floor = height - FOOT;
    context.font = '11px system-ui, sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'bottom';
    if (categories.length) this.#bars(context, width, floor, height);
    else {
      series.forEach(({ label, counts }, index) => this.#line(context, counts, paintOf(label, index), width, floor));
      context.fillStyle = colour.muted;
      for (const at of [0, 0.5, 1]) {
        context.textAlign = at === 0 ? 'left' : at === 1 ? 'right' : 'center';
        context.fillText(String(Number((low + at * (high - low)).toPrecision(3))), at * width, height);
      }
    }
    context.fillStyle = colour.faint;
    context.fillRect(0, floor, width, 1);
  }

  // Each series is drawn against its own peak: what counts is where it lies, and the two sides may be of different size.
  /** @param {number[]} counts */
  #line(context, counts, paint, width, floor) {
    const most = Math.max(...counts, 1e-9);
    const step = width / counts.length;
    const y = (count) => floor - (count / most) * (floor - 8);
    context.beginPath();
    context.moveTo(0, floor);
    counts.forEach((count, index) => {
      context.lineTo(index * step, y(count));
      context.lineTo((index + 1) * step, y(count));
    });
    context.lineTo(width, floor);
    context.globalAlpha = 0.18;
    context.fillStyle = paint;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = paint;
    context.lineWidth = 1.5;
    context.stroke();
  }

  #bars(context, width, floor, height) {
    const { series, categories } = this.view;
    const most = Math.max(...series.flatMap(({ counts }) => counts), 1e-9);
    const slot = width / categories.length;
    const bar = Math.max(2, (slot * 0.7) / series.length);
    categories.forEach((name, index) => {
      series.forEach(({ label, counts }, which) => {
        const value = counts[index] ?? 0;
        const tall = Math.max(1, (value / most) * (floor - 20));
        const left = index * slot + slot * 0.15 + which * bar;
        context.fillStyle = paintOf(label, which);
        context.fillRect(left, floor - tall, bar - 1, tall);
        if (series.length === 1 && slot > 22) {
          context.fillStyle = colour.muted;
          context.fillText(amount(value), left + bar / 2, floor - tall - 2);
        }
      });
      context.fillStyle = colour.muted;
      context.fillText(name, (index + 0.5) * slot, height);
    });
  }
}
