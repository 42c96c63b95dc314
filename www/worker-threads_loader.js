// The way into a module with threads: of the worker that the page talks to, which is told how many, and of each that helps it.
// The build puts one beside each such module, where a worker has to lie that fetches the page's files, with the module's name in
// the place of `worker-threads`.

// @ts-ignore
import { help, initSync, lost } from './worker-threads.js';

const threads = Number(new URLSearchParams(location.search).get('threads'));

if (threads) {
  // Not every browser tells of a module that fails while it waits.
  await start().catch((error) => postMessage({ type: 'panic', message: String(error) }));
} else {
  self.onmessage = ({ data }) => {
    initSync(data);
    try {
      help();
    } catch (error) {
      lost();
      throw error;
    }
  };
}

async function start() {
  const module = await WebAssembly.compileStreaming(fetch('./worker-threads_bg.wasm'));
  const { memory } = initSync({ module });
  // They end with this worker.
  for (let i = 1; i < threads; i++) {
    const helper = new Worker('./worker-threads_loader.js', { type: 'module', name: 'kiln-helper' });
    // What it leaves undone is noticed where it is missed; without any everything goes on.
    helper.onerror = (event) => event.preventDefault();
    helper.postMessage({ module, memory });
  }
}
