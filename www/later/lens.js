// The logit lens: what each layer would have said after a token, from the embedding up to the last layer.

import { html, render } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';
import { Pace } from '../views/pace.js';
import { heat } from './heat.js';
import { shown } from './token-card.js';

/** Half a percent or less is not nothing. */
const percent = (part) => (part < 0.005 ? `<${number(1)} %` : `${number(100 * part)} %`);

/** While the model writes it is drawn anew this often at most, in ms: the machine has a model to run. */
const CALM = 250;

export class Lens {
  constructor({ bus }) {
    this.bus = bus;
    this.pace = new Pace(CALM, () => this.#show());
    this.element = document.createElement('div');
    this.element.className = 'lens';
  }

  update(view) {
    this.view = view;
    this.pace.ask();
  }

  keepTo() {}

  retitle() {
    if (this.view) this.#show();
  }

  remove() {
    this.pace.stop();
    this.element.remove();
  }

  #show() {
    const { token, layers } = this.view;
    const last = layers.at(-1)?.[0]?.id;
    render(
      html`<p>${t('lens.says', { piece: shown(this.bus.tokens[token]?.piece ?? '') })}</p>
        <div class="scroll" tabindex="0" role="group" aria-label=${t('lens.table')}>
          <table>
            <tbody>
              ${layers.map(
                (candidates, index) => html`<tr>
                  <th scope="row">${index === 0 ? t('lens.embedding') : t('lens.layer', { layer: number(index - 1) })}</th>
                  ${candidates.map(
                    ({ id, piece, raw }) => html`<td data-heat=${heat(raw)} class=${id === last ? 'final' : ''}>
                      <code>${shown(piece)}</code> <small>${percent(raw)}</small>
                    </td>`,
                  )}
                </tr>`,
              )}
            </tbody>
          </table>
        </div>
        <p class="hint">${t('lens.final')}</p>`,
      this.element,
    );
  }
}
