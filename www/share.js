// The link of the run and the lines that embed it, ready to copy.

import { html, render } from './vendor/lit-html.js';
import { t } from './i18n.js';
import { copy } from './cards.js';

export function share(link) {
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
    html`<h2>${t('share.title')}</h2>
      <p>${t('share.about')}</p>
      ${field('share-link', t('share.link'), address, 2)} ${field('share-embed', t('share.embed'), frame, 3)}
      <form method="dialog"><button>${t('share.close')}</button></form>`,
    content,
  );
  dialog.showModal();
}
