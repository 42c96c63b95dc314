// How the page is shown: what the address says before its `#`. What comes after it is the run. One table reads and writes it.

/** Seconds without a touch after which a kiosk starts over, where the address names none, and the fewest and most. */
export const KIOSK = { usual: 120, min: 15, max: 3600 };
/** Characters of a title and of a task. */
export const LONGEST = { title: 120, task: 1000 };

const TARGET = /^(figure|series):([\w-]+):(below|above):(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?::within:(\d+))?$/;
const NAMES = /^[\w-]*(,[\w-]+)*$/;

const flag = { none: false, read: (text) => ({ '': true, 1: true, true: true, 0: false, false: false })[text], write: () => '' };
const oneOf = (...all) => ({ none: '', read: (text) => all.find((one) => one === text) });
const names = (none) => ({
  none,
  read: (text) => (NAMES.test(text) ? [...new Set(text.split(',').filter(Boolean))] : undefined),
  write: (list) => list.join(','),
});
const words = (longest) => ({ none: '', read: (text) => (text.length <= longest ? text.trim() : undefined) });
const whole = ({ usual = undefined, min, max }) => ({
  none: 0,
  read: (text) => {
    const value = text === '' ? usual : /^\d+$/.test(text) ? Number(text) : undefined;
    return value >= min && value <= max ? value : undefined;
  },
  write: (value) => (value === usual ? '' : String(value)),
});

/** `read(text)`: the value, or undefined where the text is none. `write(value)`: its text; nothing is written of `none`. */
const FIELDS = {
  embed: flag,
  paused: flag,
  lang: { none: '', read: (text) => ['en', 'zh'].find((name) => text.toLowerCase().startsWith(name)) },
  title: words(LONGEST.title),
  task: words(LONGEST.task),
  target: { none: null, read: readTarget, write: writeTarget },
  controls: names(null),
  tiles: names(null),
  locked: names([]),
  kiosk: whole(KIOSK),
  bridge: { none: '', read: readOrigin },
  device: oneOf('cpu', 'webgpu'),
  threads: oneOf('1'),
  watchdog: whole({ min: 1, max: 3_600_000 }),
};

/** `{ figure | series, below | above, within? }`; `within` in steps. */
function readTarget(text) {
  const [, kind, name, side, bound, within] = TARGET.exec(text) ?? [];
  return kind && { [kind]: name, [side]: Number(bound), ...(within ? { within: Number(within) } : {}) };
}

function writeTarget({ figure = '', series = '', below = undefined, above = undefined, within = undefined }) {
  const measure = figure ? `figure:${figure}` : `series:${series}`;
  const bound = below !== undefined ? `below:${below}` : `above:${above}`;
  return `${measure}:${bound}${within === undefined ? '' : `:within:${within}`}`;
}

/** An origin that a browser would send: no path, and none that stands for several. */
function readOrigin(text) {
  try {
    const { origin, protocol } = new URL(text);
    return /^https?:$/.test(protocol) && text.replace(/\/$/, '').toLowerCase() === origin ? origin : undefined;
  } catch {
    return undefined;
  }
}

/** What an address without a query says. */
export const plain = () => Object.fromEntries(Object.entries(FIELDS).map(([key, { none }]) => [key, none]));

/** `{ how, unknown, broken }`: what is asked for, parameters that there are none of, and those whose values are none: `[key, text]`. */
export function read(search) {
  const found = { how: plain(), unknown: [], broken: [] };
  for (const [key, text] of new URLSearchParams(search)) {
    const value = Object.hasOwn(FIELDS, key) ? FIELDS[key].read(text) : null;
    if (value === null) found.unknown.push(key);
    else if (value === undefined) found.broken.push([key, text]);
    else found.how[key] = value;
  }
  return found;
}

/** The query of an address, with its question mark; empty where it says nothing. */
export function write(how) {
  const parts = Object.entries(FIELDS)
    .filter(([key, { none }]) => JSON.stringify(how[key] ?? none) !== JSON.stringify(none))
    .map(([key, { write: textOf = String }]) => {
      const text = encodeURIComponent(textOf(how[key]).toWellFormed());
      // What may stand in a query as it is can be read there.
      return text ? `${key}=${text.replaceAll('%20', '+').replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%2F', '/')}` : key;
    });
  return parts.length ? `?${parts.join('&')}` : '';
}

/** What this page's own address asks for. */
export const { how, unknown, broken } = read(location.search);
