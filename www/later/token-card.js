// What is known of one token: how likely it was, how surprising, and what else could have stood there.

import { html, nothing } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';

/** Surprise at something of this probability, in bits. */
export const bits = (probability) => -Math.log2(Math.max(probability, 1e-12));

/** Signs for white space that nobody would see. */
export const signs = (space) => space.replaceAll('\n', '↵').replaceAll('\t', '⇥').replaceAll(' ', '␣');

/** A token's piece with its white space made visible. */
export const shown = (piece) => piece.replace(/[\n\t]+|^ | $/g, signs) || '∅';

export const percent = (value) => `${number(100 * value, value > 0 && value < 0.0995 ? 2 : 1)} %`;

/** `move(index)` goes to another token; `branch(id)` puts another one here, null where nothing was chosen by the model. */
export function tokenCard(token, { index, count, move, branch }) {
  const { id, piece, raw, p, forced, candidates } = token;
  const fact = (key, value) => html`<dt>${t(`token.${key}`)}</dt><dd>${value}</dd>`;
  return html`<div class="token-head">
      <button type="button" aria-label=${t('token.previous')} ?disabled=${index === 0} @click=${() => move(index - 1)}>‹</button>
      <code class="piece">${shown(piece)}</code>
      <button type="button" aria-label=${t('token.next')} ?disabled=${index === count - 1} @click=${() => move(index + 1)}>›</button>
    </div>
    <p class="place">${t('token.place', { at: number(index + 1), count: number(count) })}${forced ? html` · ${t('token.forced')}` : nothing}</p>
    <dl>
      ${fact('id', String(id))}
      ${raw == null ? nothing : html`${fact('raw', percent(raw))} ${p == null ? nothing : fact('p', percent(p))} ${fact('surprise', t('token.bits', { bits: number(bits(raw), 1) }))}`}
    </dl>
    ${raw == null ? html`<p class="hint">${t('token.given')}</p>` : nothing}
    ${candidates.length
      ? html`<h3>${t('token.candidates')}</h3>
          <ol class="candidates">
            ${candidates.map((candidate) => html`<li>${row(candidate, candidate.id === id, branch)}</li>`)}
          </ol>
          <p class="legend"><span class="key"><i class="raw"></i>${t('token.raw')}</span><span class="key"><i class="p"></i>${t('token.p')}</span></p>
          ${branch ? html`<p class="hint">${t('token.branch')}</p>` : nothing}`
      : nothing}`;
}

function row({ id, piece, raw, p, penalised, filter }, current, branch) {
  const bar = (name, value, y) => html`<svg class=${name} aria-hidden="true"><rect width=${`${100 * value}%`} height="100%" y=${y} /></svg>`;
  const reasons = [penalised ? 'penalised' : null, filter ? `filter.${filter}` : null].filter(Boolean).map((reason) => t(`token.${reason}`));
  const content = html`<code>${shown(piece)}</code>
    <span class="bars">${bar('raw', raw, 0)}${bar('p', p, 0)}</span>
    <span class="numbers">${percent(raw)}<br /><b>${filter ? '–' : percent(p)}</b></span>
    ${reasons.length ? html`<small class="reason">${reasons.join(' · ')}</small>` : nothing}`;
  if (!branch || current) return html`<div class="candidate" aria-current=${current ? 'true' : nothing}>${content}</div>`;
  return html`<button type="button" class="candidate" data-id=${id} @click=${() => branch(id)}>${content}</button>`;
}
