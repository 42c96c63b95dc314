// A pointer that presses on what is drawn on: mouse, pen or finger.

/**
 * Calls `down` where the main button or a finger presses on an element, `move` while it is held and `up` when it is let go,
 * wherever that is. Nothing is pressed where `may()` says no.
 */
export function onPress(element, { may, down, move, up }) {
  let pressed = false;
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !may()) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    // Sent on by a script, a pointer has no id to hold on to.
    try {
      element.setPointerCapture(event.pointerId);
    } catch {}
    pressed = true;
    down(event);
  });
  element.addEventListener('pointermove', (event) => {
    if (!pressed) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) move(part);
  });
  for (const type of ['pointerup', 'pointercancel']) {
    element.addEventListener(type, () => {
      if (!pressed) return;
      pressed = false;
      up();
    });
  }
}
