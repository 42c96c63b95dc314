// From a demo's JSON schema to what the controls need to know of each property.

function resolve(part, root) {
  const own = { ...part };
  const refs = [part.$ref, ...(part.allOf ?? []).map(({ $ref }) => $ref)].filter(Boolean);
  for (const ref of refs) {
    const target = ref.replace(/^#\//, '').split('/').reduce((at, name) => at?.[name], root);
    for (const [name, value] of Object.entries(target ? resolve(target, root) : {})) own[name] ??= value;
  }
  return own;
}

function choices(part) {
  if (part.enum) return part.enum.map((value) => ({ value, title: String(value) }));
  const list = part.oneOf ?? part.anyOf;
  if (!list?.every((one) => 'const' in one || one.enum)) return null;
  return list.flatMap((one) =>
    'const' in one
      ? [{ value: one.const, title: one.title ?? String(one.const), description: one.description }]
      : one.enum.map((value) => ({ value, title: one.title ?? String(value), description: one.description })),
  );
}

/** `[{ key, kind: 'number'|'choice'|'switch'|'string', title, description, min, max, step, ... }]`, hidden ones left out. */
export function controlsOf(schema) {
  return Object.entries(schema?.properties ?? {})
    .map(([key, raw]) => {
      const part = resolve(raw, schema);
      const type = [].concat(part.type).find((name) => name !== 'null');
      const options = choices(part);
      const numeric = type === 'number' || type === 'integer';
      return {
        key,
        kind: options ? 'choice' : type === 'boolean' ? 'switch' : numeric ? 'number' : 'string',
        integer: type === 'integer',
        title: part.title ?? key,
        description: part.description ?? '',
        min: part.minimum ?? part.exclusiveMinimum,
        max: part.maximum ?? part.exclusiveMaximum,
        step: part['x-step'] ?? part.multipleOf ?? (type === 'integer' ? 1 : undefined),
        unit: part['x-unit'] ?? '',
        log: part['x-log'] === true,
        presets: part['x-presets'],
        live: part['x-live'] === true,
        lines: part['x-text'] === true,
        longest: part.maxLength,
        suggestions: part['x-suggestions'],
        pictures: part['x-pictures'],
        model: part['x-model'],
        examples: part.examples ?? [],
        group: part['x-group'] ?? '',
        hidden: part['x-hidden'] === true,
        when: part['x-when'] ?? {},
        more: part['x-more'] === true,
        options,
      };
    })
    .filter(({ hidden }) => !hidden);
}

/** The first property with a keyword: `[key, its value]`, or nothing. */
const withKeyword = (schema, keyword) => {
  const [key, part] = Object.entries(schema?.schema.properties ?? {}).find(([, one]) => one[keyword] !== undefined) ?? [];
  return key && [key, part[keyword]];
};

/** Where a demo takes a person's pictures: `{ key, side }`, the side of each in pixels or 0 for one whole picture; or nothing. */
export function picturesOf(schema) {
  const [key, side] = withKeyword(schema, 'x-pictures') ?? [];
  return key && { key, side };
}

/** The setting that names a demo's pretrained model, and the kind of models that it takes: `{ key, kind }`; or nothing. */
export function modelOf(schema) {
  const [key, kind] = withKeyword(schema, 'x-model') ?? [];
  return key && { key, kind };
}

/** Whether points are drawn in a run. */
export function hasPoints(schema) {
  const [key] = withKeyword(schema, 'x-pattern') ?? [];
  return Boolean(key && schema.values[key]);
}

/** Whether a link names a setting: it has another value than by default. */
export const names = (link, key) => new URLSearchParams(link.split('?')[1] ?? '').has(key);

/** The first setting that keeps a control from acting: `{ key, wanted }`, the values with which it would act; or nothing. */
export function idleBy({ when }, values) {
  const [key, wanted] = Object.entries(when).find(([key, wanted]) => key in values && !wanted.includes(values[key])) ?? [];
  return key && { key, wanted };
}

/** Whether a demo has an action of this name. */
export const offers = (schema, name) => Boolean(schema?.actions.some((action) => action.name === name));

/** A demo's actions: the one that takes drawn points, the one that clears them, and those that are buttons of the toolbar or, by its id, of a panel. */
export function actionsOf(schema) {
  const actions = schema?.actions ?? [];
  const draws = actions.find((action) => action.draws);
  const clears = draws && actions.find(({ name }) => name === 'clear');
  const buttons = actions.filter((action) => action !== draws && action !== clears);
  return { draws, clears, buttons: buttons.filter(({ panel }) => !panel), of: (id) => buttons.filter(({ panel }) => panel === id) };
}

/** A link with another value of one setting. What it does not name may follow that one: the worker completes it. */
export function linkWith(link, key, value) {
  const [demo, query = ''] = link.split('?');
  const others = query.split('&').filter((pair) => pair && pair.split('=')[0] !== key);
  return `${demo}?${[...others, `${key}=${encodeURIComponent(value)}`].join('&')}`;
}
