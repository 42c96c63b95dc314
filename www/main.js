// Starts the page: what it draws, what it sends, and what it keeps.

import { missing, threadsLater } from './capable.js';
import { chooseAdapter } from './adapter.js';
import { Session } from './session.js';
import { Store } from './store.js';
import { offer } from './offer.js';
import { preferred, setLanguage, t } from './i18n.js';
import { Page } from './page.js';
import { Resume } from './resume.js';
import { Models, greeting } from './models.js';

const query = new URLSearchParams(location.search);
const asked = query.get('device');
const paused = query.has('paused');
/** Opened where the first link cannot be. */
const FALLBACK = 'gan2d';

const hash = () => location.hash.slice(1);
const lacking = missing();
const store = new Store();
const session = new Session({ store, bound: Number(query.get('watchdog')) || 0, greeting, mayRun: () => models.ready() });
const models = new Models(session);
document.body.classList.toggle('embed', query.has('embed'));

// The worker is on its way before the first word is drawn.
if (!lacking) session.start();
const words = setLanguage(preferred()).catch(() => {});
const resume = new Resume(session, store);
const page = new Page(session, models);
const ready = lacking ? Promise.reject({ code: lacking, message: `This browser lacks ${lacking}.`, help: '' }) : first();
offer(session, ready);

// What is told before the page has its words is shown as soon as it has.
const early = [];
const off = session.on('card', (card) => early.push(card));
words.then(() => {
  off();
  page.start();
  for (const card of early) page.card(card);
  if (lacking) page.lacks(lacking);
  ready.catch(() => page.refused());
});

session.once('link').then(() => {
  resume.opened();
  threadsLater().then((threads) => (session.state.threadsLater = threads));
  chooseAdapter(asked).then(({ use, software, reason }) => (use ? session.prepareGpu({ software }) : session.explain(reason)));
});

async function first() {
  const link = hash();
  const kept = await resume.atReload(link);
  const run = !paused;
  // The page listens before anything is opened; the worker is loading all the while.
  await words;
  try {
    if (kept) await session.open('', { checkpoint: kept.bytes, run });
    else await session.open(link, { run });
  } catch (error) {
    // Overtaken by another link, or there is no worker at all: its card has a way out.
    if (error.code === 'superseded' || !session.state.device) throw error;
    // A kept checkpoint that is refused is forgotten; a link that is refused must not leave an empty page.
    if (kept) await store.forget(link);
    await session.open(kept ? link : FALLBACK, { run });
  }
}
