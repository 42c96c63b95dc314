// Pretrained models as the page knows them: what the manifest offers, what this browser keeps, and where else to look.

import { Emitter } from './emitter.js';
import { within } from './within.js';
import { modelOf } from './schema.js';

const KEY = 'kiln.endpoints';
const MANIFEST = new URL('./weights/models.json', import.meta.url);
const HASHES = 'sha256:';

/** A list of what is kept that has not come by then never will, in ms. */
const PATIENCE = 5_000;

/** Megabytes as a file's seller counts them. */
export const MB = 1e6;

/** Whether a file holds the weights of a model: the others only tell of it. */
export const isWeights = ({ name }) => /\.(gguf|safetensors)$/i.test(name);

/** The one of a model's files that it is called by. */
export const mainOf = (files) => files.find(isWeights) ?? files[0];

export function readEndpoints() {
  try {
    const urls = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(urls) ? urls.filter((url) => typeof url === 'string') : [];
  } catch {
    return [];
  }
}

/** What every worker is told first; its answer is the list of what is kept. */
export const greeting = () => [{ type: 'library', task: { type: 'endpoints', urls: readEndpoints() } }];

/** Emits `change` whenever another answer to `describe` may hold. */
export class Models extends Emitter {
  /** The last `library` event: `{ files, repositories, used, quota, persistent }`, or null before the first. */
  stored = null;
  manifest = [];
  endpoints = readEndpoints();
  /** Models that have been opened in this visit, kept or not. */
  #opened = new Set();
  /** The step at which what is open began: a saved run begins with those that it has. */
  #from;
  #manifest = null;
  /** Who waits for the library's next answer, in turn. */
  #asked = [];
  /** Imports on their way, `{ files, met(stored), resolve, reject, left }`: for what is `left` nobody waits any longer. */
  #imports = [];

  constructor(session) {
    super();
    this.session = session;
    session.on('library', (stored) => this.#arrived(stored));
    session.on('error', (error) => this.#failed(error));
    session.on('reset', () => {
      this.#from = undefined;
      if (this.name !== undefined && !this.#manifest) this.load();
      this.emit('change');
    });
    // Of a worker that is gone nobody gets an answer.
    session.on('device', () => this.#failed({ code: 'ended', message: 'The worker has ended.', help: '' }));
    // Work on what has arrived, or tokens that are written: the model is here, kept or in memory alone.
    session.on('progress', ({ what, bytes }) => what && !bytes && session.state.status === 'loading' && this.#here());
    let before = '';
    session.on('status', ({ status, step }) => {
      // A short answer of a small model is written before any speed is known: steps alone tell of it.
      this.#from ??= step;
      if (step > this.#from) this.#here();
      // Cancelled: what has arrived is kept.
      if (before === 'loading' && status === 'paused') this.ask({ type: 'list' });
      before = status;
    });
  }

  #here() {
    const { name } = this;
    if (name === undefined || this.#opened.has(name)) return;
    this.#opened.add(name);
    this.ask({ type: 'list' });
  }

  /** The pretrained model of the demo that is open; undefined where it has none. */
  get name() {
    const { schema } = this.session;
    const place = modelOf(schema);
    return place && String(schema.values[place.key] ?? '');
  }

  /** The models of the manifest that the demo that is open can take. */
  get offered() {
    const place = modelOf(this.session.schema);
    return this.manifest.filter(({ kind }) => kind === place?.kind);
  }

  /** The manifest, fetched when it is first needed. Where it cannot be, models are known by their names alone. */
  async load() {
    this.#manifest ??= fetch(MANIFEST).then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`${answer.status}`))));
    try {
      this.manifest = (await this.#manifest).models ?? [];
      this.emit('change');
    } catch {
      this.#manifest = null;
    }
  }

  /**
   * `{ title, licence, bytes, here, kept, local, hashed }` of a model: its size (0 where it is not known), how much of it is
   * here, whether all of it is, whether it can come from a file alone, and whether it is known what its files must hash to.
   */
  describe(name = this.name ?? '') {
    const files = this.stored?.files ?? [];
    const known = this.manifest.find(({ id }) => id === name);
    const local = name.startsWith(HASHES);
    const parts = known?.files ?? (local ? name.slice(HASHES.length).split(',').map((sha256) => ({ sha256 })) : [{ source: name.split('#')[0] }]);
    const is = ({ sha256, hub, source = `hub:${hub}` }, file) => (sha256 ? file.sha256 === sha256 : file.sources.includes(source));
    const found = parts.map((part) => files.find((file) => is(part, file)));
    return {
      title: known?.title ?? (local ? (mainOf(found.filter(Boolean))?.name ?? `${name.slice(0, 19)}…`) : name),
      licence: known?.licence ?? '',
      bytes: (known?.files ?? []).reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
      here: found.reduce((sum, file) => sum + (file?.bytes ?? 0), 0),
      kept: this.#opened.has(name) || Boolean(this.stored?.repositories.includes(name)) || found.every((file) => file?.complete),
      local,
      hashed: Boolean(known?.files?.every(({ sha256 }) => sha256)),
    };
  }

  /** Whether running what is open would download a model which nobody has asked for. */
  get missing() {
    return this.name !== undefined && !this.describe().kept;
  }

  /** Whether a run may begin by itself, once it is known what the model's name means and what is kept. */
  async ready() {
    if (this.name === undefined) return true;
    await this.load();
    if (!this.stored) await within(PATIENCE, this.session.once('library')).catch(() => {});
    return !this.missing;
  }

  /** A task for the library: `{ type: 'list' | 'verify' | 'delete' | 'endpoints', ... }`; kept when it is answered. */
  ask(task) {
    // What is fetched again is asked for again.
    if (task.type === 'delete') this.#opened.clear();
    const answer = new Promise((resolve, reject) => this.#asked.push({ resolve, reject }));
    // A refusal is told by a card as well.
    answer.catch(() => {});
    this.session.send({ type: 'library', task });
    return answer;
  }

  /** Keeps a person's own files; answers with their name in links. */
  async import(files) {
    const found = (stored) =>
      files.map(
        (file) =>
          stored.files.find(({ name, bytes, complete }) => complete && name === file.name && bytes === file.size) ??
          stored.files.find(({ bytes, complete }) => complete && bytes === file.size),
      );
    for (const one of this.#imports) this.#leave(one, { code: 'superseded', message: 'Another file was chosen.', help: '' });
    const stored = await new Promise((resolve, reject) => {
      this.#imports.push({ files, met: (now) => found(now).every(Boolean), resolve, reject });
      this.session.send({ type: 'import', files });
    });
    return `${HASHES}${found(stored).map(({ sha256 }) => sha256).join(',')}`;
  }

  /** Whether `what` is a file that is being read; `left`: one that nobody waits for any longer. */
  reads(what, left = false) {
    const its = this.#imports.filter(({ files }) => files.some(({ name }) => name === what));
    return its.length > 0 && its.every((one) => Boolean(one.left) === left);
  }

  /** Nobody waits for the files that are being read. The worker reads them to their end; what it keeps then is deleted. */
  cancelImport() {
    const before = new Set((this.stored?.files ?? []).map(({ sha256 }) => sha256));
    for (const one of this.#imports.filter(({ left }) => !left)) {
      this.#leave(one, { code: 'cancelled', message: 'It was cancelled.', help: '' });
      one.resolve = ({ files }) => {
        const ours = files.filter(({ name, bytes, sha256 }) => !before.has(sha256) && one.files.some((file) => file.name === name && file.size === bytes));
        for (const { sha256 } of ours) this.ask({ type: 'delete', sha256 });
      };
    }
  }

  #leave(one, why) {
    one.left = true;
    one.reject(why);
    one.resolve = () => {};
  }

  setEndpoints(urls) {
    this.endpoints = urls;
    try {
      localStorage.setItem(KEY, JSON.stringify(urls));
    } catch {
      // Not kept; they hold for this visit.
    }
    return this.ask({ type: 'endpoints', urls });
  }

  #arrived(stored) {
    this.stored = stored;
    const met = this.#imports.find((one) => one.met(stored));
    if (met) {
      this.#imports = this.#imports.filter((one) => one !== met);
      met.resolve(stored);
    } else this.#asked.shift()?.resolve(stored);
    this.emit('change');
  }

  #failed(error) {
    for (const { reject } of this.#imports.splice(0)) reject(error);
    for (const { reject } of this.#asked.splice(0)) reject(error);
  }
}
