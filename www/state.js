// What is known of a visit's run, as the page and `window.kiln` see it.

export const firstState = () => ({
  status: 'loading',
  device: null,
  /** Why this device: a key of the badge's explanation. */
  deviceReason: 'starting',
  demo: '',
  step: 0,
  link: '',
  /** A setting that acts on learning was changed while it ran: the link alone gives another run. */
  altered: false,
  error: null,
  /** Pictures are being taken in, beside the run: what is wrong with them does not stop it. */
  bringing: false,
  speed: 0,
  /** That compute on the CPU; and how many will, once the page is loaded again. */
  threads: 1,
  threadsLater: 1,
  wasmBytes: 0,
  gpuBytes: 0,
});

/** Whether it goes on by itself, or will as soon as what it needs is here. */
export const isBusy = ({ state, want }) => state.status === 'running' || (state.status === 'loading' && want !== 'paused');

export function deviceOf({ kind, name, software, probe_error: probeError = null }) {
  return { kind, name, software, probeError };
}

export function errorOf({ code, message, help, step }) {
  return { code, message, help, step };
}

/** Errors after which the worker stands still. */
export const STOPPING = ['diverged', 'fetch', 'bad-file', 'unknown-model', 'unknown-pictures', 'unsupported', 'wrong-hash', 'out-of-space', 'internal'];
export const SUPERSEDED = { code: 'superseded', message: 'Another link was opened.', help: '' };
/** Running would download a model that the person has not asked for. */
export const CONSENT = { code: 'consent', message: 'The model has to be downloaded first.', help: 'Press the button that names its size, or call run({ download: true }).' };

/** The name of a run in the browser's storage. Pages that are not served safely have no `randomUUID`, and no storage either. */
export const newId = () => crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
