// The dialog of what is kept: model files with their sizes, the room that is left, and where else models are looked for.

import { html, render, nothing } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';
import { MB } from '../models.js';
import { demos } from '../demos.js';

function size(bytes) {
  if (bytes < MB) return `${number(bytes / 1000)} kB`;
  return bytes < 1000 * MB ? `${number(bytes / MB, bytes < 10 * MB ? 1 : 0)} MB` : `${number(bytes / MB / 1000, 1)} GB`;
}

/** What a kept file can be opened with by itself; empty where that is not known. */
function linkTo(name, sha256) {
  const place = demos.opening(kindOf(name));
  return place ? `${place.demo}?${place.key}=sha256:${sha256}` : '';
}

function kindOf(name) {
  if (/\.gguf$/i.test(name)) return 'language_model';
  const count = Number(/^pictures-(\d+)\.idx$/.exec(name)?.[1]);
  if (!count) return '';
  return count > 1 ? 'pictures' : 'picture';
}

export class Library {
  /** `choose()` lets the person pick a file. */
  constructor(element, models, { choose }) {
    this.element = element;
    this.models = models;
    this.choose = choose;
    /** What was said of each file last: `{ sha256: words }`. */
    this.told = new Map();
    models.on('change', () => this.element.open && this.render());
  }

  show() {
    this.told.clear();
    this.error = '';
    this.models.ask({ type: 'list' });
    this.render();
    this.element.showModal();
  }

  render() {
    const { stored } = this.models;
    render(
      html`<h2 id="models-title">${t('models.title')}</h2>
        <p>${stored && !stored.persistent ? t('models.memory') : t('models.about')}</p>
        ${stored?.files.length
          ? html`<ul class="kept">
              ${stored.files.map((file) => this.#file(file))}
            </ul>`
          : html`<p class="none">${t(stored ? 'models.none' : 'models.asking')}</p>`}
        ${stored?.quota > 0 ? html`<p class="room">${t('models.room', { used: size(stored.used), quota: size(stored.quota) })}</p>` : nothing}
        <button type="button" data-do="own-file" @click=${() => (this.element.close(), this.choose())}>${t('model.file')}</button>
        ${this.#endpoints()}
        <form method="dialog"><button>${t('share.close')}</button></form>`,
      this.element,
    );
  }

  #file({ sha256, name, bytes, complete }) {
    const told = this.told.get(sha256);
    return html`<li data-sha256=${sha256}>
      <div><b>${name}</b> <small title=${sha256}>${size(bytes)}, ${t(complete ? 'models.complete' : 'models.partial')}</small></div>
      <div class="group">
        ${complete && linkTo(name, sha256)
          ? html`<a class="open" href=${`#${linkTo(name, sha256)}`} @click=${() => this.element.close()}>${t('models.open')}</a>`
          : nothing}
        ${complete
          ? html`<button type="button" data-do="verify" ?disabled=${told === t('models.checking')} @click=${() => this.#verify(sha256)}>${t('models.verify')}</button>`
          : nothing}
        <button type="button" data-do="delete" @click=${() => this.#delete(sha256, name)}>${t('models.delete')}</button>
      </div>
      <p role="status">${told ?? nothing}</p>
    </li>`;
  }

  #say(sha256, words) {
    this.told.set(sha256, words);
    this.render();
  }

  async #verify(sha256) {
    this.#say(sha256, t('models.checking'));
    try {
      await this.models.ask({ type: 'verify', sha256 });
      this.#say(sha256, t('models.sound'));
    } catch (error) {
      this.#say(sha256, t(`error.${error.code}`, {}, error.message));
      // A damaged file is gone now.
      this.models.ask({ type: 'list' });
    }
  }

  #delete(sha256, name) {
    if (confirm(t('models.sure', { name }))) this.models.ask({ type: 'delete', sha256 });
  }

  #endpoints() {
    const urls = this.models.endpoints;
    return html`<details class="endpoints">
      <summary>${t('models.endpoints')}</summary>
      <p>${t('models.endpoints.about')}</p>
      <ul>
        ${urls.map(
          (url) => html`<li>
            <code>${url}</code>
            <button type="button" aria-label=${t('models.endpoints.remove', { url })} @click=${() => this.#setEndpoints(urls.filter((one) => one !== url))}>×</button>
          </li>`,
        )}
      </ul>
      <div class="row">
        <input
          id="endpoint" type="url" placeholder="https://…" aria-label=${t('models.endpoints.new')}
          @keydown=${(event) => event.key === 'Enter' && (event.preventDefault(), this.#add(event.target))}
        />
        <button type="button" data-do="add-endpoint" @click=${() => this.#add(this.element.querySelector('#endpoint'))}>${t('models.endpoints.add')}</button>
      </div>
      <p role="status">${this.error || nothing}</p>
    </details>`;
  }

  #add(input) {
    const url = input.value.trim().replace(/\/+$/, '');
    const fits = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
    this.error = fits ? '' : t('models.endpoints.wrong');
    if (!fits) return this.render();
    input.value = '';
    this.#setEndpoints([...new Set([...this.models.endpoints, url])]);
  }

  #setEndpoints(urls) {
    this.models.setEndpoints(urls);
    this.render();
  }
}
