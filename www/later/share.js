// The dialog that shares a run: its link, a QR code, the lines that embed it, and a page set up for a class; the run's file where the
// link alone does not give the same run.

import { html, nothing, render } from '../vendor/lit-html.js';
import { t } from '../i18n.js';
import { copy } from '../cards.js';
import { plain, write } from '../query.js';
import { taught } from '../taught.js';
import { Builder } from './builder.js';
import { qrCode } from './qr.js';

/** The snippet's frame, in pixels: what a run shows first fits into it, plane or pictures. */
const FRAME = { width: 900, height: 840 };
/** An assignment stands above the run. */
const ASSIGNED = 140;

export class Share {
  /** `save()` hands the person the run as a file; `tiles()` gives `[[id, title]]` of what is shown; `print(how, address)` prints a sheet. */
  constructor(element, session, { save, tiles, metrics, print }) {
    this.element = element;
    this.session = session;
    this.save = save;
    this.print = print;
    this.builder = new Builder(session, { tiles, metrics, change: () => this.render() });
  }

  show() {
    // A page that was set up for a class is shared as it was; what this visit alone asks for is left out.
    const { title, task, target, controls, tiles, locked } = taught.how;
    this.builder.begin({ ...plain(), title, task, target, controls, tiles, locked });
    this.copied = null;
    this.begun = true;
    this.render();
    this.element.showModal();
  }

  addressOf(how) {
    return `${location.origin}${location.pathname}${write(how)}#${this.session.state.link}`;
  }

  frameOf(how) {
    const address = this.addressOf({ ...how, embed: true });
    const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
    const height = FRAME.height + (how.title || how.task || how.target ? ASSIGNED : 0);
    return `<iframe src="${escaped(address)}" title="${escaped(how.title || 'Kiln')}" width="${FRAME.width}" height="${height}" style="max-width: 100%; border: 0" loading="lazy" allow="clipboard-write"></iframe>`;
  }

  render() {
    if (!this.begun) return;
    const { altered } = this.session.state;
    const { how } = this.builder;
    const address = this.addressOf(how);
    render(
      html`<h2 id="share-title">${t('share.title')}</h2>
        <p>${t(altered ? 'share.altered' : 'share.about')}</p>
        ${altered ? html`<button type="button" data-do="share-save" @click=${this.save}>${t('share.save')}</button>` : nothing}
        <div class="linked">
          <div>${this.#field('share-link', t('share.link'), address, 3)}</div>
          ${qrCode(address)}
        </div>
        ${this.#field('share-embed', t('share.embed'), this.frameOf(how), 3)} ${this.builder.draw()}
        <form method="dialog">
          <a class="try-link" href=${address} target="_blank" rel="noopener">${t('share.try')}</a>
          <button type="button" data-do="print" @click=${() => this.#print()}>${t('share.print')}</button>
          <button>${t('share.close')}</button>
        </form>`,
      this.element,
    );
  }

  #print() {
    const { how } = this.builder;
    const address = this.addressOf(how);
    this.element.close();
    this.print(how, address);
  }

  #field(id, label, text, rows) {
    const press = async () => {
      this.copied = { text, said: (await copy(text)) ? 'copied' : 'copy-failed' };
      this.render();
    };
    // What was copied is not what stands here any more, once something else is built.
    const said = this.copied?.text === text ? this.copied.said : 'share.copy';
    return html`<label for=${id}>${label}</label>
      <textarea id=${id} readonly rows=${rows} .value=${text} @focus=${(event) => event.target.select()}></textarea>
      <button type="button" @click=${press}>${t(said)}</button>`;
  }
}
