// Everything that can be seen, put together: which event redraws what, and which click sends what.

import { t, number, language, setLanguage } from './i18n.js';
import { Header } from './header.js';
import { Away } from './away.js';
import { footer } from './footer.js';
import { Toolbar } from './toolbar.js';
import { Controls } from './controls.js';
import { Panels } from './panels.js';
import { Progress } from './progress.js';
import { Cards, cardOfNote, describe } from './cards.js';
import { Told } from './told.js';
import { showLesson } from './lesson.js';
import { Bar, placeLesson } from './narrow.js';
import { acceptFiles, download } from './files.js';
import { Consent } from './consent.js';
import { Extras } from './extras.js';
import { Place } from './place.js';
import { here, later } from './later.js';
import { actionsOf, linkWith, modelOf } from './schema.js';
import { STOPPING, isBusy } from './state.js';
import { demos } from './demos.js';
import { within } from './within.js';
import { mainOf } from './models.js';
import { Paper } from './paper.js';
import { how } from './query.js';
import { misread } from './misread.js';
import { listenForKeys } from './shortcuts.js';

const at = (id) => document.getElementById(id);

/** The page waits for the words of the first lesson for so long, in ms. */
const LESSON = 1500;

export class Page {
  /** Who takes pictures: made when it is first needed. */
  pictures = null;

  constructor(session, models, runs, metrics) {
    this.session = session;
    this.models = models;
    this.runs = runs;
    const choose = () => this.chooseFile();
    this.header = new Header(at('header'), session, {
      speak: (name) => this.speak(name),
      models: () => this.extras.show('models'),
      open: (demo) => runs.demo(demo),
      door: () => runs.door(),
      atDoor: () => runs.atDoor,
    });
    this.extras = new Extras(session, {
      models: ({ Library }) => new Library(at('models'), models, { choose }),
      courses: ({ Courses }) => new Courses(at('courses')),
      keys: ({ Keys }) => new Keys(at('keys')),
      glossary: ({ theGlossary }) => theGlossary(),
      share: ({ Share }) => new Share(at('share'), session, { metrics, save: () => this.save(), tiles: () => this.panels.list, print: (...what) => this.paper.print(...what) }),
      assignment: ({ Assignment }) => new Assignment(at('assignment'), session, metrics),
      kiosk: ({ Kiosk }) => new Kiosk({ seconds: how.kiosk, again: () => this.again() }),
      bridge: ({ Bridge }) => new Bridge(at('bridged'), window.kiln, how.bridge),
      door: ({ doorIn }) => Object.assign(doorIn(at('door')), { open: (demo) => runs.demo(demo) }),
    });
    this.place = new Place(session, runs, { open: () => this.extras.show('door'), draw: () => this.draw() });
    this.away = new Away(session, (promise) => this.quietly(promise));
    this.consent = new Consent(at('consent'), session, models, { download: () => this.quietly(session.run({ download: true })), choose });
    this.cards = new Cards(at('cards'), { describe: () => describe(session.state) });
    this.told = new Told(session, this.cards, {
      open: (link, options) => this.open(link, options),
      quietly: (promise) => this.quietly(promise),
      models: () => this.extras.show('models'),
    });
    this.toolbar = new Toolbar(at('toolbar'), session, {
      toggle: () => this.toggle(),
      step: () => this.step(),
      reset: () => this.open(session.state.link),
      seed: () => this.newSeed(),
      share: () => this.extras.show('share'),
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
      const { draws, clears } = actionsOf(session.schema);
      return { consent: this.consent, onDraw: draws && ((points) => session.act(draws.name, { points })), clears };
    });
    this.paper = new Paper(at('sheet'), session);
    this.bar = new Bar(session, { toggle: () => this.toggle() });
    this.progress = new Progress(at('progress'), {
      local: (what) => models.reads(what),
      cancellable: (what) => ['pictures', 'module'].includes(what) || models.reads(what) || session.state.status === 'loading',
      cancel: async (what) => (what === 'pictures' ? this.pictures.cancel() : models.reads(what) ? models.cancelImport() : session.cancel().catch(() => {})),
    });
  }

  start() {
    const { session } = this;
    this.chooseFile = acceptFiles({
      take: (bytes, name) => this.load(bytes, name),
      keep: (files, kind) => this.keep(files, kind),
      bring: (files) => this.bring(files),
      open: async (entries) => (await later('pictures')).filesIn(entries),
      refuse: (name, why) => this.refuse(name, why),
    });
    session.on('state', () => this.draw());
    session.on('reset', (event) => this.begin(event));
    session.on('schema', () => this.controls.render());
    session.on('views', (event) => this.panels.update(event));
    // What was on its way when it was cancelled may still tell of itself.
    const left = ({ what }) => (what === 'pictures' ? !this.pictures?.busy : this.models.reads(what, true));
    session.on('progress', (event) => left(event) || this.progress.update(event));
    session.on('module', (event) => this.progress.update(event));
    session.on('error', (event) => {
      this.progress.clear();
      this.told.failed(event);
    });
    session.on('note', (event) => this.cards.show(cardOfNote(event)));
    session.on('card', (event) => this.told.card(event));
    // The hash is the run's: the link past the header must not change it.
    document.querySelector('.skip').addEventListener('click', (event) => {
      event.preventDefault();
      this.place.main.focus();
    });
    listenForKeys((key) => this.act(key));
    // A closed list beside the panels would leave an empty column; on a narrow page an open one hides the panels.
    if (matchMedia('(max-width: 760px)').matches) at('controls-box').removeAttribute('open');
    placeLesson();
    this.spoken = language;
    this.words();
    this.place.show();
    misread(session);
    this.#appear();
    if (how.kiosk) this.extras.show('kiosk');
    if (how.bridge && parent !== window) this.extras.show('bridge');
  }

  /** What can be seen before a demo stands comes at once, so that nothing is pushed away by what comes after it. */
  async #appear() {
    const [name] = location.hash.slice(1).split('?', 1);
    const assigned = how.title || how.task || how.target ? this.extras.show('assignment') : null;
    await within(LESSON, Promise.all([assigned, demos.of(name) && this.lesson(name)])).catch(() => {});
    document.body.classList.add('appeared');
  }

  words() {
    at('controls-title').textContent = t('controls');
    at('starting').textContent = t('starting');
    at('toolbar').setAttribute('aria-label', t('toolbar'));
    document.querySelector('.skip').textContent = t('skip');
    footer(at('footer'), { door: () => this.runs.door(), show: (name) => this.extras.show(name), away: this.away });
    this.controls.render();
  }

  async speak(name) {
    // A kiosk's next visitor may speak another one.
    await setLanguage(name, !how.kiosk);
    this.words();
    this.panels.retitle();
    this.cards.render();
    this.extras.render();
    this.lesson(this.session.state.demo);
    this.draw();
  }

  /** A kiosk starts over, in the language that it began with. */
  again() {
    if (language !== this.spoken) this.speak(this.spoken);
    this.runs.again();
  }

  draw() {
    // Tabs in the background draw no frames, and have titles.
    this.place.name();
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.header.render();
      this.toolbar.render();
      this.bar.render();
      this.consent.render();
      const { status, demo } = this.session.state;
      const args = { step: number(this.session.state.step) };
      if (demo) at('starting').textContent = status === 'paused' ? t(`${demo}.waits`, {}, t('waits')) : t('starting');
      const first = status === 'paused' && !this.session.state.step;
      const said = first ? (this.consent.open ? 'asks' : 'ready') : status;
      if (said !== this.said && !this.runs.atDoor) at('said').textContent = t(`${demo}.status.${said}`, args, t(`status.${said}`, args));
      this.said = said;
      document.body.dataset.status = status;
      document.body.classList.toggle('begun', Boolean(demo));
    });
  }

  begin(event) {
    this.panels.reset(event);
    this.toolbar.reset();
    this.progress.clear();
    this.controls.render();
    this.lesson(event.demo);
  }

  async lesson(demo) {
    if (document.body.classList.contains('embed')) return;
    await showLesson(at('lesson'), demo, { session: this.session, panels: this.panels, courses: () => this.extras.show('courses') });
    this.bar.render();
  }

  // --- what is clicked ---------------------------------------------------------------------------------------------

  toggle() {
    const { session, consent } = this;
    if (isBusy(session)) this.quietly(session.pause());
    else if (consent.open) consent.ask();
    else this.quietly(session.run());
  }

  step() {
    if (this.consent.open) this.consent.ask();
    else this.quietly(this.session.step(1));
  }

  /** A refusal is told by the worker's own error event; the promise needs no second card. */
  quietly(promise) {
    promise.catch(() => {});
  }

  open(link, options) {
    return this.runs.open(link, options);
  }

  newSeed() {
    const { schema } = this.session.schema;
    const seed = 1 + Math.floor(Math.random() * 9999);
    if (!schema.properties.seed['x-live']) return this.open(linkWith(this.session.state.link, 'seed', seed));
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
      this.cards.show({ key: 'loaded', kind: 'note', title: t('loaded', { name }), text: t('loaded.text', { step: number(this.session.state.step) }) });
    } catch {
      // The worker's error says what is wrong with the file.
    }
  }

  /** A file that cannot be opened, and why. */
  refuse(name, why) {
    this.cards.show({ key: 'file', kind: 'error', title: t('error.bad-file'), text: t(`file.${why}`, { name }) });
  }

  /** A person's own model: its files are kept, then opened, by the demo that is open if it takes them. */
  async keep(files, kind) {
    const { session, runs } = this;
    await this.#awake(kind);
    const own = modelOf(session.schema);
    const place = own?.kind === kind ? { ...own, demo: session.state.demo } : demos.opening(kind);
    if (!place) return this.refuse(mainOf(files).name, 'unopened');
    const before = session.state.step > 0 ? runs.current : '';
    try {
      await this.open(`${place.demo}?${place.key}=${await this.models.import(files)}`, { run: true });
      if (before && before !== runs.current) this.#unlessUseless(before);
    } catch {
      // The worker's error says what is wrong with them.
    } finally {
      this.progress.clear();
    }
  }

  /** At the front door no worker is here yet: files are taken by that of the demo which opens them. */
  async #awake(kind) {
    const place = demos.opening(kind);
    if (!this.session.schema && place) await this.runs.open(place.demo, { run: false });
  }

  /** Where what was opened fails before its first step, the run that was left goes on, and the error stays to be read. */
  #unlessUseless(before) {
    const { session, runs } = this;
    const off = session.on('error', ({ code }) => {
      if (!STOPPING.includes(code)) return;
      off();
      if (session.state.step === 0) runs.back(before, { clear: false });
    });
    session.once('reset').then(off);
  }

  /** A person's own pictures become the data of the run. */
  async bring(files) {
    await this.#awake('pictures');
    try {
      await later('pictures');
    } catch (error) {
      return this.session.emit('card', { key: 'part-missing', detail: error.message });
    }
    this.pictures ??= new (here('pictures').Pictures)(this.session, {
      open: (link) => this.open(link, { run: true }),
      show: (card) => this.cards.show(card),
      refuse: (name) => this.refuse(name, 'unopened'),
      clear: () => this.progress.clear(),
      keep: (set) => this.models.import(set),
    });
    this.cards.dismiss('pictures');
    this.pictures.bring(files);
  }

  /** What a single key does. */
  act(key) {
    if (key === '?') return () => this.extras.show('keys');
    if (this.runs.atDoor) return undefined;
    return { ' ': () => this.toggle(), s: () => this.step() }[key];
  }

  // --- what goes wrong ---------------------------------------------------------------------------------------------

  lacks(what) {
    at('starting').textContent = '';
    this.cards.show({ key: what, kind: 'error', title: t(`lacks.${what}`), text: t(`lacks.${what}.text`) });
    this.draw();
  }

  /** The first link could not be opened, nor what stands in for it. */
  refused() {
    at('starting').textContent = t('nothing-open');
  }
}
