// Where the person writes to a language model: a field, and what can be done about the answer.

import { html, nothing, render } from '../vendor/lit-html.js';
import { t } from '../i18n.js';
import { offers } from '../schema.js';

export class Composer {
  /** `text`: the view that it writes for, `{ tokens, written, follow }`. */
  constructor(session, consent, text) {
    this.session = session;
    this.consent = consent;
    this.text = text;
    this.element = document.createElement('form');
    this.element.className = 'composer';
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      // One button for both, so that the focus stays on it.
      if (this.#busy()) this.session.pause().catch(() => {});
      else this.#send();
    });
  }

  #busy() {
    return ['running', 'loading'].includes(this.session.state.status);
  }

  get field() {
    return this.element.querySelector('textarea');
  }

  /** Nothing is downloaded that was not asked for: first the person sees what it weighs. */
  #asks() {
    if (this.consent.open) this.consent.ask();
    return this.consent.open;
  }

  /** What is done to the text, and then the model goes on. */
  #act(name, args) {
    if (this.#asks()) return;
    this.text.follow(true);
    this.session.act(name, args);
    this.session.run().catch(() => {});
  }

  #goOn() {
    if (this.#asks()) return;
    this.text.follow(false);
    this.session.run().catch(() => {});
  }

  /** Puts another token in a place of the text, and the model goes on from it. */
  branch(at, id) {
    if (this.#asks()) return;
    this.text.follow(false);
    this.session.act('branch', { at, id });
    this.session.run().catch(() => {});
  }

  /** What the person wrote; where that is nothing and nothing was said yet, the first suggestion. */
  #send(text = this.field.value.trim() ? this.field.value : (this.#suggestions()[0] ?? '')) {
    if (this.#busy() || this.#asks()) return;
    if (!text) return this.field.focus();
    this.#act('send', { text });
    if (this.session.schema.values.chat) this.field.value = '';
    this.render();
  }

  #clear() {
    this.session.act('clear');
    this.field.value = '';
    this.field.focus();
  }

  /** Offered while there is no text yet. */
  #suggestions() {
    const { schema } = this.session;
    return this.text.tokens.length ? [] : (schema.schema.properties.prompt?.examples ?? []);
  }

  #key(event) {
    // Enter that ends a composition of an input method belongs to it; so does the one of keyCode 229 in Safari.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#send();
  }

  render() {
    const { session, text } = this;
    const { schema } = session;
    // Where nothing can be sent the text is no conversation.
    this.element.hidden = !offers(schema, 'send');
    if (this.element.hidden) return render(nothing, this.element);
    const { chat, prompt = '' } = schema.values;
    const busy = this.#busy();
    // A completion begins with its prompt, which the link or an action may have changed.
    const given = chat ? '' : prompt;
    const fresh = given !== this.given;
    this.given = given;
    const button = (name, act, off) =>
      html`<button type="button" data-do=${name} ?disabled=${off} title=${t(`compose.${name}.hint`)} @click=${act}>${t(`compose.${name}`)}</button>`;
    const suggestions = busy ? [] : this.#suggestions();
    const hint = suggestions.length ? t('compose.suggested', { text: suggestions[0] }) : t(chat ? 'compose.message' : 'compose.prompt');
    render(
      html`<label class="off-screen" for="compose">${t(chat ? 'compose.message' : 'compose.prompt')}</label>
        <textarea
          id="compose" rows="2" placeholder=${hint} aria-describedby="compose-hint"
          @keydown=${(event) => this.#key(event)}
        ></textarea>
        <div class="group">
          <button class="primary" data-do=${busy ? 'stop' : 'send'} title=${t(busy ? 'compose.stop' : 'compose.hint')}>
            ${t(busy ? 'compose.stop' : chat ? 'compose.send' : 'compose.write')}
          </button>
          ${button('continue', () => this.#goOn(), busy || !text.tokens.length)}
          ${offers(schema, 'regenerate') ? button('regenerate', () => this.#act('regenerate'), busy || !text.written) : nothing}
          ${offers(schema, 'clear') ? button(chat ? 'new-chat' : 'clear', () => this.#clear(), busy || !text.tokens.length) : nothing}
        </div>
        ${suggestions.length
          ? html`<div class="group suggestions" role="group" aria-label=${t('compose.suggestions')}>
              ${suggestions.map((text) => html`<button type="button" @click=${() => this.#send(text)}>${text}</button>`)}
            </div>`
          : nothing}
        <span id="compose-hint" class="off-screen">${t('compose.hint')}</span>`,
      this.element,
    );
    if (fresh) this.field.value = given;
  }
}
