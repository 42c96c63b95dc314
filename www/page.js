// Everything that can be seen, put together: which event redraws what, and which click sends what.

import { html, render } from './vendor/lit-html.js';
import { t, number, setLanguage } from './i18n.js';
import { Header } from './header.js';
import { Toolbar } from './toolbar.js';
import { Controls } from './controls.js';
import { Panels } from './panels.js';
import { Progress } from './progress.js';
import { Cards, cardOfError, cardOfNote } from './cards.js';
import { showLesson } from './lesson.js';
import { acceptFiles, download } from './files.js';
import { Consent } from './consent.js';
import { here, later } from './later.js';
import { linkOf } from './schema.js';
import { isBusy } from './state.js';
import { share } from './share.js';

const at = (id) => document.getElementById(id);
/** Kinds of the session's cards; all others are notes. */
const KINDS = { unreachable: 'error', stopped: 'error', 'moved-to-cpu': 'warn', 'restart-failed': 'warn', 'wrong-arithmetic': 'warn', 'part-missing': 'warn' };

const ADDRESS_EVERY = 400;

export class Page {
  /** Made when it is first needed: the dialog of what is kept, and who takes pictures. */
  library = null;
  pictures = null;

  constructor(session, models) {
    this.session = session;
    this.models = models;
    const choose = () => this.chooseFile();
    this.header = new Header(at('header'), session, { speak: (name) => this.speak(name), models: () => this.showLibrary() });
    this.consent = new Consent(at('consent'), session, models, { run: () => this.quietly(session.run()), choose });
    this.cards = new Cards(at('cards'), { describe: () => this.describe() });
    this.toolbar = new Toolbar(at('toolbar'), session, {
      toggle: () => this.toggle(),
      step: () => this.quietly(session.step(1)),
      reset: () => this.open(session.state.link),
      seed: () => this.newSeed(),
      share: () => share(session.state.link),
      save: () => this.save(),
      load: choose,
      set: (key, value) => session.set(key, value),
      act: (name) => session.act(name),
    });
    this.controls = new Controls(at('controls'), session, models, {
      elsewhere: ['speed'],
      open: (link) => this.open(link),
      choose,
      bring: (files) => this.bring(files),
    });
    this.panels = new Panels(at('panels'), session, () => {
      const draws = session.schema?.actions.find((action) => action.draws);
      return { consent: this.consent, onDraw: draws && ((points) => session.act(draws.name, { points })) };
    });
    this.progress = new Progress(at('progress'), {
      cancellable: (what) => what === 'pictures' || session.state.status === 'loading',
      cancel: async (what) => (what === 'pictures' ? this.pictures.cancel() : session.cancel().catch(() => {})),
    });
  }

  start() {
    const { session } = this;
    this.chooseFile = acceptFiles({
      take: (bytes, name) => this.load(bytes, name),
      keep: (files, demo) => this.keep(files, demo),
      bring: (files) => this.bring(files),
      open: async (entries) => (await later('pictures')).filesIn(entries),
      refuse: (name, why) => this.cards.show({ key: 'file', kind: 'error', title: t('error.bad-file'), text: t(`file.${why}`, { name }) }),
    });
    session.on('state', () => this.draw());
    session.on('reset', (event) => this.begin(event));
    session.on('schema', () => this.controls.render());
    session.on('link', () => this.address());
    session.on('views', (event) => this.panels.update(event));
    // What was on its way when it was cancelled may still tell of itself.
    session.on('progress', (event) => (event.what !== 'pictures' || this.pictures?.busy) && this.progress.update(event));
    session.on('error', (event) => this.failed(event));
    session.on('note', (event) => this.cards.show(cardOfNote(event)));
    session.on('card', (event) => this.card(event));
    // The hash is the run's: the link past the header must not change it.
    document.querySelector('.skip').addEventListener('click', (event) => {
      event.preventDefault();
      at('main').focus();
    });
    addEventListener('hashchange', ({ newURL }) => this.follow(new URL(newURL).hash.slice(1)));
    addEventListener('keydown', (event) => this.key(event));
    // A closed list beside the panels would leave an empty column; on a narrow page an open one hides the panels.
    if (matchMedia('(max-width: 760px)').matches) at('controls-box').removeAttribute('open');
    this.words();
    this.draw();
  }

  words() {
    at('controls-title').textContent = t('controls');
    at('starting').textContent = t('starting');
    at('toolbar').setAttribute('aria-label', t('toolbar'));
    document.querySelector('.skip').textContent = t('skip');
    render(html`<p>${t('footer')}</p>`, at('footer'));
    this.controls.render();
  }

  async speak(name) {
    await setLanguage(name, true);
    this.words();
    this.panels.retitle();
    this.cards.render();
    this.library?.render();
    this.lesson(this.session.state.demo);
    this.draw();
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.header.render();
      this.toolbar.render();
      this.consent.render();
      const { status, demo } = this.session.state;
      const args = { step: number(this.session.state.step) };
      if (demo) at('starting').textContent = status === 'paused' ? t(`${demo}.waits`, {}, t('waits')) : t('starting');
      if (status !== this.said) at('said').textContent = t(`${demo}.status.${status}`, args, t(`status.${status}`, args));
      this.said = status;
      document.body.dataset.status = status;
    });
  }

  begin(event) {
    this.panels.reset(event);
    this.toolbar.reset();
    this.progress.clear();
    this.controls.render();
    this.lesson(event.demo);
    if (event.demo === 'autoencoder' && event.keepTo >= 0) this.decodeAgain();
  }

  /** Another worker has its latent from a file, and not its model: a run opens that, and ends when the picture stands. */
  async decodeAgain() {
    if ((await this.models.ready()) && this.session.want === 'paused') this.quietly(this.session.run());
  }

  lesson(demo) {
    if (!document.body.classList.contains('embed')) showLesson(at('lesson'), demo);
  }

  /** The address follows the run, but not each move of a drag: browsers take few changes (Safari a hundred in 30 s). */
  address() {
    clearTimeout(this.addressing);
    const wait = (this.addressedAt ?? -ADDRESS_EVERY) + ADDRESS_EVERY - performance.now();
    if (wait > 0) return void (this.addressing = setTimeout(() => this.address(), wait));
    this.addressedAt = performance.now();
    history.replaceState(null, '', `#${this.session.state.link}`);
  }

  // --- what is clicked ---------------------------------------------------------------------------------------------

  toggle() {
    const { session, consent } = this;
    if (isBusy(session)) this.quietly(session.pause());
    else if (consent.open) consent.agree();
    else this.quietly(session.run());
  }

  /** A refusal is told by the worker's own error event; the promise needs no second card. */
  quietly(promise) {
    promise.catch(() => {});
  }

  open(link, options) {
    this.cards.clearLink();
    return this.session.open(link, options).catch((error) => {
      if (error.code !== 'superseded') history.replaceState(null, '', `#${this.session.state.link}`);
    });
  }

  /** The person has typed or followed a link: it runs, whatever the last one did. The address may be the run's again by now. */
  follow(link) {
    clearTimeout(this.addressing);
    if (link !== this.session.state.link) this.open(link, { run: true });
  }

  newSeed() {
    const { demo, schema, values } = this.session.schema;
    const seed = 1 + Math.floor(Math.random() * 9999);
    if (!schema.properties.seed['x-live']) return this.open(linkOf(demo, { ...values, seed }));
    // Where it is live, what was loaded stays.
    this.session.set('seed', seed);
    if (!this.consent.open) this.quietly(this.session.run());
  }

  async save() {
    try {
      const { bytes, step } = await this.session.checkpoint();
      download(bytes, `kiln-${this.session.state.demo}-${step}.safetensors`);
    } catch {
      // Told by the worker's error.
    }
  }

  async load(bytes, name) {
    this.cards.clearLink();
    try {
      await this.session.open('', { checkpoint: bytes });
      // A text can be shown when its model is here again.
      if (this.models.name !== undefined && (await this.models.ready())) this.quietly(this.session.run());
      this.cards.show({ key: 'loaded', kind: 'note', title: t('loaded', { name }), text: t('loaded.text', { step: number(this.session.state.step) }) });
    } catch {
      // The worker's error says what is wrong with the file.
    }
  }

  /** A person's own model: its files are kept, then opened. */
  async keep(files, demo) {
    try {
      await this.open(`${demo}?model=${await this.models.import(files)}`, { run: true });
    } catch {
      // The worker's error says what is wrong with them.
    } finally {
      this.progress.clear();
    }
  }

  /** A person's own pictures become the data of the run. */
  async bring(files) {
    try {
      await later('pictures');
    } catch (error) {
      return this.session.emit('card', { key: 'part-missing', detail: error.message });
    }
    this.pictures ??= new (here('pictures').Pictures)(this.session, {
      open: (link) => this.open(link, { run: true }),
      show: (card) => this.cards.show(card),
      clear: () => this.progress.clear(),
      keep: (set) => this.models.import(set),
    });
    this.cards.dismiss('pictures');
    this.pictures.bring(files);
  }

  async showLibrary() {
    try {
      await later('models');
    } catch (error) {
      return this.session.emit('card', { key: 'part-missing', detail: error.message });
    }
    this.library ??= new (here('models').Library)(at('models'), this.models, { choose: () => this.chooseFile() });
    this.library.show();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea, button, summary, a, dialog, [role=application]')) return;
    if (event.key === ' ') this.toggle();
    else if (event.key === 's') this.quietly(this.session.step(1));
    else return;
    event.preventDefault();
  }

  // --- what goes wrong ---------------------------------------------------------------------------------------------

  failed(event) {
    const { session } = this;
    this.progress.clear();
    const card = cardOfError(event);
    const good = session.saves.last;
    if (event.code === 'diverged') {
      card.actions = [[t(good ? 'error.back' : 'error.restart', { step: number(good?.step ?? 0) }), () => this.quietly(session.restore())]];
      card.link = false;
    } else if (event.code === 'fetch') {
      card.actions = [[t('retry'), () => (session.state.demo ? this.quietly(session.run()) : this.open(session.pendingLink, { run: true }))]];
    } else if (event.code === 'out-of-space') {
      card.actions = [[t('models.title'), () => this.showLibrary()]];
    }
    this.cards.show(card);
  }

  card({ key, args = {}, detail = '', actions, gone, error }) {
    if (gone) return this.cards.dismiss(key);
    const kind = KINDS[key] ?? 'note';
    const say = (name, ...fallback) => t(`${this.session.state.demo}.${name}`, args, t(name, args, ...fallback));
    const card = { key, kind, title: say(`card.${key}`), text: say(`card.${key}.text`, ''), detail, actions, stay: Boolean(actions) };
    if (key === 'unreachable' || key === 'stopped') {
      if (error?.message && error.code !== key) card.help = `${error.message} ${error.help ?? ''}`;
      card.actions = [[t('retry'), () => this.quietly(this.session.retry())]];
    } else if (key === 'continued') {
      // A text is begun anew from beside it.
      card.stay = this.session.state.demo !== 'text';
      card.actions = [[t('continued.over'), () => this.open(this.session.state.link)]];
    }
    this.cards.show(card);
  }

  lacks(what) {
    at('starting').textContent = '';
    this.cards.show({ key: what, kind: 'error', title: t(`lacks.${what}`), text: t(`lacks.${what}.text`) });
    this.draw();
  }

  /** The first link could not be opened, nor what stands in for it. */
  refused() {
    at('starting').textContent = t('nothing-open');
  }

  describe() {
    const { device, demo, step, link, status } = this.session.state;
    return [
      `link: ${link}`, `demo: ${demo}, step ${step}, ${status}`, `device: ${device?.kind ?? 'none'} ${device?.name ?? ''}`,
      `browser: ${navigator.userAgent}`, `page: ${location.href}`,
    ];
  }
}
