// The person's own pictures: taken by the worker, kept in this browser, and opened as the data of a run.

import { html, nothing } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';
import { linkWith, picturesOf } from '../schema.js';
import { demos } from '../demos.js';

/** One whole picture is at most so long where the demo says nothing else. */
const MOST = 512;
/** More files than this are no set of pictures but a disk; folders in folders end somewhere. */
const MOST_FILES = 20_000;
const DEEPEST = 12;
/** Errors with which the worker refuses what was brought. */
const REFUSED = ['bad-file', 'out-of-space', 'internal'];

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

async function hashOf(file) {
  if (!crypto.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  return `sha256:${[...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

export class Pictures {
  /** What was asked for last: `{ files, demo, key, side, most }`; null when it is answered. */
  #asked = null;

  /** `open(link)`, `show(card)`, `refuse(name)`, `clear()` for the bar of what is waited for, and `keep(files)`, answered with their name. */
  constructor(session, does) {
    this.session = session;
    this.does = does;
    session.on('pictures', (taken) => this.#taken(taken));
    session.on('error', ({ code }) => this.busy && REFUSED.includes(code) && this.#forget());
    // Of a worker that is gone nobody gets an answer. One that the graphics card took over from is asked anew; one that
    // died may have died of a picture.
    session.on('device', ({ kind }) => {
      if (this.busy && kind === 'webgpu') this.#send();
      else if (this.busy) this.#forget();
    });
  }

  get busy() {
    return this.#asked !== null;
  }

  /** Has the worker make a set, or one picture, of files. A set that was made before is kept as it is. */
  async bring(files) {
    const { schema } = this.session;
    const own = picturesOf(schema);
    // What the open demo has no use for is opened where the registry says.
    const place = own ? { ...own, demo: schema.demo } : demos.opening('pictures');
    if (!place) return this.does.refuse(files[0].name);
    const asked = { files, ...place, most: Number(schema?.values.size) || MOST };
    if (files.length === 1 && files[0].name.endsWith('.idx')) {
      try {
        const name = await this.does.keep(files);
        // Sets are often of one size, so that a file's own hash is asked where the browser tells it.
        return this.#open(asked, (await hashOf(files[0])) ?? name);
      } catch {
        return; // The worker's error says what is wrong with it.
      }
    }
    this.#asked = asked;
    this.session.state.bringing = true;
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
    this.session.state.bringing = false;
    this.does.clear();
  }

  #taken(taken) {
    // Cancelled meanwhile: the set is kept, and opened when it is asked for.
    if (!this.busy) return;
    const asked = this.#asked;
    this.#forget();
    if (taken.count > 0) this.#open(asked, `sha256:${taken.sha256}`);
    this.does.show(cardOf(taken, asked.side));
  }

  #open({ demo, key }, name) {
    const { schema, state } = this.session;
    this.does.open(linkWith(schema?.demo === demo ? state.link : demo, key, name));
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
    link: true,
    body: leftOut.length
      ? html`<details class="left-out" ?open=${leftOut.length <= 3}>
          <summary>${t('pictures.which')}</summary>
          <ul>
            ${leftOut.map(({ name, code, text }) => html`<li data-code=${code}><b>${name.split('/').at(-1)}</b>: ${t(`left-out.${code}`, {}, text)}</li>`)}
            ${rest > 0 ? html`<li>${t('pictures.more', { count: number(rest) })}</li>` : nothing}
          </ul>
        </details>`
      : nothing,
  };
}
