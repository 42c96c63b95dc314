// The first module: words and the list of demos are on their way before everything else. Where the address has no link the front
// door is drawn as soon as they are here; what runs models comes after it, and for a link at once.

import { preferred, setLanguage } from './i18n.js';
import { demos } from './demos.js';
import { later } from './later.js';

const words = setLanguage(preferred()).catch(() => {});
const listed = demos.load();

const embedded = new URLSearchParams(location.search).has('embed');
const atDoor = !embedded && !location.hash.slice(1);
document.body.classList.toggle('embed', embedded);
document.body.classList.toggle('at-door', atDoor);

// Where it does not come the page says so.
const drawn = atDoor ? showDoor().catch(() => {}) : null;
// At the door it waits its turn: what is asked for at once comes later for it.
Promise.resolve(drawn)
  .then(() => import('./start.js'))
  .then(({ start }) => start({ words, listed, embedded }));

async function showDoor() {
  const [{ doorIn }] = await Promise.all([later('door'), words, listed]);
  const element = document.getElementById('door');
  element.hidden = false;
  await doorIn(element).show();
}
