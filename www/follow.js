// A link of ours whose click the page answers by itself. With a modifier the browser follows it, to another tab for one.

/** Whether the browser is not asked for another tab or window. */
export const plain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);

export function follow(event, go) {
  if (!plain(event)) return;
  event.preventDefault();
  go();
}
