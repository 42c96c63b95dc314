// Single keys that act wherever the focus is. Who speaks to the computer, or has a key repeated by it, can switch them off.

const KEY = 'kiln.shortcuts';
/** What takes keys itself. */
const TAKEN = 'input, select, textarea, button, summary, a, dialog, [role=application], [role=button]';

export const shortcuts = {
  get on() {
    try {
      return localStorage.getItem(KEY) !== 'off';
    } catch {
      return true;
    }
  },
  set on(value) {
    try {
      if (value) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, 'off');
    } catch {
      // No storage: they stay as they are.
    }
  },
};

/** `actOf(key)`: what a key does now, if anything. */
export function listenForKeys(actOf) {
  addEventListener('keydown', (event) => {
    if (!shortcuts.on || event.ctrlKey || event.metaKey || event.altKey || /** @type {Element} */ (event.target).closest(TAKEN)) return;
    const act = actOf(event.key);
    if (!act) return;
    act();
    event.preventDefault();
  });
}
