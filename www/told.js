// What the session tells, and what goes wrong, as cards.

import { number, t } from './i18n.js';
import { KINDS, cardOfError } from './cards.js';
import { demos } from './demos.js';
import { how } from './query.js';

/** Cards of the session that speak of the run that is open: another one puts them away. */
const OF_RUN = ['offer', 'continued', 'left'];
/** Cards that speak of what a visitor has done and keeps: in a kiosk everybody is the next visitor. */
const OF_VISIT = [...OF_RUN, 'memory-only'];
/** Those that are there to be read, not to be acted on, and stay nevertheless. */
const STAY = ['address'];

export class Told {
  /** `open(link, options)`; `quietly(promise)` waits for what tells its own errors; `models()` shows the library. */
  constructor(session, cards, { open, quietly, models }) {
    this.session = session;
    this.cards = cards;
    this.does = { open, quietly, models };
  }

  /** An error of the worker. */
  failed(event) {
    const { session, does } = this;
    const card = cardOfError(event);
    const good = session.saves.last;
    if (event.code === 'diverged') {
      card.actions = [[t(good ? 'error.back' : 'error.restart', { step: number(good?.step ?? 0) }), () => does.quietly(session.restore())]];
      card.link = false;
    } else if (event.code === 'fetch') {
      card.actions = [[t('retry'), () => (session.state.demo ? does.quietly(session.run({ download: true })) : does.open(session.pending.link, { run: true }))]];
    } else if (event.code === 'module') {
      card.actions = [[t('retry'), () => does.open(session.pending.link, { run: true })]];
    } else if (event.code === 'out-of-space') {
      card.actions = [[t('models.title'), does.models]];
    }
    this.cards.show(card);
  }

  /** A card of the session. */
  card({ key, args = {}, detail = '', actions, gone, error }) {
    const { session, does } = this;
    if (gone) return this.cards.dismiss(key);
    if (how.kiosk && OF_VISIT.includes(key)) return;
    const kind = KINDS[key] ?? 'note';
    const say = (name, ...fallback) => t(`${session.state.demo}.${name}`, args, t(name, args, ...fallback));
    const stay = STAY.includes(key) || (Boolean(actions) && key !== 'left');
    const card = { key, kind, title: say(`card.${key}`), text: say(`card.${key}.text`, ''), detail, actions, stay, link: OF_RUN.includes(key) };
    if (['unreachable', 'stopped', 'slow'].includes(key)) {
      if (error?.message && error.code !== key) card.help = `${error.message} ${error.help ?? ''}`;
      card.actions = [[t('retry'), () => does.quietly(session.retry())]];
    } else if (key === 'continued') {
      // A text is begun anew from beside it.
      card.stay = demos.does(session.state.demo) !== 'writes';
      card.actions = [[t('continued.over'), () => does.open(session.state.link)]];
    }
    this.cards.show(card);
  }
}
