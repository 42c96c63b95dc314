// The choice of a set of pictures, or of one picture: those that Kiln brings, those that are kept, or new ones.

import { html } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';

const HASHES = 'sha256:';
/** Of a kept set: the header of its IDX file, and the bytes of a pixel. */
const HEADER = 20;
const CHANNELS = 3;

/**
 * The kept sets whose pictures have `side`, or the whole pictures where it is 0, as `[value, words]`. A kept file is
 * named `pictures-N.idx` after its number of pictures; how large each is its bytes tell.
 */
function kept(stored, side) {
  const found = (stored?.files ?? []).flatMap(({ name, sha256, bytes, complete }) => {
    const count = Number(/^pictures-(\d+)\.idx$/.exec(name)?.[1]);
    const each = (bytes - HEADER) / count;
    if (!complete || !count || (side > 0 ? each !== CHANNELS * side * side : count !== 1)) return [];
    return [{ sha256, words: side > 0 ? t('pictures.kept', { count: number(count) }) : t('pictures.kept.one') }];
  });
  return found.map(({ sha256, words }) => {
    const alone = found.filter((other) => other.words === words).length === 1;
    return [HASHES + sha256, alone ? words : `${words} ${sha256.slice(0, 4)}`];
  });
}

/** `control`: `{ key, pictures: side, examples }`, those that Kiln brings; `does`: `{ change(value), bring(files) }`. */
export function pictureChoice(id, value, { key, pictures: side, examples }, models, does) {
  const own = side > 0 ? examples.map((name) => [name, t(`option.${key}.${name}`, {}, name)]) : [['', t('pictures.drawn')]];
  const offered = [...own, ...kept(models.stored, side)];
  if (!offered.some(([name]) => name === value)) offered.push([value, t('pictures.elsewhere')]);
  // One is asked for by its button, and may be chosen again.
  const choose = (event) => event.currentTarget.nextElementSibling.click();
  const bring = (event) => {
    const files = [...event.target.files];
    event.target.value = '';
    if (files.length) does.bring(files);
  };
  return html`<select id=${id} @change=${(event) => does.change(event.target.value)}>
      ${offered.map(([name, words]) => html`<option value=${name} .selected=${name === value}>${words}</option>`)}
    </select>
    <div class="group bring">
      <button type="button" data-do="pictures" @click=${choose}>${t(side > 0 ? 'pictures.choose' : 'pictures.choose.one')}</button>
      <input type="file" hidden accept=${side > 0 ? 'image/*,.zip,.idx' : 'image/*,.idx'} ?multiple=${side > 0} aria-label=${t('pictures.choose')} @change=${bring} />
      ${side > 0
        ? html`<button type="button" data-do="folder" @click=${choose}>${t('pictures.folder')}</button>
            <input type="file" hidden webkitdirectory aria-label=${t('pictures.folder')} @change=${bring} />`
        : ''}
    </div>
    <p class="private">${t('pictures.private')}</p>`;
}
