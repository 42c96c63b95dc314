// Paint on a grid of pixels: a stroke covers each pixel at most once, however often it passes.

/**
 * `pixels` has `channels` bytes a pixel of `width` x `height`; `mask` a byte a pixel, 1 where the picture is unknown.
 */
export class Brush {
  constructor({ width, height, channels }) {
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.pixels = new Uint8Array(width * height * channels);
    this.mask = new Uint8Array(width * height);
  }

  /** Begins a stroke of `radius` pixels in `ink`, a list of a byte for each channel; null makes pixels unknown. */
  begin(ink, radius) {
    this.ink = ink;
    this.radius = radius;
    this.before = this.pixels.slice();
    this.covered = new Float32Array(this.width * this.height);
    this.last = null;
  }

  /** On to a place, in pixels from the upper left corner. */
  to(x, y) {
    const [fromX, fromY] = this.last ?? [x, y];
    this.last = [x, y];
    const reach = this.radius + 1;
    const within = (value, most) => Math.min(most, Math.max(0, Math.floor(value)));
    const rows = [within(Math.min(y, fromY) - reach, this.height - 1), within(Math.max(y, fromY) + reach, this.height - 1)];
    const columns = [within(Math.min(x, fromX) - reach, this.width - 1), within(Math.max(x, fromX) + reach, this.width - 1)];
    for (let row = rows[0]; row <= rows[1]; row += 1) {
      for (let column = columns[0]; column <= columns[1]; column += 1) {
        const away = distance(column + 0.5, row + 0.5, fromX, fromY, x, y);
        // Soft at the edge, as a pen is that was photographed.
        this.#cover(row * this.width + column, Math.min(1, this.radius + 0.5 - away));
      }
    }
  }

  #cover(at, part) {
    if (part <= this.covered[at]) return;
    this.covered[at] = part;
    if (!this.ink) {
      if (part >= 0.5) this.mask[at] = 1;
      return;
    }
    if (part >= 0.5) this.mask[at] = 0;
    for (let channel = 0; channel < this.channels; channel += 1) {
      const to = at * this.channels + channel;
      this.pixels[to] = Math.round(this.before[to] + part * (this.ink[channel] - this.before[to]));
    }
  }

  clear(ground) {
    this.pixels.fill(ground);
    this.mask.fill(0);
  }

  /** What an action takes: two lists, the second one empty where nothing is unknown. */
  get args() {
    return { pixels: [...this.pixels], mask: this.mask.some(Boolean) ? [...this.mask] : [] };
  }
}

/** From a point to a stretch of line. */
function distance(x, y, fromX, fromY, toX, toY) {
  const [across, down] = [toX - fromX, toY - fromY];
  const length = across * across + down * down;
  const part = length > 0 ? Math.min(1, Math.max(0, ((x - fromX) * across + (y - fromY) * down) / length)) : 0;
  return Math.hypot(x - fromX - part * across, y - fromY - part * down);
}
