// The choice of a pretrained model: those of the manifest, those that are kept, a file, or an address.

import { html } from '../vendor/lit-html.js';
import { t } from '../i18n.js';

let asking = false;

/** What an address of a model looks like, by its kind: one file, or a folder of files. */
const ADDRESS = { language_model: 'hub:owner/name/file.gguf', other: 'hub:owner/name' };

/** `control`: `{ model: kind }`; `does`: `{ change(name), choose() }`. */
export function modelChoice(id, value, { model: kind }, models, does) {
  const offered = models.offered.map(({ id: name, title }) => [name, title]);
  // An address is known by its file: of more there is no room.
  const title = models.describe(value).title.split(/[?#]/)[0].split('/').at(-1);
  if (!offered.some(([name]) => name === value)) offered.push([value, title || value]);
  const pick = (event) => {
    const { value: picked } = event.target;
    asking = picked === '+address';
    // What is picked takes effect when there is a file or an address.
    event.target.value = value;
    if (asking) {
      const field = event.target.nextElementSibling;
      field.hidden = false;
      field.focus();
    } else if (picked === '+file') does.choose();
    else does.change(picked);
  };
  return html`<select id=${id} @change=${pick}>
      ${offered.map(([name, title]) => html`<option value=${name} .selected=${name === value}>${title}</option>`)}
      <option value="+file">${t('model.file')}</option>
      <option value="+address">${t('model.address')}</option>
    </select>
    <input
      type="text" class="address" ?hidden=${!asking} placeholder=${ADDRESS[kind] ?? ADDRESS.other} aria-label=${t('model.address.label')} title=${t(`model.address.hint.${kind}`, {}, t('model.address.hint'))}
      @change=${(event) => {
        const address = event.target.value.trim();
        asking = false;
        event.target.value = '';
        event.target.hidden = true;
        // An address without a scheme is one of the hub.
        if (address) does.change(/^(https?|hub|sha256):/.test(address) ? address : `hub:${address}`);
      }}
    />`;
}
