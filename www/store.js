// The last good checkpoint of each of the last few links, in the browser's private file system (OPFS).
//
// A torn write is never read: bytes go to the one of two files that is not pointed to, and only then a small pointer file
// is replaced. Where there is no OPFS (private windows, sandboxed frames) `persistent` turns false and nothing is kept.

const FOLDER = 'kiln-runs';
const KEEP = 4;

/** FNV-1a: names a file after its link; the link itself stands in the pointer and is compared. */
function fileName(link) {
  let hash = 0x811c9dc5;
  for (const char of link) hash = Math.imul(hash ^ char.codePointAt(0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

async function write(folder, name, data) {
  const file = await folder.getFileHandle(name, { create: true });
  const stream = await file.createWritable();
  await stream.write(data);
  await stream.close();
}

export class Store {
  persistent = true;
  #folder = null;
  #queue = Promise.resolve(true);
  #pending = 0;
  #lastCost = 0;
  #lastWrite = 0;

  async #open() {
    if (!this.persistent) return null;
    try {
      const root = await navigator.storage.getDirectory();
      this.#folder ??= await root.getDirectoryHandle(FOLDER, { create: true });
      return this.#folder;
    } catch {
      this.persistent = false;
      return null;
    }
  }

  async #pointer(folder, link) {
    try {
      const file = await (await folder.getFileHandle(`${fileName(link)}.json`)).getFile();
      const pointer = JSON.parse(await file.text());
      return pointer.link === link ? pointer : null;
    } catch {
      return null;
    }
  }

  /** Keeps a checkpoint; answers false where it was not kept. Large runs are written less often: a tenth of the time at most. */
  async save({ link, step, bytes }) {
    const now = performance.now();
    if (this.#pending > 0 || now - this.#lastWrite < 10 * this.#lastCost) return false;
    this.#pending += 1;
    const saved = this.#queue.then(() => this.#save(link, step, bytes)).catch(() => false);
    this.#queue = saved;
    const kept = await saved;
    this.#pending -= 1;
    this.#lastWrite = performance.now();
    this.#lastCost = this.#lastWrite - now;
    return kept;
  }

  async #save(link, step, bytes) {
    const folder = await this.#open();
    if (!folder) return false;
    const before = await this.#pointer(folder, link);
    const name = fileName(link);
    const file = `${name}-${before?.file?.endsWith('-a.safetensors') ? 'b' : 'a'}.safetensors`;
    try {
      await write(folder, file, bytes);
      await write(folder, `${name}.json`, JSON.stringify({ link, step, file, length: bytes.byteLength, at: Date.now() }));
    } catch {
      // A full disk, or a browser that cannot write from a page: memory has to do.
      this.persistent = false;
      return false;
    }
    if (!before) await this.#prune(folder).catch(() => {});
    return true;
  }

  /** The checkpoint of a link, or null: `{ link, step, bytes }`. */
  async load(link) {
    const folder = await this.#open();
    const pointer = folder && (await this.#pointer(folder, link));
    if (!pointer) return null;
    try {
      const file = await (await folder.getFileHandle(pointer.file)).getFile();
      if (file.size !== pointer.length) return null;
      return { link, step: pointer.step, bytes: new Uint8Array(await file.arrayBuffer()) };
    } catch {
      return null;
    }
  }

  async forget(link) {
    const folder = await this.#open();
    await folder?.removeEntry(`${fileName(link)}.json`).catch(() => {});
  }

  async #prune(folder) {
    const pointers = [];
    for await (const [name, handle] of folder.entries()) {
      if (name.endsWith('.json')) pointers.push([name, JSON.parse(await (await handle.getFile()).text()).at ?? 0]);
    }
    pointers.sort((a, b) => b[1] - a[1]);
    for (const [name] of pointers.slice(KEEP)) {
      const stem = name.slice(0, -5);
      for (const gone of [name, `${stem}-a.safetensors`, `${stem}-b.safetensors`]) {
        await folder.removeEntry(gone).catch(() => {});
      }
    }
  }
}
