// wllama, llama.cpp in a tab: W4 on the CPU.

import { LoggerWithoutDebug, Wllama } from '@wllama/wllama';
import { WORKLOADS } from '../shared/spec.js';
import { timeTexts } from '../shared/timing.js';
import { threads } from './query.js';

window.bench = async (workload, options) => {
  const { file, prompt, tokens, cache } = WORKLOADS[workload];
  const wllama = new Wllama({ default: '/node_modules/@wllama/wllama/esm/wasm/wllama.wasm' }, { logger: LoggerWithoutDebug });
  const weights = await (await fetch(`/models/${file}`)).blob();
  await wllama.loadModel([weights], { n_ctx: cache, n_threads: threads, n_gpu_layers: 0, seed: 1, warmup: false });
  const write = async (n) => {
    const began = performance.now();
    const [times, parts] = [[], []];
    const wanted = { prompt, max_tokens: n, temperature: 0, stream: true, ignore_eos: true, cache_prompt: false };
    for await (const { choices } of await wllama.createCompletion(wanted)) {
      times.push(performance.now() - began);
      parts.push(choices?.[0]?.text ?? '');
    }
    return { times, text: parts.join('') };
  };
  return { version: VERSIONS.wllama, backend: 'wasm', threads, ...(await timeTexts(write, tokens, options)) };
};
