// The phases of a session, and which may follow which.

/**
 * - `starting`: the first worker is on its way.
 * - `idle`: a worker stands and nothing is open, because the first link was refused.
 * - `leaving`: what the open run has learnt is being kept, before another run takes its place.
 * - `opening`: a worker has been handed a link or a checkpoint, and has not said yet what it is.
 * - `opened`: the worker has said what it is; its first views are on their way.
 * - `ready`: the run takes commands.
 * - `moving`: the run is between two workers that both live.
 * - `restarting`: a worker has died, and another one is on its way.
 * - `stopped`: no other worker is started before the person asks for it.
 *
 * A worker may die in every phase, and another link may be asked for in every phase but `moving`, whose end is awaited.
 */
const FOLLOWS = {
  starting: ['opening', 'restarting'],
  idle: ['opening', 'restarting'],
  leaving: ['opening', 'leaving', 'restarting'],
  opening: ['opened', 'ready', 'idle', 'leaving', 'opening', 'restarting'],
  opened: ['ready', 'leaving', 'restarting'],
  ready: ['leaving', 'moving', 'restarting'],
  moving: ['ready', 'restarting'],
  restarting: ['opening', 'leaving', 'stopped', 'restarting'],
  stopped: ['opening', 'leaving', 'restarting'],
};

export class Phase {
  #now = 'starting';

  /** Whether it is one of `phases`. */
  is(...phases) {
    return phases.includes(this.#now);
  }

  to(next) {
    if (!FOLLOWS[this.#now].includes(next)) throw new Error(`A session that is ${this.#now} cannot be ${next} next.`);
    this.#now = next;
  }

  /** Whether commands go to the worker; in all other phases they wait. */
  get takesCommands() {
    return this.is('ready', 'idle');
  }
}
