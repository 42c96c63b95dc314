// A formula written in a small part of TeX, as MathML, which browsers draw by themselves.
//
// `_` and `^` put what follows below and above; `{}` group; `\frac{a}{b}`, `\sqrt{a}`, `\hat{a}`, `\bar{a}` and `\tilde{a}` are drawn as
// in TeX. Two letters or more are one upright name (log, KL), a single letter is a variable, `\E` an upright letter. A space is a thin space. Every other sign
// stands for itself: Greek letters and operators are written as such.

const NS = 'http://www.w3.org/1998/Math/MathML';
const ACCENTS = { hat: '^', bar: '¯', tilde: '~' };
const FENCES = /^[()[\]{}|‖]$/;
/** Signs that belong to what follows them, and take no room as operators do. */
const NAMES = /^[\p{L}∇∞]$/u;

function element(name, ...children) {
  const made = document.createElementNS(NS, name);
  made.append(...children);
  return made;
}

/** A `math` element for a formula. */
export function mathOf(source) {
  const signs = source.match(/\\[A-Za-z]+|[A-Za-z]{2,}|[\d.]+|./gu) ?? [];
  const math = element('math', ...list(signs));
  math.setAttribute('display', 'inline');
  return math;
}

/** Takes signs up to the end of a group. */
function list(signs) {
  const made = [];
  while (signs.length && signs[0] !== '}') made.push(scripted(signs));
  return made;
}

function scripted(signs) {
  const base = atom(signs);
  const scripts = {};
  while (signs[0] === '_' || signs[0] === '^') {
    const which = signs.shift();
    scripts[which] = atom(signs);
  }
  const { _: sub, '^': sup } = scripts;
  if (sub && sup) return element('msubsup', base, sub, sup);
  if (sub) return element('msub', base, sub);
  return sup ? element('msup', base, sup) : base;
}

function atom(signs) {
  const sign = signs.shift() ?? '';
  if (sign === '{') {
    const row = element('mrow', ...list(signs));
    signs.shift();
    return row;
  }
  if (sign === '\\frac') return element('mfrac', atom(signs), atom(signs));
  if (sign === '\\sqrt') return element('msqrt', atom(signs));
  const accent = sign.startsWith('\\') && ACCENTS[sign.slice(1)];
  if (accent) {
    const over = element('mover', atom(signs), element('mo', accent));
    over.setAttribute('accent', 'true');
    return over;
  }
  if (sign === ' ') {
    const space = element('mspace');
    space.setAttribute('width', '0.2em');
    return space;
  }
  if (/^[\d.]/.test(sign)) return element('mn', sign);
  if (sign.startsWith('\\')) {
    const upright = element('mi', sign.slice(1));
    upright.setAttribute('mathvariant', 'normal');
    return upright;
  }
  if (sign.length > 1 || NAMES.test(sign)) return element('mi', sign);
  const operator = element('mo', sign);
  // Brackets as high as the line: some fonts have no size between that and twice as high.
  if (FENCES.test(sign)) operator.setAttribute('stretchy', 'false');
  return operator;
}
