// What scripts and embedding pages may use. The events are those of the worker, see `protocol.d.ts`.

import type { Event, Status } from './protocol.d.ts';

export interface KilnState {
  status: Status;
  /** Null until the first device is open. */
  device: { kind: 'webgpu' | 'cpu'; name: string; threads: number } | null;
  demo: string;
  step: number;
  /** The canonical link of the run, without `#`. */
  link: string;
  /** What went wrong last; null again as soon as something is opened, run or stepped. */
  error: { code: string; message: string; help: string; step: number } | null;
}

/** The latest numbers of a run, by the names that the worker gives them. What was not measured yet is not there. */
export interface KilnMetrics {
  /** The step at which the page was told of them last. */
  step: number;
  figures: Record<string, number>;
  /** The last value of each curve. */
  series: Record<string, number>;
}

export interface KilnError extends Error {
  code: string;
  help: string;
}

export interface Kiln {
  /** Resolves when the first demo is open, from the front door or by its link; rejects with a `KilnError` if nothing can be opened. */
  readonly ready: Promise<void>;
  readonly state: KilnState;
  /** The JSON schema of the open demo's settings, with the keywords of docs/schema.md; null before a demo is open. */
  readonly schema: Record<string, unknown> | null;
  /** Its settings as they are now. */
  readonly values: Record<string, number | string | boolean> | null;
  readonly metrics: KilnMetrics;
  /** Opens a link such as `gan2d?seed=7`, from step 0 and paused. */
  open(link: string): Promise<void>;
  /**
   * Resolves when the run is running. If a pretrained model has to be downloaded first, it rejects with the code `consent`, unless
   * `download` says that the person has agreed.
   */
  run(options?: { download?: boolean }): Promise<void>;
  /** Resolves when the run has paused, at most one step later. */
  pause(): Promise<void>;
  /** Takes `n` steps (by default one) and pauses, with `download` as in `run`; resolves when they are taken, `pause()` was called, or the demo has ended. */
  step(n?: number, options?: { download?: boolean }): Promise<void>;
  /** Changes a live control, one with `x-live` in the demo's schema; resolves when the worker has taken it, rejects when it refuses it. */
  set(key: string, value: number | string | boolean): Promise<void>;
  /** Performs one of the demo's actions, as listed in its `schema` event; resolves when it is done. */
  act(name: string, args?: unknown): Promise<void>;
  /** The run as a safetensors file, including the optimizer and the random streams. */
  checkpoint(): Promise<Uint8Array>;
  /** Opens such a file where it left off, paused. */
  load(bytes: Uint8Array | ArrayBuffer): Promise<void>;
  /** Listens to one type of event, or to `state` for every change of `state`; returns a function that unsubscribes. */
  on<T extends Event['type']>(event: T, fn: (event: Extract<Event, { type: T }>) => void): () => void;
  on(event: 'state', fn: (state: KilnState) => void): () => void;
  /** A checkpoint was written to the browser's storage. */
  on(event: 'kept', fn: (kept: { id: string; link: string; step: number }) => void): () => void;
}

declare global {
  interface Window {
    kiln: Kiln;
  }
}
