// What this browser lacks, before a worker is started in vain.

import { how } from './query.js';

// A module with one function that uses a 128-bit vector: valid only where SIMD is known.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** More are seldom faster: networks are small. */
const MOST = 8;

/** The name of what is missing (`wasm`, `simd`, `worker`), or null. */
export function missing() {
  if (typeof Worker === 'undefined') return 'worker';
  if (typeof WebAssembly !== 'object' || typeof WebAssembly.validate !== 'function') return 'wasm';
  return WebAssembly.validate(SIMD) ? null : 'simd';
}

/** Starts with threads that came to nothing, after which this browser gets none: where it takes the tab with it, nobody else can tell. */
const TRIES = 3;
const KEY = 'kiln.threads';

const failures = () => {
  try {
    const [browser, times] = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return browser === navigator.userAgent ? Number(times) : 0;
  } catch {
    return 0;
  }
};

/** `trying` before a start with threads; once it stands, not any more. */
export function rememberThreads(trying) {
  try {
    if (trying) localStorage.setItem(KEY, JSON.stringify([navigator.userAgent, failures() + 1]));
    else localStorage.removeItem(KEY);
  } catch {
    // No storage: each visit tries.
  }
}

// Rust's futures wait by waitAsync where memory is shared. `?threads=1` asks for one.
function able() {
  const refused = how.threads === '1' || failures() >= TRIES;
  return !refused && 'waitAsync' in Atomics ? Math.min(navigator.hardwareConcurrency || 1, MOST) : 1;
}

/** Threads that a model on the CPU has: several only where the page may share memory between them. */
export const threads = () => (globalThis.crossOriginIsolated ? able() : 1);

/**
 * Sees to it that it may from the next visit on, where the host does not, and gives the threads that there will be then. In a frame
 * it is for the page around it to allow.
 */
export async function threadsLater() {
  if (globalThis.crossOriginIsolated || window.top !== window || able() === 1) return 1;
  try {
    // One that is here already has not helped: the host forbids it.
    const helpless = navigator.serviceWorker.controller;
    await navigator.serviceWorker.register(new URL('./service-worker.js', document.baseURI));
    return helpless ? 1 : able();
  } catch {
    // A private window, a host without https: everything is as it was.
    return 1;
  }
}
