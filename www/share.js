// The link of the run and the lines that embed it, ready to copy; the run's file where the link alone does not give the same run.

import { html, nothing, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { copy } from './cards.js';

/** `state`: the session's, `{ link, altered }`; `save()` hands the person the run as a file. */
export function share({ link, altered }, save) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('share'));
  const here = `${location.origin}${location.pathname}`;
  const address = `${here}#${link}`;
  const escaped = `${here}?embed#${link}`.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const frame = `<iframe src="${escaped}" title="Kiln" width="800" height="600" loading="lazy" allow="webgpu; clipboard-write"></iframe>`;
  const field = (id, label, text, rows) => html`<label for=${id}>${label}</label>
    <textarea id=${id} readonly rows=${rows} .value=${text} @focus=${(event) => event.target.select()}></textarea>
    <button type="button" @click=${async (event) => (event.target.textContent = t((await copy(text)) ? 'copied' : 'copy-failed'))}>${t('share.copy')}</button>`;
  // A new place for each: what the buttons said the last time goes with the old one.
  const content = document.createElement('div');
  dialog.replaceChildren(content);
  render(
    html`<h2 id="share-title">${t('share.title')}</h2>
      <p>${t(altered ? 'share.altered' : 'share.about')}</p>
      ${altered ? html`<button type="button" data-do="share-save" @click=${save}>${t('share.save')}</button>` : nothing}
      ${field('share-link', t('share.link'), address, 2)} ${field('share-embed', t('share.embed'), frame, 3)}
      <form method="dialog"><button>${t('share.close')}</button></form>`,
    content,
  );
  dialog.showModal();
}
