// Measures and writes the table. `cargo xtask bench` builds what this needs and calls it; its HELP explains the options.
//
// Environment: CHROMIUM, the browser; KILN_BENCH, the folder that holds models/ and gets results.jsonl and table.md.

import { spawnSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WORKLOADS } from '../shared/spec.js';
import { run } from './browser.js';
import { contenders, interleaved } from './contenders.js';
import { serve } from './serve.js';
import { failures, markdown, summary } from './table.js';

const text = { type: 'string' };
const { values: options } = parseArgs({
  options: {
    device: { ...text, default: 'cpu' },
    adapter: { ...text, default: 'software' },
    repeat: { ...text, default: '5' },
    budget: { ...text, default: '4000' },
    timeout: { ...text, default: '600' },
    only: { ...text, multiple: true, default: Object.keys(WORKLOADS) },
    peers: { type: 'boolean', default: false },
    peer: { ...text, multiple: true, default: [] },
  },
});
const { device } = options;
const here = fileURLToPath(new URL('..', import.meta.url));
const folder = process.env.KILN_BENCH;
const adapter = device === 'webgpu' ? options.adapter : 'none';
const how = { budgetMs: Number(options.budget), timeoutMs: Number(options.timeout) * 1000, adapter };

const all = contenders(device, adapter);
const named = (name) => options.peer.some((wanted) => name === wanted || name.startsWith(`${wanted}-`));
const wanted = all.filter(({ name }) => name.startsWith('kiln') || named(name) || (options.peers && !options.peer.length));
const unknown = [
  ...options.only.filter((workload) => !WORKLOADS[workload]),
  ...['repeat', 'budget', 'timeout'].filter((name) => !(Number(options[name]) > 0)).map((name) => `--${name} ${options[name]}`),
  ...(['none', 'software', 'hardware'].includes(adapter) ? [] : [`--adapter ${adapter}`]),
  ...options.peer.filter((wanted) => !all.some(({ name }) => name === wanted || name.startsWith(`${wanted}-`))),
];
if (unknown.length || !folder) {
  console.error(folder ? `there is no ${unknown.join(', ')}` : 'run this by `cargo xtask bench`');
  process.exit(2);
}
if (wanted.some(({ name }) => !name.startsWith('kiln'))) await (await import('./bundle.js')).bundle(join(folder, 'peers'));

const folders = {
  '/': join(here, 'dist'),
  '/models/': join(folder, 'models'),
  '/peers/': join(folder, 'peers'),
  '/node_modules/': join(here, 'node_modules'),
};
const [plain, isolated] = await Promise.all([serve(folders, false), serve(folders, true)]);
const loads = [];
const results = [];
const file = join(folder, 'results.jsonl');
const note = (result) => {
  results.push(result);
  appendFileSync(file, `${JSON.stringify(result)}\n`);
};

for (const workload of options.only) {
  const able = wanted.filter(({ cannot }) => !cannot[workload]);
  const late = new Set();
  for (const contender of interleaved(able, Number(options.repeat))) {
    // Who gave no answer once will give none the next time.
    if (late.has(contender)) continue;
    const load = loadavg()[0];
    loads.push(load);
    const base = (contender.isolated ? isolated : plain).base;
    const result = await run(base + contender.path, workload, how);
    note({ workload, name: contender.name, device, at: new Date().toISOString(), load, ...result });
    if (result.late) late.add(contender);
    const ms = summary([results.at(-1)])[0].ms?.middle.toPrecision(3);
    console.log(`${workload} ${contender.name}: ${ms ? `${ms} ms` : (result.error ?? result.skip ?? 'no samples')}`);
    for (const line of result.said ?? []) console.log(`  ${line}`);
  }
  for (const { name, cannot } of wanted.filter(({ cannot }) => cannot[workload])) {
    note({ workload, name, device, skip: cannot[workload] });
  }
}
plain.close();
isolated.close();

// Unknown where there is no git, or no repository.
const described = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=10'], { cwd: here, encoding: 'utf8' });
const commit = described.stdout?.trim() || 'unknown';
const machine = {
  command: `cargo xtask bench ${process.argv.slice(2).join(' ')}`.trim(),
  device,
  ...(device === 'webgpu' ? { adapter: results.find((result) => result.adapter)?.adapter ?? adapter } : {}),
  machine: `${cpus().length} cores of ${cpus()[0].model}`,
  'load before each run': `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
  browser: `Chromium ${results.find((result) => result.browser)?.browser}`,
  date: new Date().toISOString().slice(0, 10),
  commit,
};
const rows = summary(results);
const table = markdown(rows, machine);
writeFileSync(join(folder, 'table.md'), table);
console.log(`\n${table}`);
const failed = failures(rows);
for (const failure of failed) console.error(failure);
process.exit(failed.length ? 1 : 0);
