// The peers' pages: each library in one bundle, since browsers find no packages by name. Only what a page asks for is loaded.

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = { tfjs: '@tensorflow/tfjs-core', jax: '@jax-js/jax', ort: 'onnxruntime-web', wllama: '@wllama/wllama' };

/** Writes `peer.html` and the bundles into a folder. */
export async function bundle(folder) {
  mkdirSync(folder, { recursive: true });
  const version = (name) => JSON.parse(readFileSync(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
  const versions = Object.fromEntries(Object.entries(PACKAGES).map(([library, name]) => [library, version(name)]));
  await build({
    entryPoints: Object.keys(PACKAGES).map((library) => join(here, 'peers', `${library}.js`)),
    outdir: folder,
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    // onnxruntime-web otherwise carries the path of its module inside the bundle.
    conditions: ['import', 'browser', 'onnxruntime-web-use-extern-wasm'],
    define: { VERSIONS: JSON.stringify(versions), global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    // Node's own, in branches that a browser does not take.
    external: ['crypto', 'fs', 'node-fetch', 'os', 'path', 'perf_hooks', 'string_decoder', 'util', 'worker_threads'],
  });
  copyFileSync(join(here, 'peers/peer.html'), join(folder, 'peer.html'));
}
