// Moves the page to one of its parts.

/** Room above what the page has moved to, in pixels. */
const ROOM = 16;
/** What the page has moved to is marked for so long, in ms. */
const MARKED = 1500;

/** To the run with its toolbar above it; `focus` takes the keyboard there, too. */
export function moveToRun({ focus }) {
  const [run, toolbar] = ['main', 'toolbar'].map((id) => document.getElementById(id));
  const [box, bar] = [run, toolbar].map((element) => element.getBoundingClientRect());
  // A toolbar that goes along covers what is under it; another one stands above the run.
  const sticky = getComputedStyle(toolbar).position === 'sticky';
  move(sticky ? box.top - bar.height : bar.top);
  if (focus) run.focus({ preventScroll: true });
  mark(run);
}

/** To another part, which the keyboard's focus goes to: a heading or a button of its own, or itself. */
export function moveTo(element, target = element) {
  move(element.getBoundingClientRect().top);
  target.focus({ preventScroll: true });
}

function move(top) {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  scrollTo({ top: Math.max(0, scrollY + top - ROOM), behavior: calm ? 'instant' : 'smooth' });
}

let timer = 0;

function mark(element) {
  clearTimeout(timer);
  element.classList.add('arrived');
  timer = setTimeout(() => element.classList.remove('arrived'), MARKED);
}
