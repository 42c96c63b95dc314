// Pictures and archives for the tests, good ones and hostile ones, and how a person brings them.

import { crc32, deflateSync, deflateRawSync } from 'node:zlib';

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function header(width, height) {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  // Eight bits a channel, red, green and blue.
  data.set([8, 2, 0, 0, 0], 8);
  return data;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A PNG file; `colour(x, y)` gives `[red, green, blue]`. The header may lie: `said` is the size that it tells. */
export function png(width, height, colour, said = [width, height]) {
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) rows.set(colour(x, y), y * (1 + 3 * width) + 1 + 3 * x);
  }
  const [across, down] = said;
  return Buffer.concat([SIGNATURE, chunk('IHDR', header(across, down)), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

/** A disc on a ground: picture `index` of a set that a network can learn. */
export function disc(index, side = 40) {
  const at = [side * (0.3 + 0.4 * ((index * 0.37) % 1)), side * (0.3 + 0.4 * ((index * 0.71) % 1))];
  const [ground, paint] = [[240, 240, 230], [200 - 12 * (index % 10), 60 + 15 * (index % 10), 90]];
  return png(side, side, (x, y) => (Math.hypot(x - at[0], y - at[1]) < side / 4 ? paint : ground));
}

export const discs = (count) => Array.from({ length: count }, (_, index) => ({ name: `disc-${index}.png`, bytes: disc(index) }));

/** A zip file of `{ name, bytes, deflate }`, stored as they are unless `deflate` is set. */
export function zip(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const { name, bytes, deflate } of files) {
    const data = deflate ? deflateRawSync(bytes) : bytes;
    const title = Buffer.from(name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(deflate ? 8 : 0, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(title.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, title, data]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), Buffer.from([20, 0]), fields, rest, title]));
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

/** Files that are no pictures, each with the codes that may be said of it. */
export const HOSTILE = [
  { name: 'letter.png', bytes: Buffer.from('Dear Kiln, this is not a picture.'), codes: ['not-a-picture'] },
  { name: 'huge.png', bytes: png(2, 2, () => [1, 2, 3], [60_000, 60_000]), codes: ['too-large'] },
  { name: 'nothing.png', bytes: Buffer.alloc(0), codes: ['empty'] },
  { name: 'flat.png', bytes: png(2, 2, () => [1, 2, 3], [0, 2]), codes: ['empty', 'damaged'] },
  { name: 'half.png', bytes: disc(0, 200).subarray(0, 300), codes: ['damaged'] },
];

/** 256 MB of zeros in 260 kB, named like a picture. */
export const bomb = () => zip([{ name: 'bomb.png', bytes: Buffer.alloc(256 * 1024 * 1024), deflate: true }]);

/** Drops several files, as a person would. `times` drops the same bytes again and again under other names. */
export async function dropAll(page, files, times = 1) {
  const data = await page.evaluateHandle(
    ([list, count]) => {
      const transfer = new DataTransfer();
      for (let again = 0; again < count; again += 1) {
        for (const { name, base64 } of list) {
          const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
          transfer.items.add(new File([bytes], again ? `${again}-${name}` : name));
        }
      }
      return transfer;
    },
    [files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') })), times],
  );
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
}
