// How time is taken: the same loops for Kiln and for its peers. A step is timed until its result has been read.

const now = () => performance.now();
/** What the GPU has been given so far (probe.js); nothing where no probe was put into the page. */
const counted = () => globalThis.__probe?.read();

/** `values` sorted in the middle; the mean of two where they are even in number. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function perStep(before, after, steps) {
  const names = ['dispatches', 'submits', 'passes', 'writes', 'pipelines', 'buffers'];
  return after && Object.fromEntries(names.map((name) => [name, (after[name] - before[name]) / steps]));
}

/**
 * Times `task.step(i)`, whose result `task.read(result)` brings to the CPU as a list of numbers; `task.drop(result)` frees it.
 * The first `checked` steps make up `check`, and no step before `warm` is a sample. Sampling ends with the budget, with at
 * least `least` samples unless a step is so slow (a software GPU) that they would take many budgets. A task with a `limit`
 * can take that many steps until `task.restart()`.
 */
export async function timeSteps(task, options = {}) {
  const { budgetMs = 8000, warm = 3, checked = 3, least = 5, most = 1000 } = options;
  let next = 0;
  const once = async () => {
    const began = now();
    const result = await task.step(next++);
    const numbers = await task.read(result);
    const ms = now() - began;
    task.drop?.(result);
    return { ms, numbers };
  };

  const start = now();
  const late = () => now() - start > 6 * budgetMs;
  const untouched = counted();
  const first = await once();
  const cold = now();
  const firstPipelines = untouched && counted().pipelines - untouched.pipelines;
  const check = [...first.numbers];
  while (next < Math.max(warm, checked) && !late()) {
    const { numbers } = await once();
    if (next <= checked) check.push(...numbers);
  }

  const samples = [];
  const before = counted();
  const began = now();
  const wanted = () => samples.length < least || (now() - began < budgetMs && samples.length < most);
  // Counts are of steps alone: a restart would be counted with them, so they end with the first.
  let after;
  let stepsCounted;
  while (wanted() && !(samples.length && late())) {
    if (next === task.limit) {
      after ??= counted();
      stepsCounted ??= samples.length;
      await task.restart();
      next = 0;
    }
    samples.push((await once()).ms);
  }
  after ??= counted();
  const gpu = perStep(before, after, stepsCounted ?? samples.length);

  // Steps in a row without reading, as in training between two looks at the losses.
  let pipelined_ms;
  if (task.inARow && !late()) {
    const count = Math.max(2, Math.min(30, Math.round(budgetMs / 2 / median(samples))));
    const began = now();
    for (let i = 1; i < count; i++) task.drop?.(await task.step(next++));
    const last = await task.step(next++);
    await task.read(last);
    pipelined_ms = (now() - began) / count;
    task.drop?.(last);
  }
  const end = counted();
  return {
    first_ms: first.ms, cold_ms: cold, samples, pipelined_ms, check,
    gpu, first_pipelines: firstPipelines, gpu_peak_bytes: end?.peak, gpu_live_bytes: end?.live,
  };
}

/**
 * Times a language model token by token: prompts first, then single tokens, the likeliest each time. `prefill()` begins anew
 * and gives the token after the prompt, `decode(token)` the next one; `read(token)` tells its number. From the prompt's end it
 * goes 40 tokens far, then the prompt is fed again.
 */
export async function timeTokens({ prefill, decode, read = (id) => id, drop = () => {} }, options = {}) {
  const { budgetMs = 8000 } = options;
  const numbers = async (token) => [await read(token)];
  const prompts = await timeSteps(
    { step: prefill, read: numbers, drop },
    { budgetMs: budgetMs / 2, warm: 2, checked: 1, least: 3, most: 8 },
  );
  let token = await prefill();
  const check = await numbers(token);
  const advance = async () => {
    const following = await decode(token);
    drop(token);
    return (token = following);
  };
  const restart = async () => {
    drop(token);
    token = await prefill();
  };
  const tokens = await timeSteps({ step: advance, read: numbers, limit: 40, restart }, { budgetMs, warm: 4, checked: 6 });
  const { first_ms, cold_ms, samples, gpu } = prompts;
  // Of the first prompt and the first token.
  const first_pipelines = counted() && prompts.first_pipelines + tokens.first_pipelines;
  return { ...tokens, first_ms, cold_ms, first_pipelines, prefill: { samples, gpu }, check: [...check, ...tokens.check] };
}

/**
 * Times whole texts, for libraries that write in bursts. `write(n)` gives the text of `n` tokens and for each the milliseconds
 * since the prompt went in; a sample is the mean of a text's tokens after its first.
 */
export async function timeTexts(write, tokens, { budgetMs = 8000 } = {}) {
  const first = await write(8);
  const cold_ms = now();
  const texts = [];
  const before = counted();
  while (texts.length < 3 || (now() - cold_ms < budgetMs && texts.length < 6)) {
    texts.push(await write(tokens));
    if (now() - cold_ms > 6 * budgetMs) break;
  }
  const end = counted();
  return {
    first_ms: first.times[0],
    cold_ms,
    samples: texts.map(({ times }) => (times.at(-1) - times[0]) / (times.length - 1)),
    prefill: { samples: texts.map(({ times }) => times[0]) },
    check: [texts[0].text.slice(0, 120)],
    gpu: perStep(before, end, texts.length * tokens),
    gpu_peak_bytes: end?.peak,
    gpu_live_bytes: end?.live,
  };
}
