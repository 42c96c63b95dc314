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

const CALLS = ['dispatches', 'submits', 'passes', 'writes', 'pipelines', 'buffers'];

/** The mean of what was given to the GPU between pairs of counts, for `steps` steps in all. */
function perStep(pairs, steps) {
  if (!pairs[0]?.[0]) return undefined;
  const sum = (name) => pairs.reduce((sum, [before, after]) => sum + after[name] - before[name], 0);
  return Object.fromEntries(CALLS.map((name) => [name, sum(name) / steps]));
}

/**
 * Times `task.step(i)`, whose result `task.read(result)` brings to the CPU as a list of numbers; `task.drop(result)` frees it.
 * The first `checked` steps make up `check`. The first `warm` steps are no samples, nor is what happens in the first quarter of
 * the budget: browsers compile WebAssembly a second time, better, while it runs. Sampling ends with the budget, with at least
 * `least` samples unless a step is so slow (a software GPU) that they would take many budgets. A task with a `limit` can take
 * that many steps until `task.restart()`.
 */
export async function timeSteps(task, options = {}) {
  const { budgetMs = 8000, warm = 3, checked = 3, least = 5, most = 1000 } = options;
  let next = 0;
  const once = async () => {
    if (next === task.limit) {
      await task.restart();
      next = 0;
    }
    const before = counted();
    const began = now();
    const result = await task.step(next++);
    const numbers = await task.read(result);
    const ms = now() - began;
    task.drop?.(result);
    return { ms, numbers, calls: [before, counted()] };
  };

  const start = now();
  const late = () => now() - start > 6 * budgetMs;
  const first = await once();
  const cold_ms = now();
  const check = [...first.numbers];
  for (let done = 1; (done < Math.max(warm, checked) || now() - start < budgetMs / 4) && !late(); done++) {
    const { numbers } = await once();
    if (done < checked) check.push(...numbers);
  }

  const steps = [];
  const began = now();
  const wanted = () => steps.length < least || (now() - began < budgetMs && steps.length < most);
  while (wanted() && !(steps.length && late())) steps.push(await once());
  const samples = steps.map(({ ms }) => ms);

  // Steps in a row without reading, as in training between two looks at the losses.
  let pipelined_ms;
  if (task.inARow && !late()) {
    const count = Math.max(2, Math.min(30, Math.round(budgetMs / 2 / median(samples))));
    const began = now();
    for (let i = 1; i < count; i++) {
      // Not in the call of `drop`: where there is none, its argument is not computed.
      const result = await task.step(next++);
      task.drop?.(result);
    }
    const last = await task.step(next++);
    await task.read(last);
    pipelined_ms = (now() - began) / count;
    task.drop?.(last);
  }
  const end = counted();
  return {
    first_ms: first.ms,
    cold_ms,
    samples,
    pipelined_ms,
    check,
    gpu: perStep(steps.map(({ calls }) => calls), steps.length),
    first_pipelines: perStep([first.calls], 1)?.pipelines,
    gpu_peak_bytes: end?.peak,
    gpu_live_bytes: end?.live,
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
  const untouched = counted();
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
    // The prompt's calls are shared among the tokens.
    gpu: perStep([[before, end]], texts.length * tokens),
    first_pipelines: perStep([[untouched, before]], 1)?.pipelines,
    gpu_peak_bytes: end?.peak,
    gpu_live_bytes: end?.live,
  };
}
