// A worker with one demo, of which the page has never heard: a point that walks. Its files are JSON; all else is the protocol.

const DEMO = {
  name: 'walk', family: 'gan', title: { en: 'Random walk', zh: '随机游走' }, does: 'trains', needs: { bytes: 0, model: false, gpu: false },
  module: 'training', opens: [],
};
const DEFAULTS = { seed: 1, stride: 1, words: '' };
const SCHEMA = {
  properties: {
    seed: { type: 'integer', title: 'Seed', description: 'The same seed gives the same run.', minimum: 0, maximum: 999 },
    stride: { type: 'number', title: 'Stride', description: 'How far it goes in a step.', minimum: 0, maximum: 10, 'x-live': true },
    words: {
      type: 'string', title: 'Words', description: 'What it carries.', maxLength: 24, 'x-text': true, 'x-live': true, 'x-replayed': true,
      'x-suggestions': ['red heart', 'blue fish'],
    },
  },
};
let [values, step, place, status, left] = [null, 0, 0, 'idle', Infinity];
let late = () => {};

const tell = () => postMessage({ type: 'status', status, ended: false, step, steps_per_second: status === 'running' ? 100 : 0, wasm_bytes: 0, gpu_bytes: 0, threads: 1 });
const refuse = (code, message) => (postMessage({ type: 'error', code, message, help: '', step, fatal: false }), tell());
const linkNow = () => {
  const pairs = Object.entries(values).filter(([key, value]) => value !== DEFAULTS[key]);
  return pairs.length ? `walk?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')}` : 'walk';
};
const describe = () => {
  postMessage({ type: 'schema', demo: 'walk', schema: SCHEMA, values: { ...values }, actions: [], begins: true });
  postMessage({ type: 'link', link: linkNow(), altered: false });
};
const show = () => {
  const figures = [{ id: 'own-place', title: 'Place', value: place, digits: 3, of: null }];
  postMessage({ type: 'views', step, panels: [{ id: 'own', title: 'Where it is', views: [{ type: 'figures', figures }] }] });
};

function open({ link, checkpoint }) {
  const kept = checkpoint && JSON.parse(new TextDecoder().decode(checkpoint));
  const [name, query = ''] = (link || kept?.link || 'walk').split('?');
  if (name !== 'walk') return refuse('unknown-demo', `There is no demo "${name}".`);
  const read = (key, value) => (typeof DEFAULTS[key] === 'string' ? value : Math.min(SCHEMA.properties[key].maximum, Number(value)));
  const given = [...new URLSearchParams(query)].map(([key, value]) => [key, read(key, value)]);
  values = { ...DEFAULTS, ...Object.fromEntries(given) };
  [step, place, status] = [kept?.step ?? 0, kept?.place ?? 0, 'paused'];
  describe();
  show();
  return tell();
}

function walk() {
  if (status !== 'running') return;
  // The same number for the same seed and step.
  place += values.stride * Math.sin(1e4 * values.seed + 78.233 * step);
  step += 1;
  left -= 1;
  if (!left) status = 'paused';
  show();
  tell();
  soon();
}

function soon() {
  // A duration: the time that a step takes.
  setTimeout(walk, 5);
}

function go(steps) {
  left = steps;
  if (status !== 'running') soon();
  status = 'running';
  tell();
}

/** As the real worker says it of a setting: whatever the reason. */
const notTaken = (message) => (postMessage({ type: 'refused' }), refuse('bad-command', message));

function set({ key, value }) {
  if (!SCHEMA.properties[key]?.['x-live']) return notTaken(`${key} was not set.`);
  if (value === 6 || value === 'six') return notTaken('Six is refused.');
  const take = () => ((values[key] = value), describe(), tell());
  // Seven is taken when the test next asks for a checkpoint.
  if (value !== 7) return take();
  late = take;
  return undefined;
}

const COMMANDS = {
  start: () => (postMessage({ type: 'device', kind: 'cpu', name: 'A test', software: false, max_buffer_bytes: 0, probe_error: null }), tell()),
  library: () => postMessage({ type: 'library', files: [], repositories: [], used: 0, quota: 0, persistent: true }),
  import: () => refuse('bad-file', 'No files are taken.'),
  checkpoint: () => (late(), (late = () => {}), postMessage({ type: 'checkpoint', link: linkNow(), altered: false, step, bytes: new TextEncoder().encode(JSON.stringify({ link: linkNow(), step, place })) })),
  open,
  set,
  run: () => go(Infinity),
  step: ({ n }) => go(n),
  pause: () => ((status = 'paused'), show(), tell()),
};
self.onmessage = ({ data }) => (COMMANDS[data.type] ?? tell)(data);
postMessage({ type: 'hello', kind: 'cpu', demos: [DEMO] });
