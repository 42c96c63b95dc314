// Name, demos, device and language.

import { html, render, nothing } from './vendor/lit-html.js';
import { t, number, language } from './i18n.js';
import { demos } from './demos.js';

const MB = 1024 * 1024;

export class Header {
  /** `does`: `speak(language)`, `models()` shows the library, `open(demo)` goes to a demo. */
  constructor(element, session, { speak, models, open }) {
    this.element = element;
    this.session = session;
    this.speak = speak;
    this.models = models;
    this.open = open;
    demos.on('change', () => this.drawn && this.render());
  }

  render() {
    // The name that stands in the file, for the first paint, gives way to the whole header.
    if (!this.drawn) this.element.replaceChildren();
    this.drawn = true;
    const { demo } = this.session.state;
    render(
      html`<a class="brand" href="./"><span class="mark" aria-hidden="true"></span>Kiln</a>
        <nav class="demos" aria-label=${t('header.demos')}>
          ${demos.all.map((one) => {
            const { name } = one;
            return html`<a href=${`#${name}`} aria-current=${name === demo ? 'page' : nothing} data-demo=${name} @click=${(event) => this.#go(event, name)}>${demos.titleOf(one)}</a>`;
          })}
        </nav>
        <button type="button" class="quiet models" data-do="models" aria-haspopup="dialog" @click=${this.models}>${t('models.title')}</button>
        ${this.#badge()}
        <div class="languages" role="group" aria-label=${t('header.language')}>
          ${[['en', 'EN'], ['zh', '中文']].map(
            ([name, label]) =>
              html`<button type="button" lang=${name} aria-pressed=${language === name} @click=${() => this.speak(name)}>${label}</button>`,
          )}
        </div>`,
      this.element,
    );
    if (demo !== this.demo) this.#reveal();
    this.demo = demo;
  }

  /** A click goes on with the demo's last run; with a modifier the browser opens the plain link elsewhere. */
  #go(event, name) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
    event.preventDefault();
    this.open(name);
  }

  /** On a narrow page the demos are a strip that scrolls: the one that is open can be seen. */
  #reveal() {
    const open = this.element.querySelector('.demos [aria-current]');
    if (open) open.parentElement.scrollLeft = open.offsetLeft - open.parentElement.offsetLeft - (open.parentElement.clientWidth - open.offsetWidth) / 2;
  }

  #badge() {
    const { device, demo, speed, deviceReason, wasmBytes, gpuBytes, status, threads, threadsLater } = this.session.state;
    const label = device ? t(`device.${device.kind}`) : t('device.none');
    const pace = status === 'running' && speed > 0 ? t(demos.does(demo) === 'writes' ? 'device.tokens' : 'device.speed', { speed: number(speed, speed < 10 ? 1 : 0) }) : '';
    return html`<details class="badge ${device?.kind ?? ''}">
      <summary><span class="lamp ${status}" aria-hidden="true"></span><b>${label}</b> <span class="pace">${pace}</span></summary>
      <div class="pop">
        <p>${t(`why.${deviceReason}`)}</p>
        <dl>
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
