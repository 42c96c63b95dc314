// Text as a language model sees it: running text of tokens, each of which can be asked what else could have stood there.

import { html, render, nothing } from '../vendor/lit-html.js';
import { t, number } from '../i18n.js';
import { copy } from '../cards.js';
import { offers } from '../schema.js';
import { Composer } from './composer.js';
import { bits, percent, shown, tokenCard } from './token-card.js';
import { heat } from './heat.js';
import { lineFrom } from './lines.js';

/** Upper ends of the steps of surprise, in bits: from 50 percent down to one in a thousand. */
const SURPRISE = [1, 3, 5, 7, 10];
const SENTENCE = /^[\s\S]*[.!?。！？\n]/;
/** Parts the person's turns of a chat. */
const TURN = '\u001e';
/** Roles of what the model said: what it wrote, without the mark of the end. */
const WRITTEN = ['assistant', 'generated'];

export class Tokens {
  constructor({ session, consent, bus }) {
    this.session = session;
    this.bus = bus;
    this.tokens = [];
    this.spans = [];
    /** The shade of attention of each span. */
    this.steps = new WeakMap();
    /** Stretches of one role: `{ role, element }`. */
    this.turns = [];
    this.switched = { surprise: false, marks: false };
    this.stop = '';
    this.spoken = 0;
    this.element = document.createElement('div');
    this.element.className = 'tokens';
    const part = (tag, className) => Object.assign(document.createElement(tag), { className });
    this.tools = part('div', 'tools');
    this.text = part('div', 'reading');
    this.side = part('aside', 'token-card');
    this.said = part('p', 'stop');
    this.live = part('p', 'off-screen');
    this.live.setAttribute('aria-live', 'polite');
    this.said.setAttribute('role', 'status');
    this.text.tabIndex = 0;
    this.text.setAttribute('role', 'group');
    this.composer = new Composer(session, consent, this);
    this.element.append(this.tools, this.text, this.said, this.composer.element, this.side, this.live);
    this.#listen();
    this.offs = [
      bus.on('attention', (view) => this.#attend(view)),
      session.on('schema', () => this.render()),
      session.on('state', () => this.#state()),
    ];
    this.render();
  }

  /** Whether the person talks to the model here. Else the text is a sample, which comes anew as a whole while the model learns. */
  get composes() {
    return offers(this.session.schema, 'send');
  }

  /** Whether anything here was written by the model. */
  get written() {
    return this.tokens.some(({ raw }) => raw != null);
  }

  update({ from, tokens, chosen, stop }) {
    const start = Math.min(from, this.tokens.length);
    const all = this.tokens.slice(0, start).concat(tokens);
    // What stands already is left alone: a stream of new tokens touches no old one.
    let same = start;
    while (same < all.length && same < this.tokens.length && alike(this.tokens[same], all[same])) same += 1;
    this.tokens = all;
    this.#cut(same);
    for (let index = same; index < all.length; index += 1) this.#append(all[index], index);
    // In a sample the person looks at a place; what is cut off a conversation is gone.
    this.#mark(this.cursor < (this.composes ? same : all.length) ? this.cursor : undefined);
    this.#choose(chosen ?? undefined);
    const bare = this.element.classList.contains('bare');
    // The page grows shorter: where the person goes on is kept in sight.
    if (this.element.classList.toggle('bare', !all.length) && !bare) this.composer.field?.scrollIntoView({ block: 'nearest' });
    if (same < all.length && this.following && this.composes) this.#scroll();
    if (this.composes) this.#speak(same, stop);
    this.stop = stop;
    this.bus.tokens = all;
    this.#show();
    this.composer.render();
    this.#stopped();
  }

  /** Of the newest token that the model wrote: `raw` and `p`, its probabilities, and its surprise in `bits`. */
  says(name) {
    const token = this.tokens.findLast(({ raw }) => raw != null);
    if (!token) return undefined;
    if (name === 'bits') return number(bits(token.raw), 1);
    return token[name] == null ? undefined : percent(token[name]);
  }

  // The text stays as it is: what is no longer true is replaced by what comes.
  keepTo() {}

  retitle() {
    this.render();
    this.#stopped();
    this.composer.render();
  }

  remove() {
    for (const off of this.offs) off();
    clearTimeout(this.timer);
    this.element.remove();
  }

  // --- text --------------------------------------------------------------------------------------------------------

  #cut(length) {
    for (const span of this.spans.splice(length)) span.remove();
    while (this.turns.length && !this.turns.at(-1).element.lastElementChild) this.turns.pop().element.remove();
  }

  #append(token, index) {
    let turn = this.turns.at(-1);
    if (turn?.role !== token.role) {
      turn = { role: token.role, element: document.createElement('p') };
      turn.element.className = `turn ${token.role}`;
      turn.element.dataset.role = t(`role.${token.role}`, {}, token.role);
      this.turns.push(turn);
      this.text.append(turn.element);
    }
    const span = document.createElement('span');
    span.className = `token${token.forced ? ' forced' : ''}${token.text === '\n' ? ' newline' : ''}`;
    span.dataset.index = String(index);
    if (token.raw != null) {
      const surprise = SURPRISE.findIndex((most) => bits(token.raw) < most);
      span.dataset.surprise = String(surprise < 0 ? SURPRISE.length : surprise);
    }
    span.textContent = token.text;
    this.spans[index] = span;
    turn.element.append(span);
  }

  /** What comes now is what the person wants to see, wherever they looked before; `anew`: whatever token they chose. */
  follow(anew) {
    this.following = true;
    this.#scroll();
    this.#mark(undefined);
    if (anew && this.chosen !== undefined) this.session.act('choose', { token: null });
  }

  #scroll() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.text.scrollTop = this.text.scrollHeight;
    });
  }

  /** Finished sentences are said, and what is left when it stops; not each token. */
  #speak(same, stop) {
    const text = this.tokens.map(({ text: part, role }) => (WRITTEN.includes(role) ? part : '')).join('');
    const before = this.tokens.slice(0, same).reduce((sum, { text: part, role }) => sum + (WRITTEN.includes(role) ? part.length : 0), 0);
    // A text that stands when it is opened is there to be read.
    const fresh = same === 0 && this.session.state.status !== 'running';
    if (fresh || this.spoken > before) this.spoken = fresh ? text.length : before;
    const rest = text.slice(this.spoken);
    const sentence = stop ? rest : (rest.match(SENTENCE)?.[0] ?? '');
    this.spoken += sentence.length;
    if (sentence.trim()) this.live.textContent = sentence.trim();
  }

  /** The text without the marks of the chat format. */
  plain() {
    const turns = this.turns.filter(({ role }) => role !== 'template').map(({ element }) => element.textContent);
    return turns.length === this.turns.length ? turns.join('') : turns.map((text) => text.trim()).join('\n\n');
  }

  // --- one token ---------------------------------------------------------------------------------------------------

  #listen() {
    const { text } = this;
    const indexOf = (event) => event.target.closest?.('.token')?.dataset.index;
    text.addEventListener('pointerover', (event) => {
      if (event.pointerType === 'touch') return;
      const index = indexOf(event);
      this.hover = index === undefined ? undefined : Number(index);
      this.#show();
    });
    text.addEventListener('pointerleave', () => {
      this.hover = undefined;
      this.#show();
    });
    text.addEventListener('click', (event) => {
      const index = indexOf(event);
      // Text that was marked to be copied is not a choice.
      if (index !== undefined && !getSelection()?.toString()) this.#point(Number(index), true);
    });
    text.addEventListener('keydown', (event) => this.#key(event));
    text.addEventListener('scroll', () => (this.following = text.scrollHeight - text.scrollTop - text.clientHeight < 40), { passive: true });
    this.following = true;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.tokens.length) return;
    const last = this.tokens.length - 1;
    const at = this.cursor ?? this.chosen ?? last;
    const visible = (step) => {
      let to = at + step;
      while (this.spans[to] && !this.spans[to].getClientRects().length) to += step;
      return this.spans[to] ? to : at;
    };
    if (event.key === 'ArrowRight') this.#point(visible(1));
    else if (event.key === 'ArrowLeft') this.#point(visible(-1));
    else if (event.key === 'ArrowDown') this.#point(lineFrom(this.spans, at, 1));
    else if (event.key === 'ArrowUp') this.#point(lineFrom(this.spans, at, -1));
    else if (event.key === 'Home') this.#point(0);
    else if (event.key === 'End') this.#point(last);
    else if (event.key === 'Enter') this.#point(at, true);
    else if (event.key === 'Escape') this.#point(undefined, true);
    else return;
    event.preventDefault();
  }

  #mark(index) {
    this.spans[this.cursor]?.classList.remove('at');
    this.cursor = index;
    this.spans[index]?.classList.add('at');
  }

  /** Moves the cursor; `choose` also asks the worker to look at this token. */
  #point(index, choose = false) {
    this.#mark(index);
    this.spans[index]?.scrollIntoView({ block: 'nearest' });
    const { schema } = this.session;
    const { attention, lens } = schema?.values ?? {};
    clearTimeout(this.timer);
    if (offers(schema, 'choose') && (choose || attention || lens)) {
      const token = index ?? null;
      this.timer = setTimeout(() => this.session.act('choose', { token }), choose ? 0 : 150);
    }
    this.#show();
    const token = this.tokens[index];
    if (token) {
      const place = t('token.place', { at: number(index + 1), count: number(this.tokens.length) });
      this.live.textContent = `${shown(token.piece)}. ${place}. ${token.p == null ? '' : t('token.said', { p: number(100 * token.p, 1) })}`;
    }
  }

  #choose(chosen) {
    if (chosen !== this.chosen) this.spans[this.chosen]?.classList.remove('chosen');
    this.spans[chosen]?.classList.add('chosen');
    this.chosen = chosen;
  }

  /** The card of the token that is pointed at, or else of the newest. */
  #show() {
    this.showing ??= requestAnimationFrame(() => {
      this.showing = null;
      const writes = this.composes && this.session.state.status === 'running';
      const index = this.hover ?? this.cursor ?? (writes ? undefined : this.chosen) ?? this.tokens.length - 1;
      const token = this.tokens[index];
      const move = (to) => this.tokens[to] && this.#point(to);
      const branch = offers(this.session.schema, 'branch') && token?.candidates.length ? (id) => this.composer.branch(index, id) : null;
      render(token ? tokenCard(token, { index, count: this.tokens.length, move, branch }) : nothing, this.side);
    });
  }

  // --- colours -----------------------------------------------------------------------------------------------------

  /** Colours the text by what one head gave to each token. */
  #attend({ token, weights }) {
    this.looked?.classList.remove('looked');
    this.looked = this.spans[token];
    this.looked?.classList.add('looked');
    this.spans.forEach((span, index) => {
      const step = index <= token ? heat(Math.sqrt(weights[index])) : '';
      // Only what has changed: each change is a style to be computed anew.
      if (step === (this.steps.get(span) ?? '')) return;
      this.steps.set(span, step);
      if (step) span.dataset.heat = step;
      else delete span.dataset.heat;
    });
  }

  // --- around it ---------------------------------------------------------------------------------------------------

  #state() {
    const { status } = this.session.state;
    if (status === this.status) return;
    this.status = status;
    this.composer.render();
    this.#stopped();
  }

  #stopped() {
    const { state, schema } = this.session;
    const why = state.status === 'paused' && this.composes && this.stop ? t(`stop.${this.stop}`, { tokens: schema?.values.max_tokens ?? '' }, '') : '';
    if (this.said.textContent !== why) this.said.textContent = why;
  }

  /** The text has one colouring at a time: while it shows attention, surprise takes that one's place. */
  #switch(name) {
    const replaces = name === 'surprise' && this.session.schema.values.attention === true;
    this.switched[name] = replaces || !this.switched[name];
    if (replaces) this.session.set('attention', false);
    this.render();
  }

  render() {
    const { values = {} } = this.session.schema ?? {};
    const { switched } = this;
    this.text.setAttribute('aria-label', t('tokens.label'));
    // Before there are tokens: what will be asked.
    this.text.dataset.empty = String(values.prompt ?? '').replaceAll(TURN, '\n') || t('tokens.empty');
    this.text.classList.toggle('asks', Boolean(values.chat && values.prompt));
    this.element.classList.toggle('bare', !this.tokens.length);
    this.element.classList.toggle('sample', !this.composes);
    for (const { role, element } of this.turns) element.dataset.role = t(`role.${role}`, {}, role);
    this.text.classList.toggle('surprise', switched.surprise && !values.attention);
    this.text.classList.toggle('attention', values.attention === true);
    this.text.classList.toggle('marks', switched.marks);
    const button = (name, on, act) =>
      html`<button type="button" data-show=${name} aria-pressed=${on} title=${t(`tokens.${name}.hint`)} @click=${act}>${t(`tokens.${name}`)}</button>`;
    const live = (key) =>
      key in values ? button(key, values[key] === true, () => this.session.set(key, !values[key])) : nothing;
    render(
      html`<div class="group">
          ${button('surprise', switched.surprise && !values.attention, () => this.#switch('surprise'))} ${live('attention')} ${live('lens')}
          ${values.chat ? button('marks', switched.marks, () => this.#switch('marks')) : nothing}
          <button type="button" class="quiet" data-do="copy" @click=${async ({ target }) => (target.textContent = t((await copy(this.plain())) ? 'copied' : 'copy-failed'))}>
            ${t('tokens.copy')}
          </button>
        </div>
        ${this.#legend(values)}`,
      this.tools,
    );
    this.composer.render();
    this.#show();
  }

  #legend(values) {
    const step = (kind, value, label) => html`<span class="key"><i class="swatch" data-surprise=${kind === 'surprise' ? value : nothing} data-heat=${kind === 'heat' ? value : nothing}></i>${label}</span>`;
    if (values.attention) return html`<div class="legend attention">${[1, 3, 6, 9].map((value) => step('heat', value, `${number(100 * (value / 9) ** 2, 0)} %`))}</div>`;
    if (!this.switched.surprise) return nothing;
    const ends = [0, ...SURPRISE];
    return html`<div class="legend surprise">
      ${ends.map((from, index) => step('surprise', index, index < SURPRISE.length ? `${from}–${ends[index + 1]}` : `> ${from}`))}
      <span>${t('tokens.bits')}</span>
    </div>`;
  }
}

const alike = (a, b) => a.id === b.id && a.text === b.text && a.role === b.role && a.forced === b.forced && a.raw === b.raw;
