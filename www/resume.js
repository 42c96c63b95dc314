// Going on with a run of an earlier visit: by itself after a reload, by a card where the same link is opened again.

import { t, number } from './i18n.js';

const CAME_BACK = ['reload', 'back_forward'];

export class Resume {
  constructor(session, store) {
    this.session = session;
    this.store = store;
  }

  /** The kept checkpoint of `link`, where the page was only reloaded. */
  async atReload(link) {
    const [entry] = performance.getEntriesByType('navigation');
    const { type } = /** @type {PerformanceNavigationTiming} */ (entry) ?? {};
    if (!link || !CAME_BACK.includes(type)) return null;
    const kept = await this.store.load(link);
    this.kept = kept?.step > 0 ? kept : null;
    return this.kept;
  }

  /** After the first opening: says what was taken up, or offers what could be. */
  async opened() {
    const { session, kept } = this;
    if (kept && kept.link === session.state.link) return session.emit('card', { key: 'continued', args: { step: number(kept.step) } });
    // What is kept must not be written over before the person has chosen.
    session.saves.quiet = true;
    const { link } = session.state;
    const earlier = await this.store.load(link);
    if (!earlier || earlier.step === 0 || link !== session.state.link) {
      session.saves.quiet = false;
      return;
    }
    const settle = () => {
      session.saves.quiet = false;
      off();
    };
    // A run that has got further than the kept one has nothing to ask.
    const off = session.on('state', ({ step, link: now }) => {
      if (step < earlier.step && now === link) return;
      settle();
      session.emit('card', { key: 'offer', gone: true });
    });
    session.emit('card', {
      key: 'offer',
      args: { step: number(earlier.step) },
      actions: [
        [t('offer.continue'), () => (settle(), session.open('', { checkpoint: earlier.bytes }).catch(() => {}))],
        [t('offer.dismiss'), settle],
      ],
    });
  }
}
