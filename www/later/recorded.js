// What a pretrained model did in this page, shown before it is downloaded. No worker knows of a recording: panels of its own draw it in the place
// of the run's, and what the person does there needs the model, unless the answer was recorded, too.

import { t, language } from '../i18n.js';
import { Emitter } from '../emitter.js';
import { Panels } from '../panels.js';
import { size } from '../consent.js';

const FOLDER = new URL('./recorded/', import.meta.url);

/** A file of `xtask/data/record.mjs`: JSON in which bytes are `{ base64 }`. */
async function read(name) {
  const answer = await fetch(new URL(`${name}.json`, FOLDER));
  if (!answer.ok) throw new Error(`${name}.json: ${answer.status}`);
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return JSON.parse(await answer.text(), (_, value) => (typeof value?.base64 === 'string' ? bytes(value.base64) : value));
}

/** Whether what is open asks for nothing of its own: each setting in `when` has one of its values. */
const fits = (when, values) => Boolean(when) && Object.entries(when).every(([key, wanted]) => wanted.includes(values[key]));

/** The action that looks at a token. */
const LOOKS = 'choose';

/** What the panels of a recording have for a session. */
class Playback extends Emitter {
  /** Not paused: why the model stopped, and what a press would do, is the run's. */
  state = { status: 'idle' };
  phase = { is: () => false };

  /** `look()`: another token is looked at; `refuse()`: something needs the model. */
  constructor(schema, recording, { look, refuse }) {
    super();
    this.recording = recording;
    this.schema = { ...schema, values: { ...schema.values, ...recording.values } };
    this.does = { look, refuse };
  }

  async set(key, value) {
    const { panels } = this.recording;
    if (panels.some(({ id }) => id === key)) {
      this.schema.values[key] = value;
      this.emit('schema', this.schema);
    } else if (key === 'head') {
      // All heads of the layer are recorded.
      for (const view of panels.flatMap(({ views }) => views)) if (key in view) view[key] = value;
    } else this.does.refuse();
  }

  async act(name, { token = null } = {}) {
    if (name !== LOOKS) return this.does.refuse();
    const { panels } = this.recording;
    const recorded = panels.flatMap(({ views }) => views).some(({ chosen }) => chosen === token);
    // Its card is drawn from the text. What stands beside the text is of the recorded token.
    const beside = panels.some(({ id }) => this.schema.values[id] === true);
    this.does.look(token === null || recorded || !beside);
  }
}

export class Recorded {
  #list = null;
  /** The demo whose recording is shown, or on its way; and what changes with each try. */
  #demo = '';
  #turn = {};
  #waits = false;
  /** `{ demo, element, panels, recording, run }`: the last is the element that it stands in for. */
  #shown = null;
  #language = '';

  constructor(session, models, consent) {
    this.session = session;
    this.models = models;
    this.consent = consent;
    this.said = Object.assign(document.createElement('p'), { className: 'recording' });
    this.note = Object.assign(document.createElement('p'), { className: 'recording note' });
    // There before they say anything, or screen readers would not tell it.
    for (const line of [this.said, this.note]) line.setAttribute('role', 'status');
    document.getElementById('panels').before(this.said, this.note);
  }

  /** Shows the recording that fits what is open, where its model `waits` to be asked for; else the run. */
  async show(waits) {
    this.#waits = waits;
    if (waits && !this.#list) {
      this.#list = {};
      this.#list = await read('list').catch(() => ({}));
    }
    const { demo = '', values } = this.session.schema ?? {};
    const wanted = this.#waits && fits(this.#list?.[demo], values) ? demo : '';
    if (wanted !== this.#demo) this.#change(wanted);
    else if (this.#shown && this.#language !== language) this.#retitle();
  }

  async #change(demo) {
    this.#leave();
    this.#demo = demo;
    const turn = (this.#turn = {});
    if (!demo) return;
    const shown = await this.#open(demo).catch(() => null);
    // Where it cannot be fetched the run is shown, as before.
    if (shown && turn === this.#turn) this.#enter(shown);
  }

  /** The panels of a recording, drawn; nothing where what draws them cannot be fetched. */
  async #open(demo) {
    const recording = await read(demo);
    const element = Object.assign(document.createElement('div'), { id: 'panels', className: 'recorded' });
    const playback = new Playback(this.session.schema, recording, {
      look: (recorded) => this.#tell(recorded ? '' : `${demo}.recording.choose`),
      refuse: () => {
        this.#needs();
        this.#draw();
      },
    });
    const panels = new Panels(element, playback, () => ({ consent: { open: true, ask: () => this.#needs() } }));
    const shown = { demo, element, panels, recording, run: document.getElementById('panels') };
    await this.#draw(shown);
    return [...panels.tiles.values()].some(({ parts }) => parts.size) ? shown : null;
  }

  /** Draws it as it was recorded: whatever was turned or painted goes with its tile. */
  #draw({ demo, panels, recording } = this.#shown) {
    for (const name of ['', demo]) panels.reset({ keepTo: -1, demo: name });
    return panels.update(recording);
  }

  #enter(shown) {
    this.#shown = shown;
    swap(shown.run, shown.element);
    this.#retitle();
  }

  #leave() {
    if (!this.#shown) return;
    const { element, panels, run } = this.#shown;
    this.#shown = null;
    this.said.textContent = this.note.textContent = '';
    swap(element, run);
    panels.reset({ keepTo: -1, demo: '' });
  }

  #retitle() {
    const { demo, element, panels, recording } = this.#shown;
    const { title, bytes } = this.models.describe();
    this.#language = language;
    // Shown in the head of each tile: it may be looked at without the line above.
    element.style.setProperty('--recorded', JSON.stringify(t('recording.tag')));
    panels.retitle();
    this.said.textContent = t(`${demo}.recording`, { ...recording.values, model: title.split(',')[0], size: size(bytes) });
    this.#tell('');
  }

  #tell(key) {
    this.note.textContent = key && t(key);
  }

  /** Leads to the button that downloads the model. */
  #needs() {
    this.#tell('recording.needs');
    this.consent.ask();
  }
}

/** Puts one in the place of the other, with what the page says there while nothing is open, and with what the person has begun to write. */
function swap(before, after) {
  before.replaceWith(after);
  after.append(document.getElementById('starting') ?? before.querySelector('#starting'));
  const [draft, field] = [before, after].map((element) => element.querySelector('textarea'));
  if (draft?.value && field) field.value = draft.value;
}
