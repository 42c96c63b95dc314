// Serves a built page, for `cargo xtask serve` and the tests: the policy as a header, too, and the same files under a sub-path.

import { createServer } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress } from 'node:zlib';

export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self' https: http://localhost:* http://127.0.0.1:*; worker-src 'self'; base-uri 'none'; form-action 'none'";
const SUB_PATH = '/some/sub/path/';
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json',
  '.wasm': 'application/wasm', '.svg': 'image/svg+xml',
};

/** What pictures and weights would gain by it is nothing. */
const PACKED = /\.(html|m?js|css|json|wasm|svg)$/;
const pack = promisify(brotliCompress);

/** `change(path, body)` may put another body in a file's place. `packed`: with brotli, each file once, as hosts of pages do. */
export function serve(root, port = 0, change = (_, body) => body, address = '127.0.0.1', packed = false) {
  const kept = new Map();
  const server = createServer(async (request, response) => {
    let path = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    if (path.startsWith(SUB_PATH)) path = `/${path.slice(SUB_PATH.length)}`;
    if (path.endsWith('/')) path += 'index.html';
    const file = join(root, normalize(path));
    try {
      if (!file.startsWith(root) || !(await stat(file)).isFile()) throw new Error('no such file');
      let body = await change(path, await readFile(file));
      const small = packed && PACKED.test(path);
      if (small) body = await (kept.get(path) ?? kept.set(path, pack(body)).get(path));
      response.writeHead(200, {
        ...(small ? { 'content-encoding': 'br' } : {}),
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        'content-security-policy': POLICY,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-cache',
      });
      response.end(body);
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain', 'content-security-policy': POLICY }).end('not found');
    }
  });
  return new Promise((resolve) => server.listen(port, address, () => resolve(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('../../dist', import.meta.url));
  await serve(root, Number(process.argv[3] ?? 8123), undefined, process.argv[4]);
}
