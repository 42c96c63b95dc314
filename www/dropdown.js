// Lists that open under a button of the header: Escape, a click outside and the way out with Tab close them. Each is a
// `<details class="drop">`; the browser opens it, and says so to screen readers.

const close = (kept) => {
  for (const one of document.querySelectorAll('details.drop[open]')) if (!one.contains(kept)) one.removeAttribute('open');
};

addEventListener('pointerdown', ({ target }) => close(target));
addEventListener('focusin', ({ target }) => close(target));
addEventListener('keydown', (event) => {
  const open = event.key === 'Escape' && document.querySelector('details.drop[open]');
  if (!open) return;
  const inside = open.contains(document.activeElement);
  open.removeAttribute('open');
  // The button has the focus again, unless it was elsewhere.
  if (inside) /** @type {HTMLElement} */ (open.querySelector('summary')).focus();
});

/** The arrow keys go through the links of a list, and down from its button into it. */
export function arrows(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const list = event.currentTarget;
  if (!by || !list.open) return;
  const links = [...list.querySelectorAll('a, button')];
  const at = links.indexOf(document.activeElement);
  event.preventDefault();
  if (at + by >= 0) links[Math.min(at + by, links.length - 1)]?.focus();
}
