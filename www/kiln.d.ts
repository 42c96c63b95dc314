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

export interface KilnError extends Error {
  code: string;
  help: string;
}

export interface Kiln {
  /** Kept when the first demo is open; rejected with a `KilnError` where nothing can be opened. */
  readonly ready: Promise<void>;
  readonly state: KilnState;
  /** Opens a link such as `gan2d?seed=7`, from its beginning and paused. */
  open(link: string): Promise<void>;
  /**
   * Kept when the run runs. Where a pretrained model has to be downloaded first it is rejected with the code `consent`, unless
   * `download` says that the person has agreed.
   */
  run(options?: { download?: boolean }): Promise<void>;
  /** Kept when the run stands, at most one step later. */
  pause(): Promise<void>;
  /** Takes `n` steps (one where left out) and pauses, with `download` as in `run`; kept when they are taken, when `pause()` came before, or when the demo has ended. */
  step(n?: number, options?: { download?: boolean }): Promise<void>;
  /** Changes a live control, one with `x-live` in the demo's schema. */
  set(key: string, value: number | string | boolean): void;
  /** Does an action of the demo, as listed in its `schema` event. */
  act(name: string, args?: unknown): void;
  /** The run as a safetensors file, optimizer and random streams included. */
  checkpoint(): Promise<Uint8Array>;
  /** Listens to one type of event, or to `state` for every change of `state`; returns what unsubscribes. */
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
