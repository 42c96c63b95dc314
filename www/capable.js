// What this browser lacks, before a worker is started in vain.

// A module with one function that uses a 128-bit vector: valid only where SIMD is known.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** The name of what is missing (`wasm`, `simd`, `worker`), or null. */
export function missing() {
  if (typeof Worker === 'undefined') return 'worker';
  if (typeof WebAssembly !== 'object' || typeof WebAssembly.validate !== 'function') return 'wasm';
  return WebAssembly.validate(SIMD) ? null : 'simd';
}
