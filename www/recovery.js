// Where a run goes on after its worker was lost: on the same device, on the CPU, or not at all.

const CPU_LOSSES = 3;
const GPU_LOSSES = 2;
const WITHIN = 60_000;

export class Losses {
  #gpu = 0;
  #cpu = [];

  /**
   * `farthest`: the highest step ever reached. Losses on the CPU count together only while the run gets no further:
   * a worker that dies at the same step again and again would do so for ever.
   */
  decide(kind, why, farthest) {
    if (why === 'unreachable' || why === 'unstartable') return kind === 'cpu' ? 'stop' : 'cpu';
    if (kind === 'webgpu') {
      this.#gpu += 1;
      return this.#gpu >= GPU_LOSSES ? 'cpu' : 'webgpu';
    }
    const at = performance.now();
    this.#cpu = this.#cpu.filter((loss) => at - loss.at < WITHIN && loss.farthest >= farthest);
    this.#cpu.push({ at, farthest, why });
    return this.#cpu.length >= CPU_LOSSES ? 'stop' : 'cpu';
  }

  /** How many times longer the next worker may be silent: a slow machine must not be killed again and again. */
  get patience() {
    return 2 ** this.#cpu.filter(({ why }) => why === 'silent').length;
  }

  forgive() {
    this.#cpu = [];
  }
}
