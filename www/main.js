// What runs models: what the page draws, what it sends, and what it keeps.

import { missing, threadsLater } from './capable.js';
import { chooseAdapter } from './adapter.js';
import { Session } from './session.js';
import { Store } from './store.js';
import { offer } from './offer.js';
import { Page } from './page.js';
import { Runs } from './runs.js';
import { Models, greeting } from './models.js';
import { Metrics } from './metrics.js';
import { demos } from './demos.js';
import { how } from './query.js';
import { taught } from './taught.js';
import { listed, words } from './front.js';
import { glossary } from './glossary.js';
import { within } from './within.js';

/** A demo that has shown nothing for so long shows nothing by itself, in ms. */
const FIRST_VIEW = 1000;

const lacking = missing();
const store = new Store();
const session = new Session({ store, bound: how.watchdog, greeting, mayRun: () => models.ready(), mustAsk: () => models.missing });
const models = new Models(session);

session.on('hello', (event) => demos.learn(event.demos ?? []));
taught.watch(session);
const metrics = new Metrics(session);
const runs = new Runs(session, store, { embedded: how.embed, clear: () => page.cards.clearLink(), show: () => page.place.show() });
const page = new Page(session, models, runs, metrics);
// The worker is on its way before the first word is drawn: as soon as it is known in which module the link's demo is. At the front
// door none is, before something is opened.
const opening = runs.atDoor && session.once('opening');
const started = listed.then(async () => {
  await opening;
  if (!lacking) session.start(opening ? undefined : location.hash.slice(1));
});
const spoken = Promise.all([words, listed]);
const ready = lacking ? Promise.reject({ code: lacking, message: `This browser lacks ${lacking}.`, help: '' }) : first();
offer(session, metrics, ready);

// What is told before the page has its words is shown as soon as it has.
const early = [];
const off = session.on('card', (card) => early.push(card));
spoken.then(() => {
  off();
  page.start();
  for (const card of early) page.told.card(card);
  if (lacking) page.lacks(lacking);
  ready.catch(() => page.refused());
});

session.once('link').then(() => {
  threadsLater().then((threads) => (session.state.threadsLater = threads));
  chooseAdapter(how.device || null).then(({ use, software, reason }) => (use ? session.handover.prepare({ software }) : session.explain(reason)));
});

// After the first picture there is time for the words that explain the lesson's. A frame has no lesson.
if (!how.embed) session.once('reset').then(() => within(FIRST_VIEW, session.once('views'))).catch(() => {}).then(() => glossary.wake());

async function first() {
  // What is opened from the door is asked for there.
  if (opening) return void (await session.once('reset'));
  // The page listens before anything is opened; the worker is loading all the while.
  await Promise.all([spoken, started]);
  return runs.first({ paused: how.paused });
}
