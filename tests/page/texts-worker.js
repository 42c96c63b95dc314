// A worker with one demo, of which the page has never heard: it learns to add and to write two lines. With each step what it writes
// is likelier, and from the third on its sums are right. Its files are JSON; all else is the protocol.

const DEMO = {
  name: 'sums', family: 'language', title: { en: 'Sums', zh: '加法' }, does: 'trains', needs: { bytes: 0, model: false, gpu: false },
  module: 'training', opens: [],
};
const DEFAULTS = { seed: 1, film: true, pictures: false, prompt: 'Mary <b>had</b>', temperature: 1, attention: false, layer: 0, head: 0 };
const hidden = (part) => ({ ...part, 'x-hidden': true, 'x-live': true });
const SCHEMA = {
  properties: {
    seed: { type: 'integer', title: 'Seed', description: 'The same seed gives the same run.', minimum: 0, maximum: 999 },
    film: { type: 'boolean', title: 'Film', description: 'Earlier texts are kept.', 'x-live': true },
    pictures: hidden({ type: 'boolean', title: 'Pictures' }),
    prompt: { type: 'string', title: 'Prompt', description: 'How the text begins.', maxLength: 200, 'x-text': true, 'x-live': true },
    temperature: { type: 'number', title: 'Temperature', description: 'How evenly it draws.', minimum: 0, maximum: 2, 'x-live': true },
    attention: hidden({ type: 'boolean', title: 'Attention' }),
    layer: hidden({ type: 'integer', title: 'Layer', minimum: 0, maximum: 1 }),
    head: hidden({ type: 'integer', title: 'Head', minimum: 0, maximum: 2 }),
  },
};
const ACTIONS = [{ name: 'choose', title: 'Choose', draws: false, panel: null }];
let [values, step, status, left, chosen] = [null, 0, 'idle', Infinity, null];

const tell = () => postMessage({ type: 'status', status, ended: false, step, steps_per_second: 0, wasm_bytes: 0, gpu_bytes: 0, threads: 1 });
const refuse = (code, message) => (postMessage({ type: 'error', code, message, help: '', step, fatal: false }), tell());
const linkNow = () => {
  const pairs = Object.entries(values).filter(([key, value]) => value !== DEFAULTS[key]);
  return pairs.length ? `sums?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')}` : 'sums';
};
const describe = () => {
  postMessage({ type: 'schema', demo: 'sums', schema: SCHEMA, values: { ...values }, actions: ACTIONS, begins: true });
  postMessage({ type: 'link', link: linkNow(), altered: false });
};

/** A character as a token: what is generated is likelier with each step, and the first of it is the least likely. */
const token = (text, role, index) => {
  const raw = role === 'prompt' ? null : Math.min(0.98, (step + 1) / (12 + index));
  const others = raw === null ? [] : [text, '?'].map((piece, at) => ({ id: piece.codePointAt(0), piece, raw: at ? 1 - raw : raw, p: at ? 1 - raw : raw, penalised: false, filter: null }));
  return { id: text.codePointAt(0), text, piece: text, role, raw, p: raw, forced: false, candidates: others };
};
const tokens = (given, written) => [...[...given].map((text) => token(text, 'prompt', 0)), ...[...written].map((text, index) => token(text, 'generated', index))];
const texts = () => [
  { tokens: tokens('12+34=', step < 3 ? '99\n' : '46\n'), right: step >= 3, wanted: step < 3 ? '46' : '' },
  { tokens: tokens('<i>&lt;', '</i>'), right: null, wanted: '' },
  { tokens: tokens('Two lines:\n', `the first is ${step}\nthe second `), right: null, wanted: '' },
  // Longer than a phone is wide, without a space.
  { tokens: tokens(`\n\n${'反'.repeat(20)}`, 'a'.repeat(90)), right: null, wanted: '' },
];

const show = () => {
  const sample = tokens(values.prompt, ` a lamb ${step}`);
  const panels = [
    { id: 'continuations', title: 'Continuations', views: [{ type: 'texts', step, texts: texts(), film: values.film }] },
    { id: 'sample', title: 'A sample', views: [{ type: 'tokens', from: 0, tokens: sample, chosen, stop: 'length' }] },
  ];
  if (values.pictures) {
    // From the fifth step on they are larger.
    const side = step < 5 ? 2 : 3;
    const picture = { type: 'images', count: 1, width: side, height: side, channels: 1, columns: 1, pixels: new Uint8Array(side * side).fill(9 * step), film: true, rows: [], captions: [], pick: null, marks: [] };
    panels.push({ id: 'pictures', title: 'Pictures', views: [picture] });
  }
  if (values.attention) {
    const at = chosen ?? sample.length - 1;
    const weights = new Float32Array(3 * (at + 1)).map((_, index) => (index % (at + 1) === Math.floor(index / (at + 1)) ? 1 : 0));
    const view = { type: 'attention', token: at, layer: values.layer, layers: 2, head: values.head, heads: 3, weights: new Uint8Array(weights.buffer) };
    panels.push({ id: 'attention', title: 'Attention', views: [view] });
  }
  postMessage({ type: 'views', step, panels });
};

function open({ link, checkpoint }) {
  const kept = checkpoint && JSON.parse(new TextDecoder().decode(checkpoint));
  const [name, query = ''] = (link || kept?.link || 'sums').split('?');
  if (name !== 'sums') return refuse('unknown-demo', `There is no demo "${name}".`);
  const read = (key, value) => (typeof DEFAULTS[key] === 'string' ? value : JSON.parse(value));
  values = { ...DEFAULTS, ...Object.fromEntries([...new URLSearchParams(query)].map(([key, value]) => [key, read(key, value)])) };
  [step, status, chosen] = [kept?.step ?? 0, 'paused', null];
  describe();
  show();
  return tell();
}

function learn() {
  if (status !== 'running') return;
  step += 1;
  left -= 1;
  if (!left) status = 'paused';
  show();
  tell();
  soon();
}

function soon() {
  // A duration: the time that a step takes.
  setTimeout(learn, 5);
}

function go(steps) {
  left = steps;
  if (status !== 'running') soon();
  status = 'running';
  tell();
}

function set({ key, value }) {
  values[key] = value;
  describe();
  // At this temperature it goes wrong.
  if (key === 'temperature' && value === 2) return refuse('diverged', 'The loss is no number.');
  show();
  return tell();
}

const COMMANDS = {
  start: () => (postMessage({ type: 'device', kind: 'cpu', name: 'A test', software: false, max_buffer_bytes: 0, probe_error: null }), tell()),
  library: () => postMessage({ type: 'library', files: [], repositories: [], used: 0, quota: 0, persistent: true }),
  checkpoint: () => postMessage({ type: 'checkpoint', link: linkNow(), altered: false, step, bytes: new TextEncoder().encode(JSON.stringify({ link: linkNow(), step })) }),
  open,
  set,
  act: ({ args }) => ((chosen = args.token), describe(), show(), tell()),
  run: () => go(Infinity),
  step: ({ n }) => go(n),
  pause: () => ((status = 'paused'), show(), tell()),
};
self.onmessage = ({ data }) => (COMMANDS[data.type] ?? tell)(data);
postMessage({ type: 'hello', kind: 'cpu', demos: [DEMO] });
