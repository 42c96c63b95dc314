// A model server that fails as it is told. `http://host/<mode>/<anything>/<file>` serves the file from the folder it was
// started with; `/hub/<owner>/<name>/resolve/main/<file>` is a hub, whose file may lie in a folder of the repository's name.
// Every request is kept in `server.asked`.
//
// Modes: `plain` (ranges, all right), `noranges`, `truncated` (every answer ends early), `broken` (the connection is cut
// early), `wrong` (one byte is another), `missing` (404), `stalled` (the first answer falls silent half-way; once),
// `silent` (no answer at all, ever), `slow` (a chunk each 50 ms), `busy` (503, twice), `private` (ranges, but nothing is
// exposed to other origins).

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const MODES = ['plain', 'noranges', 'truncated', 'broken', 'wrong', 'missing', 'stalled', 'silent', 'slow', 'busy', 'private'];

// A duration: how slow a slow server is.
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `files`: name to Buffer, before `folder` is looked into. */
export function serveModels({ folder = '.', files = {}, port = 0 } = {}) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://x');
    const name = basename(decodeURIComponent(url.pathname));
    const repository = /^\/hub\/[^/]+\/([^/]+)\/resolve\/main\//.exec(url.pathname)?.[1] ?? '';
    const mode = MODES.find((one) => url.pathname.startsWith(`/${one}/`)) ?? 'plain';
    const times = asked.filter(({ path }) => path === url.pathname).length;
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    asked.push({ path: url.pathname, mode, from, headers: request.headers, method: request.method });
    const open = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'range' };
    if (mode !== 'private') open['access-control-expose-headers'] = 'content-range, etag';
    const end = (status) => response.writeHead(status, { ...open, 'content-type': 'text/plain' }).end(`${status}`);
    if (request.method === 'OPTIONS') return end(204);
    if (mode === 'silent') return undefined;
    if (mode === 'missing') return end(404);
    if (mode === 'busy' && times < 2) return end(503);
    let body;
    try {
      body = files[name] ?? (await readFile(join(folder, repository, name)).catch(() => readFile(join(folder, name))));
    } catch {
      return end(404);
    }
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
    if (mode === 'wrong') {
      body = Buffer.from(body);
      body[Math.floor(body.length / 2)] ^= 1;
    }
    const ranged = mode !== 'noranges' && request.headers.range !== undefined;
    if (ranged && from >= body.length) return response.writeHead(416, { ...open, 'content-range': `bytes */${body.length}` }).end();
    const part = ranged ? body.subarray(from) : body;
    const head = { ...open, etag, 'content-type': 'application/octet-stream', 'cache-control': 'no-store' };
    if (ranged) Object.assign(head, { 'accept-ranges': 'bytes', 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` });
    // A whole answer that is shorter than the file, or one that is shorter than it announced.
    if (mode === 'truncated') {
      const short = part.subarray(0, Math.ceil(body.length / 3));
      return response.writeHead(ranged ? 206 : 200, head).end(short);
    }
    response.writeHead(ranged ? 206 : 200, { ...head, 'content-length': part.length });
    if (mode === 'broken' && times < 2) {
      response.write(part.subarray(0, Math.ceil(body.length / 3)), () => response.destroy());
    } else if (mode === 'stalled' && times < 1) {
      response.write(part.subarray(0, Math.ceil(body.length / 2)));
    } else if (mode === 'slow') {
      const chunk = Math.ceil(body.length / 100);
      for (let at = 0; at < part.length && !response.destroyed; at += chunk) {
        response.write(part.subarray(at, at + chunk));
        await pause(50);
      }
      response.end();
    } else response.end(part);
    return undefined;
  });
  server.asked = asked;
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}
