// The way into the module with threads: of the worker that the page talks to, which is told how many, and of each that helps it.
// The build puts it beside the module, where a worker has to lie that fetches the page's files.

// @ts-ignore
import { help, initSync } from './worker-threads.js';

const threads = Number(new URLSearchParams(location.search).get('threads'));

if (threads) await start();
else {
  self.onmessage = ({ data }) => {
    initSync(data);
    help();
  };
}

async function start() {
  const module = await WebAssembly.compileStreaming(fetch('./worker-threads_bg.wasm'));
  const { memory } = initSync({ module });
  // They end with this worker.
  for (let i = 1; i < threads; i++) {
    new Worker('./worker-threads_loader.js', { type: 'module', name: 'kiln-helper' }).postMessage({ module, memory });
  }
}
