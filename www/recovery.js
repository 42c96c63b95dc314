// How a run goes on after its worker was lost: on the same device, on the CPU, or not at all.

import { errorOf } from './state.js';

const CPU_LOSSES = 3;
const GPU_LOSSES = 2;
const WITHIN = 60_000;

class Losses {
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

export class Recovery {
  #losses = new Losses();

  constructor(session) {
    this.session = session;
  }

  /** How many times longer than usual the next worker may be silent. */
  get patience() {
    return this.#losses.patience;
  }

  lost(runner, loss) {
    const { session } = this;
    if (runner !== session.active) return session.handover.failed(runner, loss.error ?? { code: loss.why, message: loss.message });
    session.interrupt({ code: loss.why, message: loss.message, help: '' });
    const on = this.#losses.decide(runner.kind, loss.why, session.farthest);
    return on === 'stop' ? this.#stop(loss) : this.#restart(on, runner, loss);
  }

  async #restart(kind, before, loss) {
    const { session } = this;
    const good = session.saves.last;
    const moved = before.kind === 'webgpu' && kind === 'cpu';
    const runner = session.launch(kind, kind === 'webgpu' ? { software: before.software } : {});
    const ticket = session.take(runner);
    const key = moved ? 'moved-to-cpu' : `recovered-${loss.why}`;
    session.emit('card', { key, args: { step: good?.step ?? 0, at: session.state.step }, detail: loss.message });
    session.update({ status: 'loading', error: null, deviceReason: moved ? 'gpu-lost' : session.state.deviceReason });
    const { link, checkpoint, identity } = session.wanted;
    try {
      await runner.started;
      if (ticket !== session.ticket) return;
      await session.hand(runner, checkpoint ? '' : link, { keepTo: good?.step ?? 0, identity, checkpoint });
    } catch (error) {
      // Another death is handled like the first. A refusal of our own checkpoint is a defect: begin anew.
      if (runner.dead || ticket !== session.ticket) return;
      session.saves.clear();
      session.emit('card', { key: 'restart-failed', detail: error?.message ?? '' });
      return session.open(session.state.link || link).catch(() => {});
    }
    if (ticket !== session.ticket) return;
    session.saves.soon(2000);
    session.goOn();
  }

  #stop(loss) {
    const { session } = this;
    const error = errorOf({ code: loss.why, message: loss.message, help: '', ...loss.error, step: session.state.step });
    session.giveUp(error);
    session.emit('card', { key: loss.why === 'unreachable' ? 'unreachable' : 'stopped', detail: error.message, error });
  }

  /** Another try after a stop, from the last checkpoint or else from the link. */
  retry() {
    const { active } = this.session;
    this.#losses.forgive();
    active.end();
    this.session.interrupt({ code: 'ended', message: 'The worker has ended.', help: '' });
    return this.#restart('cpu', active, { why: 'retry', message: '' });
  }
}
