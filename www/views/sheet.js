// Many pictures on one canvas.

/**
 * Puts `count` pictures of `width` x `height`, one after the other in `pixels` with `channels` (1 or 3) bytes a pixel, on
 * `sheet`, `columns` to a row and `gap` clear pixels between them.
 */
export function paintSheet(sheet, { count, width, height, channels, columns }, pixels, gap = 1) {
  const across = columns * (width + gap) - gap;
  sheet.width = across;
  sheet.height = Math.ceil(count / columns) * (height + gap) - gap;
  const image = new ImageData(across, sheet.height);
  const words = new Uint32Array(image.data.buffer);
  let from = 0;
  for (let index = 0; index < count; index += 1) {
    const left = (index % columns) * (width + gap);
    const top = Math.floor(index / columns) * (height + gap);
    for (let y = 0; y < height; y += 1) {
      let to = (top + y) * across + left;
      for (let x = 0; x < width; x += 1, to += 1, from += channels) {
        const red = pixels[from];
        const green = channels === 3 ? pixels[from + 1] : red;
        const blue = channels === 3 ? pixels[from + 2] : red;
        words[to] = 0xff000000 | (blue << 16) | (green << 8) | red;
      }
    }
  }
  sheet.getContext('2d').putImageData(image, 0, 0);
}
