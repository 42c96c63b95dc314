// A page of another origin drives the one in its frame by messages, with the verbs of `window.kiln`. Only the origin that the address
// names is heard and answered.
//
// To Kiln: `{ kiln: 1, id, verb, args }`. From Kiln: `{ kiln: 1, id, value }` or `{ kiln: 1, id, error: { code, message, help } }`, and
// `{ kiln: 1, event, value }`: `hello` when it listens, and what was asked for with the verb `on`.

import { t } from '../i18n.js';

/** What a message has that is meant for Kiln, or comes from it. */
const VERSION = 1;
const VERBS = ['open', 'run', 'pause', 'step', 'set', 'act', 'checkpoint', 'load'];
const READ = ['ready', 'state', 'schema', 'values', 'metrics'];
const EVENTS = ['state', 'status', 'views', 'schema', 'link', 'note', 'error', 'progress', 'device', 'checkpoint', 'kept'];

export class Bridge {
  /** Events that are told, by name: what ends that. */
  #told = new Map();
  /** Whether a message has come. */
  heard = false;

  /** `element`: where the page says who has a hand in it. */
  constructor(element, kiln, origin) {
    this.element = element;
    this.kiln = kiln;
    this.origin = origin;
    addEventListener('message', (event) => {
      if (event.origin === origin && event.source === parent) this.#hear(Object(event.data));
    });
  }

  show() {
    this.#post({ event: 'hello' });
  }

  /** Who has a hand in the page is said as soon as it has. */
  render() {
    this.element.hidden = !this.heard;
    this.element.textContent = t('bridge.who', { origin: this.origin });
  }

  #post(message) {
    parent.postMessage({ kiln: VERSION, ...message }, this.origin);
  }

  async #hear({ kiln, id, verb, args = [] }) {
    if (kiln !== VERSION) return;
    if (!this.heard) {
      this.heard = true;
      this.render();
    }
    try {
      this.#post({ id, value: await this.#answer(String(verb), [...args]) });
    } catch (error) {
      // What a browser throws by itself has a number there, or nothing.
      const { code, message = '', help = '' } = Object(error);
      this.#post({ id, error: { code: typeof code === 'string' ? code : 'bad-command', message: String(message), help: String(help) } });
    }
  }

  #answer(verb, args) {
    if (VERBS.includes(verb)) return this.kiln[verb](...args);
    if (READ.includes(verb)) return this.kiln[verb];
    if (verb === 'on') return this.#tell(String(args[0]));
    if (verb === 'off') return this.#told.get(String(args[0]))?.(), void this.#told.delete(String(args[0]));
    throw refusal(`There is no verb "${verb}".`, [...VERBS, ...READ, 'on', 'off']);
  }

  #tell(event) {
    if (!EVENTS.includes(event)) throw refusal(`There is no event "${event}".`, EVENTS);
    if (!this.#told.has(event)) this.#told.set(event, this.kiln.on(event, (value) => this.#post({ event, value: event === 'state' ? this.kiln.state : value })));
  }
}

const refusal = (message, all) => ({ code: 'bad-command', message, help: `There are: ${all.join(', ')}.` });
