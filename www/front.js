// The first script of the page: words and the list of demos are on their way before everything else, and where the address has no
// link the front door is drawn as soon as they are here. What runs models is loaded meanwhile (`main.js`).

import { preferred, setLanguage } from './i18n.js';
import { demos } from './demos.js';
import { later } from './later.js';
import { how } from './query.js';

/** Kept when the page has its words, and when it has the list of demos. */
export const words = setLanguage(preferred()).catch(() => {});
export const listed = demos.load();

/** What the door shows first, and what it says: asked for before its script is here, which would ask for one after the other. */
const FIRST = { 'cards/film.webp': 'image', 'door.json': 'fetch' };

/** In a frame there is no front door. */
const atDoor = !how.embed && !location.hash.slice(1);
document.body.classList.toggle('embed', how.embed);
document.body.classList.toggle('at-door', atDoor);
// Where it does not come, the page says so when it asks for it again.
if (atDoor) showDoor().catch(() => {});

async function showDoor() {
  for (const [name, as] of Object.entries(FIRST)) {
    const { href } = new URL(`./later/${name}`, import.meta.url);
    document.head.append(Object.assign(document.createElement('link'), { rel: 'preload', as, href, crossOrigin: as === 'fetch' ? '' : null, fetchPriority: 'high' }));
  }
  const [{ doorIn }] = await Promise.all([later('door'), words, listed]);
  // A demo may have been chosen meanwhile.
  if (!document.body.classList.contains('at-door')) return;
  const element = document.getElementById('door');
  element.hidden = false;
  await doorIn(element).show();
}
