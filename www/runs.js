// The runs of this visit, and the front door, as entries of the browser's history; the way back to runs that were left, and what an
// earlier visit kept.

import { number, t } from './i18n.js';
import { how } from './query.js';
import { taught } from './taught.js';

/** Browsers take few changes of the address (Safari a hundred in 30 s), in ms. */
const EVERY = 400;
/** What a worker says of a link or a file that it does not open. */
const REFUSED = ['not-built', 'module', 'bad-link', 'unknown-demo', 'bad-file', 'shape-mismatch', 'unsupported', 'bad-command'];

/**
 * Whether a run stays paused when it comes back. One that had begun, and of which nothing was kept, begins anew: it was paused with
 * something to show.
 */
const stays = (state, kept) => Boolean(state?.paused && (kept || !state.begun));

/** Whoever wants less motion begins a run by hand. */
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
/** The address of the front door. */
const doorstep = () => `${location.pathname}${location.search}`;

export class Runs {
  /** The run that is shown, and the one that is being given up for another. */
  #shown = '';
  #left = null;
  /** Ids of the runs of this visit, and the last of each demo. */
  #known = new Set();
  #last = new Map();
  /** Whether they were running when they were left. */
  #ran = new Map();
  /**
   * What has made the entry of the history that the next run takes: `first`, `link` or `history`. Null where it makes its own; `push`
   * where it does so although another entry has just been moved to.
   */
  #entry = 'first';
  /** Counts what was asked for: of two runs that are read from the store the one that was asked for last is opened. */
  #turn = 0;
  #written = '';
  #writtenAt = -EVERY;
  #timer = 0;
  /** The run behind the front door ran until the door took its place, or was to. */
  #rests = false;
  /** What was being opened then: when it comes it stays behind the door. */
  #behind = '';

  /**
   * `embedded`: in a frame the history belongs to the page around it: no entries are added, and there is no front door.
   * `show()` is called when the front door takes the place of a run, or a run that of the door.
   */
  constructor(session, store, { embedded, clear, show }) {
    this.session = session;
    this.store = store;
    this.embedded = embedded;
    /** The link with which the page was opened. */
    this.start = location.hash.slice(1);
    this.clear = clear;
    this.show = show;
    /** Whether the front door is shown: an address without a link is its own. */
    this.atDoor = !embedded && !location.hash.slice(1);
    if (this.atDoor) this.#entry = null;
    session.on('leave', (run) => {
      this.#left = run;
      this.#ran.set(run.id, session.want === 'running' || this.#rests);
      this.#rests = false;
      this.#address(true);
    });
    // It may have got on a little further by its last checkpoint.
    session.on('checkpoint', ({ step }) => this.#left && (this.#left.step = step));
    session.on('reset', (event) => this.#entered(event));
    session.on('state', () => (this.atDoor ? this.#rest() : this.#address()));
    addEventListener('popstate', ({ state }) => this.#moved(state));
  }

  /** Opens the address as the visit finds it: the run that the entry of the history names, else its link. */
  async first({ paused }) {
    const link = location.hash.slice(1);
    // Of a kiosk's run nobody knows what it was for.
    const kept = how.kiosk ? null : await this.#kept(history.state?.run);
    const run = !paused && !calm() && !stays(history.state, kept);
    try {
      if (kept) {
        await this.#resume(kept, { run });
        this.#tell('continued', kept);
      } else {
        await this.session.open(link, { run, identity: history.state?.run && { id: history.state.run, origin: null } });
        this.#offer(link);
      }
    } catch (error) {
      // Overtaken by another link, or the worker is gone: it is started again, or its card has a way out.
      if (!REFUSED.includes(error.code)) throw error;
      // A kept checkpoint that is refused is forgotten; a link that is refused must not leave an empty page: the empty one opens
      // the first demo.
      if (kept && error.code === 'bad-file') await this.store.forget(kept.id);
      await this.session.open(kept ? link : '', { run });
    }
  }

  /** Opens a link from its beginning, and offers what an earlier visit has kept of it. */
  async open(link, options) {
    this.#asked();
    return this.#open(link, options);
  }

  async #open(link, options) {
    this.clear();
    try {
      await this.session.open(link, options);
      this.#offer(link);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** What was open goes on, also where the address names what was refused. */
  #refused(error) {
    if (error.code === 'superseded') return;
    // The run of that entry is not lost: it can be offered again.
    this.#known.delete(history.state?.run);
    this.#entry = null;
    if (this.atDoor) return;
    if (this.session.state.demo || this.embedded) return this.#write();
    history.replaceState(null, '', doorstep());
    this.#toDoor();
  }

  /** Whether what is opened anew may run: where motion is unwanted, only in the place of what runs. */
  get #begins() {
    return !calm() || this.session.want === 'running';
  }

  /** From the beginning, for whoever comes next: nothing that was done here goes on, and its runs are not offered. */
  async again() {
    this.#last.clear();
    const { start } = this;
    const door = !start && !this.embedded;
    // Behind the door a run waits: another one, which has not begun.
    if (!door || this.session.state.demo) await this.open(door ? this.session.state.demo : start, { run: !door && !how.paused && !calm() });
    if (door) this.door();
  }

  /** The demo's last run of this visit, else its own link. */
  async demo(name) {
    if (this.atDoor) return this.#enter(name);
    if (this.session.state.link === name) return;
    const turn = this.#asked();
    const kept = name !== this.session.state.demo && (await this.#kept(this.#last.get(name)));
    if (turn !== this.#turn) return;
    if (!kept) return void this.#open(name, { run: this.#begins });
    if (await this.back(kept.id)) this.#tell('continued', kept);
  }

  /** Goes on with a run that was left; answers whether it could. `clear`: what was said of the one that is open no longer holds. */
  async back(id, { clear = true } = {}) {
    if (clear) this.clear();
    const turn = this.#asked();
    const kept = await this.#kept(id);
    if (turn !== this.#turn) return false;
    try {
      // The worker's error says what is wrong with it.
      await (kept ? this.#resume(kept) : Promise.reject({ code: 'gone' }));
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    }
  }

  /** Something else is asked for than what Back, or a link, has just moved to: that entry keeps its own. */
  #asked() {
    if (this.#entry === 'history' || this.#entry === 'link') this.#entry = 'push';
    return ++this.#turn;
  }

  /** The run that is open. */
  get current() {
    return this.session.identity.id;
  }

  // --- the front door ----------------------------------------------------------------------------------------------

  /** To the front door. The run that is open waits behind it, paused. */
  door() {
    if (this.atDoor || this.embedded) return;
    this.#address(true);
    history.pushState(null, '', doorstep());
    this.clear();
    this.#toDoor();
  }

  #toDoor() {
    clearTimeout(this.#timer);
    this.atDoor = true;
    this.#entry = null;
    this.#turn += 1;
    this.#behind = this.session.pending.identity?.id ?? '';
    this.#rests = false;
    this.#rest();
    this.show();
  }

  /** Behind the door nothing runs: neither what ran before, nor what was still on its way. */
  #rest() {
    const { session } = this;
    if (!session.state.demo || session.want === 'paused') return;
    if (session.want === 'running') this.#rests = true;
    session.pause().catch(() => {});
  }

  /** From the door to a demo: to its last run of this visit, else to its own link, as an entry of its own. */
  async #enter(name) {
    const { session } = this;
    const turn = this.#asked();
    const last = this.#last.get(name);
    const kept = last === this.#shown ? session.state : await this.#kept(last);
    if (turn !== this.#turn) return;
    history.pushState(last && kept ? { run: last } : null, '', `#${(last && kept?.link) || name}`);
    await this.#moved(history.state);
  }

  /** The run takes the place of the door. */
  #leaveDoor() {
    this.atDoor = false;
    this.show();
  }

  #kept(id) {
    return id ? this.store.load(id) : null;
  }

  #resume({ id, origin, bytes, link }, options = { run: this.#ran.get(id) }) {
    return this.session.open('', { checkpoint: bytes, identity: { id, origin: origin ?? link }, ...options });
  }

  // --- the history -------------------------------------------------------------------------------------------------

  #entered({ id, demo }) {
    if (id === this.#shown) return;
    if (this.atDoor && id === this.#behind) return void this.#show(id, demo);
    if (this.atDoor) this.#leaveDoor();
    const left = this.#left?.id === this.#shown ? this.#left : null;
    const entry = this.#entry;
    // Overtaken by another Back: the entry is the next run's.
    if (entry === 'history' && history.state?.run !== id) return void this.#show(id, demo);
    if ((!entry || entry === 'push') && !this.embedded) {
      // The entry of the run that was left keeps its own address.
      history.pushState({ run: id }, '', location.href);
    }
    this.#entry = null;
    this.#left = null;
    this.#show(id, demo);
    this.#written = '';
    this.#writtenAt = -EVERY;
    if (left?.step > 0 && entry !== 'history') this.#tell('left', left, [[t('left.back', { step: number(left.step) }), () => this.back(left.id)]]);
    else this.session.emit('card', { key: 'left', gone: true });
  }

  #show(id, demo) {
    this.#shown = id;
    this.#known.add(id);
    this.#last.set(demo, id);
  }

  /** The address follows the run, but not each move of a drag: a link that changes again and again waits for its turn. */
  #address(now = false) {
    const { link, demo } = this.session.state;
    if (!demo || !this.#shown || this.#entry || this.atDoor) return;
    const state = this.#state();
    if (state + link === this.#written) return;
    clearTimeout(this.#timer);
    const wait = now || !this.#written.startsWith(state) ? 0 : this.#writtenAt + EVERY - performance.now();
    if (wait > 0) this.#timer = setTimeout(() => this.#write(), wait);
    else this.#write();
  }

  #state() {
    const { identity, want, state } = this.session;
    return JSON.stringify({ run: identity.id, paused: want !== 'running', begun: state.step > 0 });
  }

  #write() {
    clearTimeout(this.#timer);
    const { link } = this.session.state;
    // Another address was typed or followed: it is not overwritten.
    if (this.#entry) return;
    this.#written = this.#state() + link;
    this.#writtenAt = performance.now();
    // Another tab goes on with this run: here it has another name now.
    if (this.session.identity.id !== this.#shown) this.#show(this.session.identity.id, this.session.state.demo);
    const { demo } = this.session.state;
    history.replaceState(JSON.parse(this.#state()), '', `${location.pathname}${taught.search(demo)}#${link}`);
  }

  /** Back and forward name a run; a link that was typed or followed names none. */
  async #moved(state) {
    clearTimeout(this.#timer);
    const link = location.hash.slice(1);
    if (!link && !state?.run && !this.embedded) return void (this.atDoor || (this.clear(), this.#toDoor()));
    if (this.atDoor) this.#leaveDoor();
    // While another run is on its way, what is shown is not what will be.
    const stands = !this.session.phase.is('leaving', 'opening');
    if (stands && (state?.run === this.#shown || (!state?.run && link === this.session.state.link))) {
      this.#entry = null;
      if (this.#rests) this.session.run().catch(() => {});
      this.#rests = false;
      return this.#write();
    }
    this.#entry = state?.run ? 'history' : 'link';
    const turn = ++this.#turn;
    const kept = await this.#kept(state?.run);
    if (turn !== this.#turn) return;
    if (!kept) return this.#open(link, { run: this.#begins && !stays(state, kept), identity: state?.run && { id: state.run, origin: null } });
    this.clear();
    try {
      await this.#resume(kept, { run: this.#ran.get(kept.id) ?? !state.paused });
    } catch (error) {
      this.#refused(error);
    }
  }

  // --- what is said of it ------------------------------------------------------------------------------------------

  /** What an earlier visit has kept of this link, or of this demo where the link says no more. */
  async #offer(link) {
    const { session } = this;
    const { id } = session.identity;
    const { demo, link: canonical } = session.state;
    const kept = (await this.store.list()).filter((run) => !this.#known.has(run.id) && run.step > 0);
    if (id !== session.identity.id) return;
    const most = (runs) => runs.reduce((best, run) => (best && best.step >= run.step ? best : run), null);
    const same = most(kept.filter((run) => run.origin === canonical || run.link === canonical));
    const run = same ?? (link === demo ? most(kept.filter((one) => one.demo === demo)) : null);
    if (run) this.#tell('offer', run, [[t('offer.continue'), () => this.back(run.id)]]);
  }

  #tell(key, { step, link }, actions) {
    this.session.emit('card', { key, args: { step: number(step), link }, actions });
  }
}
