// The models of W3 as models.py writes them: safetensors of f32, with short names (`h.0.fc.w`).

/** A file's bytes. */
export async function fetchBytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The header, and the place where the numbers begin. */
function header(file) {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  return { tensors: JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))), begin: 8 + length };
}

/** `{name: {shape, data}}`. */
export function tensors(file) {
  const { tensors, begin } = header(file);
  const view = ({ shape, data_offsets: [from, to] }) => ({ shape, data: new Float32Array(file.buffer, begin + from, (to - from) / 4) });
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, view(tensor)]));
}

const PARTS = { ln1: 'ln_1', ln2: 'ln_2', attn: 'attn.c_attn', proj: 'attn.c_proj', fc: 'mlp.c_fc', fc2: 'mlp.c_proj', lnf: 'ln_f' };
const KINDS = { w: 'weight', b: 'bias', g: 'weight' };

/** `h.0.fc.w` as the GPT-2 of `transformers` calls it: `h.0.mlp.c_fc.weight`. */
export function longName(short) {
  if (!short.includes('.')) return `${short}.weight`; // wte, wpe
  const parts = short.split('.');
  const kind = KINDS[parts.pop()];
  return [...parts.slice(0, -1), PARTS[parts.at(-1)], kind].join('.');
}

/** The same file with the names of `transformers`. */
export function withLongNames(file) {
  const { tensors, begin } = header(file);
  const renamed = Object.entries(tensors).map(([name, tensor]) => [longName(name), tensor]);
  let text = JSON.stringify(Object.fromEntries(renamed));
  text = text.padEnd(Math.ceil(text.length / 8) * 8); // the numbers stay aligned
  const out = new Uint8Array(8 + text.length + file.length - begin);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(new TextEncoder().encode(text), 8);
  out.set(file.subarray(begin), 8 + text.length);
  return out;
}
