// Lines of a text whose words are elements.

/** The nearest of `spans` on the line below `at`, or above it where `way` is -1; `at` where there is no such line. */
export function lineFrom(spans, at, way) {
  const here = spans[at].getBoundingClientRect();
  let best = at;
  let nearest = Infinity;
  for (let index = at + way; spans[index]; index += way) {
    const there = spans[index].getBoundingClientRect();
    const below = way * (there.top - here.top);
    if (!there.width || below < here.height / 2) continue;
    const distance = Math.abs(there.left - here.left) + 4 * below;
    if (distance >= nearest && below > 3 * here.height) break;
    if (distance < nearest) [best, nearest] = [index, distance];
  }
  return best;
}
