// The way into the module with threads: of the worker that the page talks to, and, by another name, of each that helps it.

import { initSync } from '../worker-threads.js';
import { threads } from './capable.js';

const HELPER = 'kiln-helper'; // as in src/web/worker.rs

if (self.name === HELPER) self.onmessage = ({ data }) => initSync(data);
else await start();

async function start() {
  const module = await WebAssembly.compileStreaming(fetch(new URL('../worker-threads_bg.wasm', import.meta.url)));
  const { memory } = initSync({ module });
  // They end with this worker.
  for (let i = 1; i < threads(); i++) {
    new Worker(import.meta.url, { type: 'module', name: HELPER }).postMessage({ module, memory });
  }
}
