// From the CPU to WebGPU: a second worker is prepared beside the run, and the run goes on there when it is ready.

/** How soon to look again whether the run can be handed over, in ms. */
const AGAIN = 100;

export class Handover {
  /** The WebGPU worker that is being prepared. */
  #next = null;
  /** A promise while the run is between two workers, else null. */
  moving = null;

  constructor(session) {
    this.session = session;
  }

  /** Starts the WebGPU worker beside the run, and moves the run there when it is ready. */
  prepare(options) {
    const { session } = this;
    if (this.#next || session.active?.kind === 'webgpu') return;
    const gpu = session.launch('webgpu', options);
    this.#next = gpu;
    session.explain('gpu-starting');
    this.#handOver(gpu).catch((error) => this.failed(gpu, error));
  }

  async #handOver(gpu) {
    const { session } = this;
    await gpu.started;
    for (;;) {
      const { ticket, state } = session;
      // Pictures that this worker alone holds, where the browser keeps nothing, cannot follow.
      const follows = session.persistent !== false || !/=sha256(:|%3A)/i.test(state.link);
      if (state.demo && session.phase.is('ready') && follows) {
        // Once while the CPU goes on: weights go up, pipelines are compiled. Once more for the steps taken meanwhile.
        await gpu.open('', (await session.checkpoint()).bytes);
        if (ticket === session.ticket && session.phase.is('ready') && (await this.#swap(gpu))) return;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
      if (gpu.dead) return;
    }
  }

  async #swap(gpu) {
    const { session } = this;
    const cpu = session.active;
    let done = (_) => {};
    this.moving = new Promise((resolve) => (done = resolve));
    try {
      cpu.post({ type: 'pause' });
      const answered = session.checkpoint();
      session.phase.to('moving');
      const { bytes, step } = await answered;
      await gpu.open('', bytes);
      if (session.active !== cpu) return false;
      this.#next = null;
      session.replace(gpu, step);
      session.explain('gpu');
      session.emit('card', { key: 'on-gpu', args: { name: gpu.device.name, step } });
      return true;
    } finally {
      this.moving = null;
      // Where the CPU worker died meanwhile, its restart lets the commands go.
      if (session.phase.is('moving')) session.goOn();
      done(null);
    }
  }

  /** The WebGPU worker has failed before it had the run, which stays on the CPU. */
  failed(gpu, error) {
    if (gpu !== this.#next) return;
    this.#next = null;
    gpu.end();
    const reason = { 'wrong-arithmetic': 'wrong-arithmetic', 'not-built': 'gpu-not-built' }[error?.code] ?? 'gpu-failed';
    this.session.explain(reason);
    if (!['no-gpu', 'not-built'].includes(error?.code)) this.session.emit('card', { key: reason, detail: error?.message ?? '' });
  }
}
