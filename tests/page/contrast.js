// How well text stands out from what is behind it, as WCAG 2 counts it: of the document, and of what canvases write.

/** Notes what canvases write, on which colour, from the page's first line on. */
export async function noteCanvases(page) {
  await page.addInitScript(() => {
    window.onCanvas = new Map();
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
      const box = this.measureText(text);
      const at = this.getTransform().transformPoint({ x: x - box.actualBoundingBoxLeft, y: y - box.actualBoundingBoxAscent });
      const { a: scale } = this.getTransform();
      const width = Math.max(1, scale * (box.actualBoundingBoxLeft + box.actualBoundingBoxRight));
      const height = Math.max(1, scale * (box.actualBoundingBoxAscent + box.actualBoundingBoxDescent));
      // What lies there mostly: a line of a grid that runs through a number is not its ground.
      const counts = new Map();
      const { data } = this.getImageData(at.x, at.y, width, height);
      for (let pixel = 0; pixel < data.length; pixel += 4) {
        const colour = data.slice(pixel, pixel + 4).join();
        counts.set(colour, (counts.get(colour) ?? 0) + 1);
      }
      const [ground] = [...counts].sort((one, other) => other[1] - one[1])[0];
      window.onCanvas.set([text, this.fillStyle, ground].join('|'), { canvas: this.canvas, text: String(text), fill: this.fillStyle, ground: ground.split(',').map(Number) });
      return write.call(this, text, x, y, ...rest);
    };
  });
}

/** Every text that can be seen and stands out too little: `{ text, where, ratio, ink, ground }`; and how many were looked at. */
export const faint = (page) =>
  page.evaluate(() => {
    /** `[red, green, blue, alpha]` of a computed colour. */
    const parse = (text) => {
      const numbers = text.match(/-?[\d.]+(e-?\d+)?/g)?.map(Number) ?? [];
      if (text.startsWith('#')) return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)).concat(1);
      if (text.startsWith('color(srgb')) return [...numbers.slice(0, 3).map((part) => 255 * part), numbers[3] ?? 1];
      if (/^rgba?\(/.test(text)) return [...numbers.slice(0, 3), numbers[3] ?? 1];
      throw new Error(`a colour that the test cannot read: ${text}`);
    };
    const over = ([r, g, b, alpha], under) => [r, g, b].map((part, at) => part * alpha + under[at] * (1 - alpha));
    const light = (colour) => {
      const [r, g, b] = colour.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
      const [more, less] = [light(one), light(other)].sort((a, b) => b - a);
      return (more + 0.05) / (less + 0.05);
    };
    /** What lies behind an element's text, and how much of its own colour is left by who fades it. */
    const groundOf = (element) => {
      const line = [];
      for (let at = element; at; at = at.parentElement) line.unshift(at);
      let ground = [255, 255, 255];
      let opacity = 1;
      for (const one of line) {
        const style = getComputedStyle(one);
        opacity *= Number(style.opacity);
        const [r, g, b, alpha] = parse(style.backgroundColor);
        ground = over([r, g, b, alpha * opacity], ground);
      }
      return { ground, opacity };
    };
    const seen = (element) => {
      const box = element.getBoundingClientRect();
      return box.width > 1 && box.height > 1 && element.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true }) && !element.closest('.off-screen, :disabled, .uplot .u-legend');
    };
    const where = (element) => [element.closest('[id]')?.id, element.className || element.tagName.toLowerCase(), JSON.stringify(element.dataset)].join(' ');
    const found = [];
    let looked = 0;
    const judge = (element, text, ink, { ground, opacity }, { fontSize, fontWeight }) => {
      looked += 1;
      const [r, g, b, alpha] = parse(ink);
      const shown = over([r, g, b, alpha * opacity], ground);
      const ratio = contrast(shown, ground);
      const large = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700);
      if (ratio >= (large ? 3 : 4.5)) return;
      found.push({ text: text.trim().slice(0, 40), where: where(element), ratio: Number(ratio.toFixed(2)), ink, ground: ground.map(Math.round).join() });
    };
    for (const element of document.body.querySelectorAll('*')) {
      if (!seen(element)) continue;
      const style = getComputedStyle(element);
      const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join('').trim();
      const field = element.matches('select, textarea, input:not([type=range], [type=checkbox], [type=color], [type=file])');
      if (field && !element.matches('select') && !element.value && element.placeholder) {
        judge(element, element.placeholder, getComputedStyle(element, '::placeholder').color, groundOf(element), style);
      } else if (own || field) judge(element, own || element.value, style.color, groundOf(element), style);
      for (const part of ['::before', '::after']) {
        const drawn = getComputedStyle(element, part);
        if (!/^"[^"]/.test(drawn.content)) continue;
        const { ground, opacity } = groundOf(element);
        judge(element, drawn.content, drawn.color, { ground: over(parse(drawn.backgroundColor), ground), opacity }, drawn);
      }
    }
    for (const { canvas, text, fill, ground } of window.onCanvas.values()) {
      if (!canvas.isConnected || !seen(canvas)) continue;
      const behind = groundOf(canvas);
      const [r, g, b, alpha] = ground;
      judge(canvas, text, fill, { ground: over([r, g, b, alpha / 255], behind.ground), opacity: behind.opacity }, { fontSize: '11', fontWeight: '400' });
    }
    return { found, looked };
  });
