// Cards: what the person should read, what to do about it, and a report that can be pasted into an issue.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, has, language } from './i18n.js';

const MOST = 4;
const NOTE_STAYS = 15_000;

/** Buttons that a card may offer, by name; `main.js` says what they do. */
export class Cards {
  #cards = [];
  #log = [];

  /** `describe()` gives the lines about the run that a report begins with. */
  constructor(element, { describe }) {
    this.element = element;
    this.describe = describe;
  }

  /**
   * `{ key, kind: 'note'|'warn'|'error', title, text, help, body, detail, actions: [[label, fn]], stay, link }`.
   * A card with the same `key` takes the place of the earlier one; `link` cards go when another link is opened.
   */
  show(card) {
    this.#log = [...this.#log, `${new Date().toISOString()} ${card.key}: ${card.text ?? card.title} ${card.detail ?? ''}`].slice(-20);
    clearTimeout(this.#cards.find(({ key }) => key === card.key)?.timer);
    const others = this.#cards.filter(({ key }) => key !== card.key);
    this.#cards = [...others, card].slice(-MOST);
    if (card.kind === 'note' && !card.stay) card.timer = setTimeout(() => this.#leave(card), NOTE_STAYS);
    this.render();
  }

  dismiss(key) {
    this.#cards = this.#cards.filter((card) => card.key !== key);
    this.render();
  }

  /** Another link is opened: what was said about the last one no longer holds. */
  clearLink() {
    this.#cards = this.#cards.filter(({ link }) => !link);
    this.render();
  }

  // A card that is being read stays until it is not.
  #leave(card) {
    const element = this.element.querySelector(`[data-key="${CSS.escape(card.key)}"]`);
    if (element?.matches(':hover, :focus-within')) card.timer = setTimeout(() => this.#leave(card), NOTE_STAYS);
    else this.dismiss(card.key);
  }

  render() {
    render(
      this.#cards.map(
        (card) => html`<section class="card ${card.kind}" data-key=${card.key} role=${card.kind === 'error' ? 'alert' : 'status'}>
          <div class="card-head">
            <strong>${card.title}</strong>
            <button type="button" class="close" aria-label=${t('card.dismiss')} @click=${() => this.dismiss(card.key)}>×</button>
          </div>
          ${card.text ? html`<p>${card.text}</p>` : nothing} ${card.help ? html`<p>${card.help}</p>` : nothing} ${card.body ?? nothing}
          <div class="card-foot">
            ${(card.actions ?? []).map(
              ([label, act]) => html`<button type="button" @click=${() => (this.dismiss(card.key), act())}>${label}</button>`,
            )}
            ${card.kind === 'note'
              ? nothing
              : html`<button type="button" class="quiet" @click=${(event) => this.#copy(card, event.target)}>${t('card.report')}</button>`}
          </div>
        </section>`,
      ),
      this.element,
    );
  }

  async #copy(card, button) {
    const lines = [`Kiln: ${card.key}`, card.text ?? card.title, card.detail ?? '', '', ...this.describe(), '', ...this.#log];
    button.textContent = t((await copy(lines.join('\n'))) ? 'copied' : 'copy-failed');
  }
}

/** Puts text on the clipboard; answers false where the browser does not allow it. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Older browsers and frames without the permission still know this one.
    const area = Object.assign(document.createElement('textarea'), { value: text, className: 'off-screen' });
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** The worker's own words where the page is English; the page's words for its stable code otherwise. */
export function cardOfError({ code, message, help, step }) {
  const args = { step, message };
  const foreign = language !== 'en' && has(`error.${code}.text`);
  return {
    key: `error-${code}`,
    kind: code === 'bad-command' ? 'warn' : 'error',
    title: t(`error.${code}`, args, t('error')),
    text: foreign ? t(`error.${code}.text`, args) : message,
    help: foreign ? t(`error.${code}.help`, args, '') : help,
    detail: message,
    link: true,
  };
}

export function cardOfNote({ code, text, args }) {
  const plain = args instanceof Map ? Object.fromEntries(args) : (args ?? {});
  return {
    key: `note-${code}-${Object.values(plain)[0] ?? ''}`,
    kind: 'note',
    title: t(`note.${code}.title`, plain, t('note')),
    text: t(`note.${code}`, plain, text),
    stay: true,
    link: true,
  };
}

/** Kinds of the session's cards; all others are notes. */
export const KINDS = { unreachable: 'error', stopped: 'error', 'moved-to-cpu': 'warn', 'restart-failed': 'warn', 'wrong-arithmetic': 'warn', 'part-missing': 'warn', slow: 'warn' };

/** What whoever reports a fault tells with it. */
export const describe = ({ device, demo, step, link, status }) => [
  `link: ${link}`, `demo: ${demo}, step ${step}, ${status}`, `device: ${device?.kind ?? 'none'} ${device?.name ?? ''}`,
  `browser: ${navigator.userAgent}`, `page: ${location.href}`,
];
