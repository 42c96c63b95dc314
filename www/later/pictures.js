// The person's own pictures: taken by the worker, kept in this browser, and opened as the data of a run.

import { html, nothing } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';
import { linkOf, picturesOf } from '../schema.js';

/** The demo for pictures that the open one has no use for, and how it takes them. */
const DEMO = 'vae';
const FIELD = { key: 'data', side: 32 };
/** One whole picture is at most so long where the demo says nothing else. */
const MOST = 512;
/** More files than this are no set of pictures but a disk; folders in folders end somewhere. */
const MOST_FILES = 20_000;
const DEEPEST = 12;

/** The files in folders that were dropped, folders in them included: as many as a set may have. */
export async function filesIn(entries, found = [], depth = 0) {
  for (const entry of entries) {
    if (found.length >= MOST_FILES || depth > DEEPEST) break;
    if (entry.isFile) found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    else await filesIn(await listed(entry), found, depth + 1);
  }
  return found;
}

/** What lies in a folder: the browser gives it out a hundred at a time. */
async function listed(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length || all.length >= MOST_FILES) return all;
    all.push(...some);
  }
}

export class Pictures {
  /** What was asked for last: `{ files, demo, key, side, most }`; null when it is answered. */
  #asked = null;

  /** `open(link)`, `show(card)`, and `clear()` for the bar of what is waited for. */
  constructor(session, { open, show, clear }) {
    this.session = session;
    this.does = { open, show, clear };
    session.on('pictures', (taken) => this.#taken(taken));
    // Of a worker that is gone nobody gets an answer. One that the graphics card took over from is asked anew; one that
    // died may have died of a picture.
    session.on('device', ({ kind }) => {
      if (this.#asked && kind === 'webgpu') this.#send();
      else if (this.#asked) this.#forget();
    });
  }

  get busy() {
    return this.#asked !== null;
  }

  /** Has the worker make a set, or one picture, of files. */
  bring(files) {
    const { schema } = this.session;
    const field = picturesOf(schema);
    this.#asked = { files, demo: field ? schema.demo : DEMO, ...(field ?? FIELD), most: Number(schema?.values.size) || MOST };
    this.#send();
  }

  cancel() {
    this.session.send({ type: 'pictures-cancel' });
    this.#forget();
  }

  #send() {
    const { files, side, most } = this.#asked;
    this.session.send(side > 0 ? { type: 'pictures', files, side } : { type: 'pictures', files, most });
  }

  #forget() {
    this.#asked = null;
    this.does.clear();
  }

  #taken(taken) {
    // Cancelled meanwhile: the set is kept, and opened when it is asked for.
    if (!this.#asked) return;
    const { demo, key, side } = this.#asked;
    this.#forget();
    this.does.show(cardOf(taken, side));
    if (taken.count === 0) return;
    const { schema } = this.session;
    const values = schema?.demo === demo ? schema.values : {};
    this.does.open(linkOf(demo, { ...values, [key]: `sha256:${taken.sha256}` }));
  }
}

function cardOf({ count, left_out: leftOut, left_out_in_all: all }, side) {
  const rest = all - leftOut.length;
  const said = count === 0 ? 'none' : side > 0 ? 'taken' : 'one';
  return {
    key: 'pictures',
    kind: count === 0 ? 'warn' : 'note',
    title: t(`pictures.${said}`, { count: number(count) }),
    text: all > 0 ? t('pictures.left-out', { count: number(all) }) : count > 0 ? t('pictures.private') : t('pictures.nothing'),
    detail: leftOut.slice(0, 5).map(({ name, code }) => `${name}: ${code}`).join(', '),
    stay: true,
    body: leftOut.length
      ? html`<details class="left-out" ?open=${leftOut.length <= 3}>
          <summary>${t('pictures.which')}</summary>
          <ul>
            ${leftOut.map(({ name, code, text }) => html`<li><b>${name.split('/').at(-1)}</b> ${t(`left-out.${code}`, {}, text)}</li>`)}
            ${rest > 0 ? html`<li>${t('pictures.more', { count: number(rest) })}</li>` : nothing}
          </ul>
        </details>`
      : nothing,
  };
}
