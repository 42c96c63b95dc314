// The way into the module with threads: of the worker that the page talks to, and, by another name, of each that helps it. The build
// puts it beside the module, where a worker has to lie that fetches the page's files.

// @ts-ignore
import { initSync } from './worker-threads.js';

const HELPER = 'kiln-helper'; // as in src/web/worker.rs

if (self.name === HELPER) self.onmessage = ({ data }) => initSync(data);
else await start(Number(new URLSearchParams(location.search).get('threads')));

async function start(threads) {
  const module = await WebAssembly.compileStreaming(fetch('./worker-threads_bg.wasm'));
  const { memory } = initSync({ module });
  // They end with this worker.
  for (let i = 1; i < threads; i++) {
    new Worker('./worker-threads_loader.js', { type: 'module', name: HELPER }).postMessage({ module, memory });
  }
}
