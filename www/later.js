// What a first visit does not need: fetched when it is first asked for, its style sheets before its first use.

const GROUPS = {
  tokens: {
    sheets: ['heat.css', 'reading.css', 'tokens.css'],
    modules: () => [import('./later/tokens.js'), import('./later/attention.js'), import('./later/lens.js')],
  },
  texts: {
    sheets: ['heat.css', 'texts.css'],
    modules: () => [import('./later/texts.js')],
  },
  fields: {
    sheets: ['fields.css'],
    modules: () => [import('./later/text-field.js')],
  },
  door: {
    sheets: ['door.css'],
    modules: () => [import('./later/door.js')],
  },
  keys: {
    sheets: ['keys.css'],
    modules: () => [import('./later/keys.js')],
  },
  equation: {
    sheets: ['equation.css'],
    modules: () => [import('./later/equation.js')],
  },
  glossary: {
    sheets: ['glossary.css'],
    modules: () => [import('./later/glossary.js')],
  },
  courses: {
    sheets: ['courses.css'],
    modules: () => [import('./later/courses.js')],
  },
  tasks: {
    sheets: ['tasks.css'],
    modules: () => [import('./later/task-list.js')],
  },
  share: {
    sheets: ['share.css'],
    modules: () => [import('./later/share.js'), import('./later/qr.js'), import('./later/goal.js')],
  },
  assignment: {
    sheets: ['assignment.css'],
    modules: () => [import('./later/assignment.js'), import('./later/goal.js')],
  },
  kiosk: {
    sheets: ['kiosk.css'],
    modules: () => [import('./later/kiosk.js')],
  },
  bridge: {
    sheets: [],
    modules: () => [import('./later/bridge.js')],
  },
  models: {
    sheets: ['models.css'],
    modules: () => [import('./later/model-choice.js'), import('./later/library.js'), import('./later/recorded.js')],
  },
  pictures: {
    sheets: ['pictures.css'],
    modules: () => [
      import('./later/latent.js'), import('./later/marker.js'), import('./later/sliders.js'), import('./later/pad.js'), import('./later/choice.js'),
      import('./later/pictures.js'), import('./later/picture-choice.js'),
    ],
  },
};

const asked = new Map();
const arrived = new Map();
/** Sheets, some of which several groups have. */
const sheets = new Map();

/** What the modules of a group export; rejected where they cannot be fetched. The next call then tries again. */
export function later(group) {
  if (!asked.has(group)) asked.set(group, fetchGroup(group));
  return asked.get(group);
}

/** The same, if it is here already. */
export const here = (group) => arrived.get(group);

async function fetchGroup(group) {
  const { sheets: names, modules } = GROUPS[group];
  try {
    const [parts] = await Promise.all([Promise.all(modules()), ...names.map(sheet)]);
    const all = Object.assign({}, ...parts);
    arrived.set(group, all);
    return all;
  } catch (error) {
    asked.delete(group);
    throw error;
  }
}

function sheet(name) {
  if (!sheets.has(name)) sheets.set(name, fetchSheet(name));
  return sheets.get(name);
}

function fetchSheet(name) {
  const href = new URL(`./later/${name}`, import.meta.url).href;
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
    link.addEventListener('load', () => resolve(null));
    link.addEventListener('error', () => {
      link.remove();
      sheets.delete(name);
      reject(new Error(`${name} cannot be fetched.`));
    });
    document.head.append(link);
  });
}
