// Writes www/data/emoji: Noto's emoji at 32 x 32 over white, their groups, names and captions: `node xtask/data/emoji.mjs`.
// Pictures and captions come from the npm packages named below. The same packages give the same bytes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pack, sha256, shuffle, unpack } from './packages.mjs';

// With the SHA-256 of its archive, so that a changed mirror is noticed.
const PICTURES = ['emoji-datasource-google@16.0.0', 'fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438'];
// CLDR's annotations: of single characters, and of what is composed of several (flags, keycaps, professions).
const ANNOTATIONS = [
  ['cldr-annotations-full@48.2.0', '28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1'],
  ['cldr-annotations-derived-full@48.2.0', '4be946ff5815f806ec78b50363d577a769f2fbfb90c6380a44e161a92436996e'],
];
const DECODER = ['pngjs@7.0.0', 'c4b71873d48a692dd5eeb1dcb62185c7aafe40f2180c7cc7f30ec71e89a080be'];
const OUT = new URL('../../www/data/emoji/', import.meta.url);
const SHARDS = 4;
const SIDE = 32;
const SEED = 1;
const LANGUAGES = ['en', 'zh'];
// Our names for the groups of Unicode, which are the classes. `Component` (five patches of skin colour) is left out.
const GROUPS = {
  'Smileys & Emotion': 'smileys',
  'People & Body': 'people',
  'Animals & Nature': 'animals',
  'Food & Drink': 'food',
  'Travel & Places': 'travel',
  Activities: 'activities',
  Objects: 'objects',
  Symbols: 'symbols',
  Flags: 'flags',
};

/** A picture of 64 x 64 as 32 x 32 RGB: over white, then the mean of each 2 x 2 pixels, in whole numbers. */
function shrink({ width, height, data }, name) {
  if (width !== 2 * SIDE || height !== 2 * SIDE) throw new Error(`${name} is ${width} x ${height}`);
  const out = Buffer.alloc(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]]) {
          const at = 4 * ((2 * y + dy) * width + 2 * x + dx);
          const alpha = data[at + 3];
          sum += data[at + c] * alpha + 255 * (255 - alpha);
        }
        out[3 * (y * SIDE + x) + c] = Math.round(sum / (4 * 255));
      }
    }
  }
  return out;
}

/** An IDX file: two zero bytes, the element type (8 is u8), the number of dimensions, then each as a big-endian u32. */
function write(file, dimensions, body) {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header[2] = 8;
  header[3] = dimensions.length;
  dimensions.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  const packed = pack(Buffer.concat([header, body]), file);
  writeFileSync(new URL(file, OUT), packed);
  return { file, count: dimensions[0], bytes: packed.length, sha256: sha256(packed) };
}

/** Phrases for each emoji in a language: CLDR's short name, then its keywords. */
function captions(language, folders, emoji) {
  const [single, derived] = folders.map((folder, i) => {
    const part = ['annotations', 'annotationsDerived'][i];
    return JSON.parse(readFileSync(join(folder, part, language, 'annotations.json'), 'utf8'))[part].annotations;
  });
  return emoji.map(({ unified }) => {
    const characters = String.fromCodePoint(...unified.split('-').map((code) => Number.parseInt(code, 16)));
    // CLDR leaves out the selector that asks for a picture where text is meant by default.
    const key = characters.replaceAll('\ufe0f', '');
    const found = single[key] ?? derived[key];
    if (!found) throw new Error(`CLDR has no ${language} name for ${unified}`);
    const [name] = found.tts;
    return [name, ...found.default.filter((keyword) => keyword !== name)];
  });
}

const pictures = unpack(PICTURES, 'pictures');
const { PNG } = createRequire(import.meta.url)(join(unpack(DECODER, 'decoder'), 'lib', 'png.js'));
const known = JSON.parse(readFileSync(join(pictures, 'emoji.json'), 'utf8'));
const drawn = known.filter((e) => e.has_img_google && e.category in GROUPS);
// By their code first, so that the order of the package does not matter.
drawn.sort((a, b) => (a.unified < b.unified ? -1 : 1));
const emoji = shuffle(drawn, SEED);
const classes = Object.values(GROUPS);

mkdirSync(OUT, { recursive: true });
const most = Math.ceil(emoji.length / SHARDS);
const images = Array.from({ length: SHARDS }, (_, k) => {
  const shard = emoji.slice(k * most, (k + 1) * most);
  const body = shard.map(({ image }) => shrink(PNG.sync.read(readFileSync(join(pictures, 'img/google/64', image))), image));
  return write(`emoji-${String(k).padStart(2, '0')}.idx.gz`, [shard.length, SIDE, SIDE, 3], Buffer.concat(body));
});
const labels = write('labels.idx.gz', [emoji.length], Buffer.from(emoji.map((e) => classes.indexOf(GROUPS[e.category]))));

const names = emoji.map((e) => (e.name ?? e.short_name.replaceAll('-', ' ')).toLowerCase());
writeFileSync(new URL('names.json', OUT), `${JSON.stringify(names, null, 0)}\n`);
const annotations = ANNOTATIONS.map((archive, i) => unpack(archive, `annotations-${i}`));
const phrases = Object.fromEntries(LANGUAGES.map((language) => [language, captions(language, annotations, emoji)]));
const captioned = Buffer.from(`${JSON.stringify(phrases)}\n`);
writeFileSync(new URL('captions.json', OUT), captioned);
writeFileSync(new URL('LICENSE-UNICODE', OUT), readFileSync(join(annotations[0], 'LICENSE')));

const manifest = {
  name: 'Emoji',
  count: emoji.length,
  width: SIDE,
  height: SIDE,
  channels: 3,
  classes,
  images,
  labels,
  names: 'names.json',
  captions: { file: 'captions.json', bytes: captioned.length, sha256: sha256(captioned) },
  license: 'Apache-2.0',
  source: `Noto Emoji, Google; from npm's ${PICTURES[0]}`,
};
writeFileSync(new URL('manifest.json', OUT), `${JSON.stringify(manifest, null, 2)}\n`);
const bytes = [...images, labels].reduce((sum, f) => sum + f.bytes, 0);
console.log(`${emoji.length} emoji, ${bytes.toLocaleString('en')} bytes and ${captioned.length.toLocaleString('en')} of captions in www/data/emoji`);
