// Name, the picker of demos, device and language.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, number, language } from './i18n.js';
import { demos } from './demos.js';
import { arrows } from './dropdown.js';
import { follow } from './follow.js';

const MB = 1024 * 1024;

export class Header {
  /** `does`: `speak(language)`, `models()` shows the library, `open(demo)` goes to a demo, `door()` to the front door. */
  constructor(element, session, { speak, models, open, door, atDoor }) {
    this.element = element;
    this.session = session;
    this.speak = speak;
    this.models = models;
    this.open = open;
    this.door = door;
    this.atDoor = atDoor;
    demos.on('change', () => this.drawn && this.render());
  }

  render() {
    // The name that stands in the file, for the first paint, gives way to the whole header.
    if (!this.drawn) this.element.replaceChildren();
    this.drawn = true;
    const here = this.atDoor();
    render(
      html`<a class="brand" href="./" title=${t('header.door')} aria-current=${here ? 'page' : nothing} @click=${(event) => follow(event, this.door)}
          ><span class="mark" aria-hidden="true"></span>Kiln</a
        >
        ${this.#picker(here ? '' : this.session.state.demo)}
        <div class="aside">
          ${here
            ? nothing
            : html`<button type="button" class="quiet models" data-do="models" aria-haspopup="dialog" @click=${this.models}>${t('models.title')}</button>
                ${this.#badge()}`}
        </div>
        <div class="languages" role="group" aria-label=${t('header.language')}>
          ${[['en', 'EN'], ['zh', '中文']].map(
            ([name, label]) =>
              html`<button type="button" lang=${name} aria-pressed=${language === name} @click=${() => this.speak(name)}>${label}</button>`,
          )}
        </div>`,
      this.element,
    );
  }

  /** All demos under one button, which names the open one. A click goes on with the demo's last run. */
  #picker(open) {
    const now = demos.of(open);
    return html`<nav aria-label=${t('header.demos')}>
      <details class="picker drop" @keydown=${arrows}>
        <summary><span class="off-screen">${t('header.demo')} </span><span class="now">${now ? demos.titleOf(now) : t('header.choose')}</span></summary>
        <div class="pop families">
          ${demos.families.map(
            ([family, all]) => html`<section>
              <p class="family">${demos.familyOf(family)}</p>
              <ul aria-label=${demos.familyOf(family)}>
                ${all.map((one) => {
                  const { name } = one;
                  return html`<li>
                    <a href=${`#${name}`} aria-current=${name === open ? 'page' : nothing} data-demo=${name} @click=${(event) => this.#go(event, name)}
                      >${demos.titleOf(one)}</a
                    >
                  </li>`;
                })}
              </ul>
            </section>`,
          )}
        </div>
      </details>
    </nav>`;
  }

  #go(event, name) {
    follow(event, () => {
      const list = event.currentTarget.closest('details');
      // Or the focus would be lost with the list.
      list.querySelector('summary').focus();
      list.removeAttribute('open');
      this.open(name);
    });
  }

  #badge() {
    const { device, demo, speed, deviceReason, wasmBytes, gpuBytes, status, threads, threadsLater } = this.session.state;
    const label = device ? t(`device.${device.kind}`) : t('device.none');
    const pace = status === 'running' && speed > 0 ? t(demos.does(demo) === 'writes' ? 'device.tokens' : 'device.speed', { speed: number(speed, speed < 10 ? 1 : 0) }) : '';
    return html`<details class="badge drop ${device?.kind ?? ''}">
      <summary><span class="lamp ${status}" aria-hidden="true"></span><b>${label}</b> <span class="pace">${pace}</span></summary>
      <div class="pop">
        <p>${t(`why.${deviceReason}`)}</p>
        <dl>
          ${pace ? html`<dt>${t('device.pace')}</dt><dd>${pace}</dd>` : nothing}
          <dt>${t('device.name')}</dt>
          <dd>${device?.name || '–'}</dd>
          ${device?.probeError != null ? html`<dt>${t('device.probe')}</dt><dd>${device.probeError.toExponential(1)}</dd>` : nothing}
          ${device?.kind === 'cpu' ? html`<dt>${t('device.threads')}</dt><dd>${threads} ${threadsLater > threads ? t('device.threads-later', { n: threadsLater }) : ''}</dd>` : nothing}
          <dt>${t('device.memory')}</dt>
          <dd>${number(wasmBytes / MB, 0)} MB</dd>
          ${gpuBytes > 0 ? html`<dt>${t('device.gpu-memory')}</dt><dd>${number(gpuBytes / MB, 0)} MB</dd>` : nothing}
        </dl>
      </div>
    </details>`;
  }
}
