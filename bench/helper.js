// A thread that helps Kiln's module: it shares its memory, and stays in Rust.

import { help, initSync } from './pkg/threads/kiln_bench.js';

self.onmessage = ({ data }) => {
  initSync(data);
  help();
};
