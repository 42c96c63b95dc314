// A pointer that presses on what is drawn on: mouse, pen or finger.

/**
 * Calls `down(event)` where the main button or a finger presses on an element, `move(events)` while it is held, with all places
 * since the last call, and `up()` when it is let go, wherever that is. Nothing is pressed where `may()` says no; a second finger
 * does nothing.
 */
export function onPress(element, { may, down, move, up }) {
  let pressed = null;
  element.addEventListener('pointerdown', (event) => {
    // A release that went astray must not hold up the next press.
    const second = pressed !== null && !event.isPrimary;
    if (event.button !== 0 || second || !may()) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    // Sent on by a script, a pointer has no id to hold on to.
    try {
      element.setPointerCapture(event.pointerId);
    } catch {}
    pressed = event.pointerId;
    down(event);
  });
  element.addEventListener('pointermove', (event) => {
    if (event.pointerId !== pressed) return;
    const parts = event.getCoalescedEvents?.() ?? [];
    move(parts.length ? parts : [event]);
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture']) {
    element.addEventListener(type, (event) => {
      if (/** @type {PointerEvent} */ (event).pointerId !== pressed) return;
      pressed = null;
      up();
    });
  }
}
