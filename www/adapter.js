// Which graphics adapter the browser offers, and which adapters have proved their arithmetic on an earlier visit.

const KEY = 'kiln.proven';
/** The adapter as the page sees it: inside the worker some browsers give every adapter the same name. */
let seen = '';
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

/**
 * What to do about WebGPU: `{ use, software, reason, name }`. `reason` is a key of the device badge's explanation.
 * A software adapter is slower than the CPU device by 10 to 150 times: it is taken only when the address asks for it.
 */
export async function chooseAdapter(asked) {
  if (asked === 'cpu') return { use: false, reason: 'asked-cpu' };
  if (!navigator.gpu) return { use: false, reason: 'no-webgpu' };
  let adapter = null;
  try {
    adapter = await navigator.gpu.requestAdapter();
  } catch {
    // The same as no adapter: some browsers reject where others answer null.
  }
  if (!adapter) return { use: false, reason: 'no-adapter' };
  /** @type {Partial<GPUAdapterInfo>} */
  const info = adapter.info ?? {};
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ');
  seen = [name, info.device].filter(Boolean).join(' ');
  const software = info.isFallbackAdapter === true || SOFTWARE.test(`${info.architecture} ${info.description}`);
  if (software && asked !== 'webgpu') return { use: false, reason: 'software', name };
  return { use: true, software, reason: 'starting', name };
}

export function provenAdapters() {
  try {
    const { browser, adapter, names } = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    // Another version of the browser compiles shaders in another way, another card computes in another: both are proved anew.
    return browser === navigator.userAgent && adapter === seen && Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

export function rememberProven(name) {
  try {
    const names = [...new Set([...provenAdapters(), name])].slice(-8);
    localStorage.setItem(KEY, JSON.stringify({ browser: navigator.userAgent, adapter: seen, names }));
  } catch {
    // No storage in a private window or a sandboxed frame: the probe runs again at the next visit.
  }
}
