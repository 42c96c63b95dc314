// A link of ours whose click the page answers by itself. With a modifier the browser follows it, to another tab for one.

export function follow(event, go) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
  event.preventDefault();
  go();
}
