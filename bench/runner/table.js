// Results to a table. A result is one line of results.jsonl: one contender, one workload, one fresh browser.

import { ANSWERS, WORKLOADS } from '../shared/spec.js';
import { measure } from './contenders.js';
import { median } from '../shared/timing.js';

/** Losses and pixels agree where they differ by less than this share of the larger: other sums in another order. */
const TOLERANCE = 2e-3;

const OURS = ['kiln', 'kiln-many'];

/** Whether `check` is the workload's answer, as far as it goes: a slow GPU computes fewer checked steps. */
export function agrees(workload, check) {
  const answer = ANSWERS[workload];
  if (!check?.length || check.length > answer.length) return false;
  return check.every((value, i) => {
    if (typeof value !== 'number' || Number.isInteger(answer[i])) return value === answer[i];
    return Math.abs(value - answer[i]) <= TOLERANCE * Math.max(Math.abs(value), Math.abs(answer[i]));
  });
}

/** The repeats of each contender together, ours first in each workload. */
export function summary(results) {
  const groups = new Map();
  for (const result of results) {
    const key = `${result.workload} ${result.name}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const rows = [...groups.values()].map(row);
  for (const row of rows) {
    const ours = rows.find((other) => other.workload === row.workload && other.name === measure(row.name));
    row.ratio = row.ms && ours?.ms && row !== ours ? row.ms.middle / ours.ms.middle : undefined;
  }
  return rows;
}

/** Median, least and most of the repeats' own numbers; nothing where no repeat has one. */
function spread(numbers) {
  const known = numbers.filter((number) => Number.isFinite(number));
  if (known.length) return { middle: median(known), least: Math.min(...known), most: Math.max(...known), count: known.length };
}

function row(repeats) {
  const { workload, name } = repeats[0];
  const good = repeats.filter((repeat) => repeat.samples?.length);
  const middle = (samples) => (samples?.length ? median(samples) : undefined);
  return {
    workload,
    name,
    ms: spread(good.map((repeat) => middle(repeat.samples))),
    inARow: spread(good.map((repeat) => repeat.pipelined_ms)),
    first: spread(good.map((repeat) => repeat.first_ms)),
    prefill: spread(good.map((repeat) => middle(repeat.prefill?.samples))),
    agrees: good.length > 0 && good.every((repeat) => agrees(workload, repeat.check)),
    checked: good[0]?.check?.length,
    threads: good[0]?.threads,
    version: good[0]?.version,
    gpu: good[0]?.gpu,
    pipelines: good[0]?.first_pipelines,
    peakBytes: spread(good.map((repeat) => repeat.gpu_peak_bytes)),
    why: repeats.map((repeat) => repeat.error ?? repeat.skip).find(Boolean),
  };
}

const digits = (number) => (number === undefined ? '' : number >= 100 ? Math.round(number).toLocaleString('en') : number.toPrecision(3));
const shown = (spread) => {
  if (!spread) return '';
  const { middle, least, most, count } = spread;
  return count > 1 ? `${digits(middle)} (${digits(least)} to ${digits(most)})` : digits(middle);
};

/** How many samples a workload that draws them draws a second. */
const perSecond = ({ workload, ms }) => (ms && WORKLOADS[workload]?.told ? digits((1000 * WORKLOADS[workload].batch) / ms.middle) : '');

/** Columns that every table has, then those of a GPU. */
const COLUMNS = [
  ['workload', (row) => row.workload],
  ['library', (row) => `${row.name}${row.version && !OURS.includes(row.name) ? ` ${row.version}` : ''}`],
  ['threads', (row) => String(row.threads ?? '')],
  ['ms', (row) => shown(row.ms)],
  ['times ours', (row) => (row.ratio ? `${digits(row.ratio)} x` : '')],
  ['check', (row) => (!row.ms ? '' : row.agrees ? 'agrees' : 'DISAGREES')],
  ['in a row, ms', (row) => shown(row.inARow)],
  ['first, ms', (row) => shown(row.first)],
  ['prompt, ms', (row) => shown(row.prefill)],
  ['samples a second', perSecond],
];
const whole = (number) => (number === undefined ? '' : String(+number.toFixed(1)));
const GPU_COLUMNS = [
  ['dispatches', (row) => whole(row.gpu?.dispatches)],
  ['submits', (row) => whole(row.gpu?.submits)],
  ['first pipelines', (row) => whole(row.pipelines)],
  ['peak MB', (row) => (row.peakBytes ? digits(row.peakBytes.middle / 1e6) : '')],
];

/** The table, what is not in it and why, and the machine: Markdown. */
export function markdown(rows, machine) {
  const columns = machine.device === 'webgpu' ? [...COLUMNS, ...GPU_COLUMNS] : COLUMNS;
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const measured = rows.filter((row) => row.ms);
  const lines = [
    ...Object.entries(machine).map(([name, value]) => `* ${name}: ${value}`),
    '',
    line(columns.map(([name]) => name)),
    line(columns.map(() => '---')),
    ...measured.map((row) => line(columns.map(([, cell]) => cell(row)))),
    '',
  ];
  // One line for all workloads that a contender misses for the same reason; a failure among good repeats counts too.
  const missing = new Map();
  for (const { name, why, workload } of rows.filter((row) => row.why)) {
    const reason = `${name}: ${String(why).split('\n')[0].slice(0, 200)}`;
    missing.set(reason, [...(missing.get(reason) ?? []), workload]);
  }
  for (const [reason, workloads] of missing) lines.push(`* Not measured: ${reason} (${workloads.join(', ')})`);
  return `${lines.join('\n')}\n`;
}

/** What makes the command fail: ours not measured, or anybody with another answer. */
export function failures(rows) {
  const ours = rows.filter((row) => OURS.includes(row.name) && (row.why || !row.ms));
  const others = rows.filter((row) => row.ms && !row.agrees);
  return [
    ...ours.map((row) => `${row.name} failed on ${row.workload}: ${row.why ?? 'no samples'}`),
    ...others.map((row) => `${row.name} computes something else on ${row.workload}`),
  ];
}
