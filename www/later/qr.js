// A link as a QR code, drawn as SVG.

import { svg, html } from '../vendor/lit-html.js';
import { correction, generate } from '../vendor/lean-qr.js';
import { t } from '../i18n.js';

/** Clear modules around a code, by its standard. */
const QUIET = 4;
/** Pixels of a module: fewer are too small for a camera at some distance. */
const MODULE = 3;

/** The code as `{ side, path }`, in modules; null where the text is too long for one. */
export function modulesOf(text) {
  try {
    const code = generate(text, { minCorrectionLevel: correction.L });
    const runs = [];
    for (let y = 0; y < code.size; y += 1) {
      for (let x = 0; x < code.size; x += 1) {
        const from = x;
        while (code.get(x, y)) x += 1;
        if (x > from) runs.push(`M${from + QUIET} ${y + QUIET}h${x - from}v1h${from - x}z`);
      }
    }
    return { side: code.size + 2 * QUIET, path: runs.join('') };
  } catch {
    return null;
  }
}

/** Black on white in every theme: cameras expect it. */
export function qrCode(link) {
  const code = modulesOf(link);
  if (!code) return html`<p class="qr-none">${t('qr.too-long')}</p>`;
  const { side, path } = code;
  return html`<svg class="qr" role="img" aria-label=${t('qr.label', { link })} width=${MODULE * side} height=${MODULE * side} viewBox=${`0 0 ${side} ${side}`} shape-rendering="crispEdges">
    ${svg`<rect width=${side} height=${side} fill="#fff"></rect><path d=${path} fill="#000"></path>`}
  </svg>`;
}
