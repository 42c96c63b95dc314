// The last checkpoint of each of the last runs, in the browser's private file system (OPFS).
//
// A run has an id of its own, so that neither a slider that changes its link nor another run of the same link replaces it. A torn
// write is never read: bytes go to the one of two files that is not pointed to, and only then a small pointer file is replaced.
// Where there is no OPFS (private windows, sandboxed frames), or where it does not answer, `persistent` turns false and the last
// runs are kept in memory.

import { within } from './within.js';

const FOLDER = 'kiln-runs';
/** Runs that are kept, and their bytes. Those that another run of the same link has passed go first, then the oldest. */
const KEEP = 24;
const KEEP_BYTES = 400 * 1024 * 1024;
const MEMORY_RUNS = 4;
const MEMORY_BYTES = 64 * 1024 * 1024;
/** Storage that has not answered by then never will, in ms. */
const PATIENCE = 5_000;

async function write(folder, name, data) {
  const file = await folder.getFileHandle(name, { create: true });
  const stream = await file.createWritable();
  await stream.write(data);
  await stream.close();
}

const pointerOf = ({ id, demo, origin, link, altered, step, bytes }, file) => ({ id, demo, origin, link, altered, step, file, length: bytes.byteLength, at: Date.now() });

/** Which of `pointers` have to go, so that the others fit: never `id`. */
export function surplus(pointers, id) {
  const passed = (one) => pointers.some((other) => other !== one && other.origin === one.origin && other.step >= one.step && other.at > one.at);
  const rank = (one) => (one.id === id ? 2 : passed(one) ? 0 : 1);
  const order = [...pointers].sort((a, b) => rank(a) - rank(b) || a.at - b.at);
  // Two files each: the one that is pointed to, and the one before it.
  let bytes = pointers.reduce((sum, { length = 0 }) => sum + 2 * length, 0);
  const gone = [];
  while (order.length > 1 && (order.length > KEEP || bytes > KEEP_BYTES)) {
    const [one] = order.splice(0, 1);
    bytes -= 2 * (one.length ?? 0);
    gone.push(one);
  }
  return gone;
}

export class Store {
  persistent = true;
  /** Whether there is a folder to read from; a disk that is full is still read. */
  #there = true;
  #folder = null;
  /** The last checkpoints as they came, by id: newest last. */
  #memory = new Map();
  /** Checkpoints that wait to be written, by id, and who waits for each. */
  #waiting = new Map();
  #writing = false;
  #hurry = () => {};
  #restUntil = 0;

  async #open() {
    if (!this.#there) return null;
    try {
      this.#folder ??= await within(
        PATIENCE,
        navigator.storage.getDirectory().then((root) => root.getDirectoryHandle(FOLDER, { create: true })),
      );
      return this.#folder;
    } catch {
      this.persistent = this.#there = false;
      return null;
    }
  }

  /**
   * Keeps `{ id, demo, origin, link, altered, step, bytes }`. Answers `kept`; `behind` where more steps of this run are kept already
   * (another tab goes on with it), which stay; `replaced` where a newer checkpoint was to be written first; or `failed`.
   * Large runs are written less often, a tenth of the time at most, unless it is `urgent`: nothing that was taken stays unwritten.
   */
  save(run, urgent = false) {
    this.#remember(run);
    this.#waiting.get(run.id)?.done('replaced');
    return new Promise((done) => {
      this.#waiting.set(run.id, { run, urgent, done });
      if (urgent) this.#hurry();
      if (!this.#writing) this.#drain();
    });
  }

  async #drain() {
    this.#writing = true;
    while (this.#waiting.size) {
      const rest = this.#restUntil - performance.now();
      if (rest > 0 && ![...this.#waiting.values()].some(({ urgent }) => urgent)) {
        await new Promise((go) => {
          this.#hurry = () => go(null);
          setTimeout(this.#hurry, rest);
        });
      }
      const [id, { run, done }] = [...this.#waiting].sort(([, a], [, b]) => Number(b.urgent) - Number(a.urgent))[0];
      this.#waiting.delete(id);
      const from = performance.now();
      const answer = await within(4 * PATIENCE, this.#write(run)).catch(() => {
        // A full disk, or a browser that cannot write from a page: memory has to do.
        this.persistent = false;
        return 'failed';
      });
      this.#restUntil = performance.now() + 9 * (performance.now() - from);
      done(answer);
    }
    this.#writing = false;
  }

  async #write(run) {
    const folder = this.persistent && (await this.#open());
    if (!folder) return 'failed';
    const before = await this.#pointer(folder, run.id);
    if (before && before.step > run.step) return 'behind';
    const file = `${run.id}-${before?.file?.endsWith('-a.safetensors') ? 'b' : 'a'}.safetensors`;
    await write(folder, file, run.bytes);
    await write(folder, `${run.id}.json`, JSON.stringify(pointerOf(run, file)));
    if (!before) await this.#prune(folder, run.id).catch(() => {});
    return 'kept';
  }

  #remember(run) {
    this.#memory.delete(run.id);
    this.#memory.set(run.id, { ...run, at: Date.now() });
    const bytes = () => [...this.#memory.values()].reduce((sum, { bytes: { byteLength } }) => sum + byteLength, 0);
    while (this.#memory.size > 1 && (this.#memory.size > MEMORY_RUNS || bytes() > MEMORY_BYTES)) this.#memory.delete(this.#memory.keys().next().value);
  }

  async #pointer(folder, id) {
    try {
      const file = await (await folder.getFileHandle(`${id}.json`)).getFile();
      const pointer = JSON.parse(await file.text());
      // Written before runs had ids: the file was named after the link.
      const { link, demo = String(link).split('?')[0], origin = link } = pointer;
      return Number.isFinite(pointer.step) && typeof link === 'string' ? { ...pointer, id, demo, origin } : null;
    } catch {
      return null;
    }
  }

  async #pointers(folder) {
    const pointers = [];
    for await (const name of folder.keys()) {
      if (name.endsWith('.json')) pointers.push(await this.#pointer(folder, name.slice(0, -5)));
    }
    return pointers.filter(Boolean);
  }

  /** What is kept: `{ id, demo, origin, link, altered, step, at }` of each run. `origin` is the link that the run began with. */
  async list() {
    const kept = new Map([...this.#memory].map(([id, run]) => [id, run]));
    const folder = await this.#open();
    const pointers = folder ? await within(PATIENCE, this.#pointers(folder)).catch(() => []) : [];
    for (const pointer of pointers) if (!kept.has(pointer.id)) kept.set(pointer.id, pointer);
    return [...kept.values()];
  }

  /** A run's checkpoint, or null: `{ id, demo, origin, link, altered, step, bytes }`. */
  async load(id) {
    const recent = this.#memory.get(id);
    const folder = await this.#open();
    try {
      const pointer = folder && (await within(PATIENCE, this.#pointer(folder, id)));
      // Another tab may have gone further with it.
      if (!pointer || (recent && recent.step >= pointer.step)) return recent ?? null;
      const bytes = await within(
        PATIENCE,
        (async () => {
          const file = await (await folder.getFileHandle(pointer.file)).getFile();
          return file.size === pointer.length ? new Uint8Array(await file.arrayBuffer()) : null;
        })(),
      );
      return bytes ? { ...pointer, bytes } : (recent ?? null);
    } catch {
      return recent ?? null;
    }
  }

  async forget(id) {
    this.#memory.delete(id);
    const folder = await this.#open();
    if (folder) await this.#remove(folder, id).catch(() => {});
  }

  async #remove(folder, id) {
    for (const gone of [`${id}.json`, `${id}-a.safetensors`, `${id}-b.safetensors`]) await folder.removeEntry(gone).catch(() => {});
  }

  async #prune(folder, id) {
    for (const { id: gone } of surplus(await this.#pointers(folder), id)) await this.#remove(folder, gone);
  }
}
