// A line of text that acts while it is typed: it is sent on Enter, when the field is left, and, where the setting is live, after a
// short pause. Under it stand texts to begin with.

import { html, noChange, nothing } from '../vendor/lit-html.js';
import { t } from '../i18n.js';

/** Whoever types a word makes shorter pauses, in ms. */
const PAUSE = 600;

export class TextField {
  /** What stands in the field while it is written in; null where that is the setting. */
  #draft = null;
  /** What was sent of it last. */
  #sent = '';
  #timer = 0;
  /** An input method is at work: the field is its own. */
  #composing = false;

  /** `does`: `{ change(text), redraw() }`. */
  constructor(does) {
    this.does = does;
    this.value = '';
  }

  /** What was written last was meant for another run. */
  forget() {
    clearTimeout(this.#timer);
    [this.#draft, this.#composing] = [null, false];
  }

  /** `control`: as `controlsOf` gives it. */
  draw(id, value, { key, live, longest, suggestions }, title) {
    this.value = String(value ?? '');
    const shown = this.#draft ?? this.value;
    const offered = suggestions.map((text) => t(`suggestion.${key}.${text}`, {}, text));
    return html`<div class="text-field">
      <input
        id=${id} type="text" autocomplete="off" maxlength=${longest ?? nothing} placeholder=${offered[0] ? t('field.example', { text: offered[0] }) : nothing}
        aria-describedby=${`${id}-limit`} .value=${this.#composing ? noChange : shown}
        @input=${(event) => this.#write(event.target, event.isComposing, live)}
        @compositionend=${(event) => this.#write(event.target, false, live)}
        @keydown=${(event) => this.#key(event)}
        @blur=${() => this.#leave()}
      />
      <button
        type="button" data-do="clear-text" ?hidden=${!shown} aria-label=${t('field.clear', { title })} title=${t('field.clear', { title })}
        @click=${(event) => this.#clear(event.currentTarget)}
      >×</button>
      <p id=${`${id}-limit`} class="limit" role="status">${shown.length >= longest ? t('field.longest', { count: longest }) : nothing}</p>
      ${offered.length
        ? html`<div class="group suggestions" role="group" aria-label=${t('field.suggestions', { title })}>
            ${offered.map((text) => html`<button type="button" @click=${() => this.#put(text)}>${text}</button>`)}
          </div>`
        : nothing}
    </div>`;
  }

  /** Nothing is sent of what an input method is still composing, such as the pinyin of a Chinese word. */
  #write(field, composing, live) {
    clearTimeout(this.#timer);
    if (this.#draft === null) this.#sent = this.value;
    [this.#draft, this.#composing] = [field.value, composing];
    if (composing) return;
    if (live) this.#timer = setTimeout(() => this.#send(), PAUSE);
    this.does.redraw();
  }

  #key(event) {
    // Enter that ends a composition belongs to it; so does the one of keyCode 229 in Safari.
    if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#leave();
  }

  /** Spaces at the ends say nothing: while a word is still to come they stay in the field. */
  #send() {
    clearTimeout(this.#timer);
    const text = this.#draft.trim();
    if (text === this.#sent) return;
    this.#sent = text;
    this.does.change(text);
  }

  /** It is written: from now on the field shows the setting, also where the worker has refused what was written. */
  #leave() {
    if (this.#draft === null) return;
    this.#send();
    this.forget();
    this.does.redraw();
  }

  #put(text) {
    this.forget();
    this.does.change(text);
    this.does.redraw();
  }

  #clear(button) {
    this.#put('');
    button.closest('.text-field').querySelector('input').focus();
  }
}
