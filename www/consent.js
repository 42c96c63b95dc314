// What a model weighs and under which licence it comes, before anything of it is fetched: the person decides.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, number } from './i18n.js';
import { MB } from './models.js';
import { later } from './later.js';

/** An amount of bytes in megabytes, as it is said to a person. */
export const size = (bytes) => number(bytes / MB, bytes < MB ? 2 : 0);

export class Consent {
  /** What such a model did, shown while it is not here; made when it is first asked for. */
  recorded = null;

  /** `{ download, choose }`: what fetches the model, and what opens a file of the person's own. */
  constructor(element, session, models, { download, choose }) {
    this.element = element;
    this.session = session;
    this.models = models;
    this.does = { download, choose };
    models.on('change', () => this.render());
  }

  /** Whether the model has to be asked for. */
  get open() {
    return this.models.missing;
  }

  agree() {
    // Asked for once, where it makes sense to the person: a browser may otherwise clear what was fetched.
    if (!this.asked) navigator.storage?.persist?.().catch(() => {});
    this.asked = true;
    this.does.download();
  }

  /** Leads the person here. */
  ask() {
    const button = this.element.querySelector('button');
    button?.scrollIntoView({ block: 'center' });
    button?.focus();
  }

  render() {
    const waits = this.open && ['paused', 'idle'].includes(this.session.state.status);
    if (waits && !this.styled) return void this.#style();
    render(waits ? this.#card() : nothing, this.element);
    this.recorded?.show(waits);
  }

  async #style() {
    // Without its looks it is still read.
    const parts = await later('models').catch(() => null);
    if (parts) this.recorded ??= new parts.Recorded(this.session, this.models, this);
    this.styled = true;
    this.render();
  }

  #card() {
    const { title, licence, bytes, here, local, hashed } = this.models.describe();
    const left = Math.max(0, bytes - here);
    const label = !bytes ? t('consent.go') : here > 0 ? t('consent.rest', { size: size(left) }) : t('consent.download', { size: size(bytes) });
    return html`<section class="consent" aria-label=${t('consent.label')}>
      <h2>${title}</h2>
      ${local
        ? html`<p>${t('consent.local')}</p>`
        : html`<p>
              ${licence ? html`${t('consent.licence', { licence })}<br />` : nothing}
              ${bytes ? t('consent.size', { size: size(bytes) }) : t('consent.unknown')}
              ${here > 0 ? t('consent.here', { size: size(here) }) : nothing}
            </p>
            <p class="small">${t(hashed ? 'consent.about' : 'consent.about.unhashed')}</p>`}
      <div class="group">
        ${local ? nothing : html`<button type="button" class="primary" data-do="download" @click=${() => this.agree()}>${label}</button>`}
        <button type="button" data-do="own-file" class=${local ? 'primary' : nothing} @click=${this.does.choose}>${t('model.file')}</button>
      </div>
    </section>`;
  }
}
