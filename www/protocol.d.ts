// Generated from src/session/protocol.rs by tests/protocol.rs; do not edit.

export type Command = { "type": "start", software: boolean, proven: Array<string>, } | { "type": "open", link: string, checkpoint: Uint8Array | null, } | { "type": "prepare" } | { "type": "run" } | { "type": "pause" } | { "type": "step", n: number, } | { "type": "set", key: string, value: number | string | boolean, } | { "type": "act", name: string, args: unknown, } | { "type": "checkpoint" } | { "type": "library", task: LibraryTask, } | { "type": "ping" } | { "type": "close" };

export type Event = { "type": "hello", kind: DeviceKind, 
/**
 * The demos that it can open.
 */
demos: Array<Demo>, } | { "type": "device" } & DeviceInfo | { "type": "schema", demo: string, schema: Record<string, unknown>, values: Record<string, number | string | boolean>, actions: Array<Action>, 
/**
 * Whether it may begin to run by itself; else it waits for the person.
 */
begins: boolean, } | { "type": "refused" } | { "type": "elsewhere", module: WasmModule, } | { "type": "link", link: string, 
/**
 * A setting that acts on what is learnt was changed while it ran: the link alone gives another run.
 */
altered: boolean, } | { "type": "status", status: Status, 
/**
 * Said once, where a run has come to an end of its own: there is nothing more to do.
 */
ended: boolean, step: number, 
/**
 * Training steps in the last second of running.
 */
steps_per_second: number, 
/**
 * Bytes of wasm memory, and bytes reserved on the GPU.
 */
wasm_bytes: number, gpu_bytes: number, 
/**
 * That compute on the CPU.
 */
threads: number, } | { "type": "progress", what: string, done: number, total: number, 
/**
 * They count bytes.
 */
bytes: boolean, } | { "type": "library" } & Stored | { "type": "pictures" } & Taken | { "type": "views", step: number, panels: Array<Panel>, } | { "type": "checkpoint", link: string, 
/**
 * As in `Link`.
 */
altered: boolean, step: number, bytes: Uint8Array, } | { "type": "note", code: string, text: string, args: Record<string, string>, } | { "type": "error", code: string, message: string, help: string, step: number, fatal: boolean, };

export type Status = "idle" | "loading" | "paused" | "running";

export type DeviceKind = "cpu" | "webgpu";

export type DeviceInfo = { kind: DeviceKind, 
/**
 * The adapter's name as the browser or driver gives it.
 */
name: string, 
/**
 * A software adapter: right, but slower than the CPU device.
 */
software: boolean, 
/**
 * The largest buffer that the device takes; 0 where there is no such limit.
 */
max_buffer_bytes: number, 
/**
 * Worst relative difference from the CPU in the numerics probe; `None` where it was proven on an earlier visit.
 */
probe_error: number | null, };

export type Action = { name: string, title: string, 
/**
 * An action that takes points drawn on a `Points2d` view: args `{ points: [x, y, ...] }`.
 */
draws: boolean, 
/**
 * The panel in whose head its button stands; in the toolbar where there is none.
 */
panel: string | null, };

export type Panel = { 
/**
 * Stable within a demo; the page keys translations on `demo.panel.id`.
 */
id: string, title: string, views: Array<View>, };

export type View = { "type": "scalars", series: Array<string>, rows: Floats, reset: boolean, } | { "type": "images", count: number, width: number, height: number, channels: number, columns: number, pixels: Uint8Array, 
/**
 * The same pictures through time: the page keeps them as a filmstrip.
 */
film: boolean, 
/**
 * What each row shows; empty where that needs no words. The page keys translations on `row.ID`.
 */
rows: Array<string>, 
/**
 * A text for each picture, such as its name; empty where there is none.
 */
captions: Array<string>, 
/**
 * The action that takes the picture that the person chooses: args `{ index }`.
 */
pick: string | null, 
/**
 * Pictures that were chosen: each with a short mark such as `A`.
 */
marks: Array<Mark>, } | { "type": "map2d", columns: number, rows: number, width: number, height: number, channels: number, pixels: Uint8Array, bounds: [number, number, number, number], } | { "type": "points2d", sets: Array<PointSet>, bounds: [number, number, number, number], drag: string | null, } | { "type": "sliders", action: string, sliders: Array<Slider>, } | { "type": "pad", action: string, width: number, height: number, channels: number, pixels: Uint8Array, mask: Uint8Array, revision: number, } | { "type": "field2d", columns: number, rows: number, values: Floats, low: number, high: number, bounds: [number, number, number, number], } | { "type": "mesh2d", columns: number, rows: number, xy: Floats, bounds: [number, number, number, number], } | { "type": "arrows2d", columns: number, rows: number, xy: Floats, bounds: [number, number, number, number], } | { "type": "paths2d", length: number, xy: Floats, bounds: [number, number, number, number], } | { "type": "histogram", series: Array<HistogramSeries>, low: number, high: number, categories: Array<string>, } | { "type": "note", code: string, text: string, args: Array<[string, string]>, } | { "type": "figures", figures: Array<Figure>, } | { "type": "tokens", from: number, tokens: Array<Token>, chosen: number | null, stop: string, } | { "type": "texts", step: number, texts: Array<ShortText>, film: boolean, } | { "type": "attention", token: number, layer: number, layers: number, head: number, heads: number, weights: Floats, } | { "type": "lens", token: number, layers: Array<Array<Candidate>>, };

export type PointSet = { 
/**
 * `real`, `generated`, `drawn` or `predicted`; `class-0` to `class-9`; `chosen` for the one that can be dragged: the page colours
 * by it.
 */
role: string, xy: Floats, };

export type HistogramSeries = { label: string, counts: Array<number>, };

export type Figure = { 
/**
 * Stable; the page keys translations on `figure.id`.
 */
id: string, title: string, value: number, 
/**
 * Digits after the point.
 */
digits: number, 
/**
 * The best possible value, where there is one: 8 of 8 modes.
 */
of: number | null, };

export type Floats = Uint8Array;

export type Token = { id: number, 
/**
 * What it adds to the text: whole characters only. Empty where it ends inside a character; the token that completes
 * the character adds it.
 */
text: string, 
/**
 * The token by itself, for a label: bytes that are no character are written `<0xE4>`.
 */
piece: string, 
/**
 * `template` (marks of the chat format), `system`, `user`, `assistant`; `prompt` and `generated` outside a chat.
 */
role: string, 
/**
 * Its probability before penalty, temperature and filters, and after; `None` where it was not computed (prompts).
 */
raw: number | null, p: number | null, 
/**
 * The person chose it, not the model.
 */
forced: boolean, 
/**
 * What else could have stood here, likeliest first; empty for prompts.
 */
candidates: Array<Candidate>, };

export type ShortText = { 
/**
 * The given ones have the role `prompt`, those of the model `generated`.
 */
tokens: Array<Token>, 
/**
 * Whether the answer is right; `None` where nothing is asked.
 */
right: boolean | null, 
/**
 * The right answer, where the one that is shown is wrong; empty otherwise.
 */
wanted: string, };

export type Candidate = { id: number, piece: string, 
/**
 * Probability before penalty, temperature and filters.
 */
raw: number, 
/**
 * Probability after; 0 where a filter left it out.
 */
p: number, 
/**
 * The repetition penalty made it less likely.
 */
penalised: boolean, 
/**
 * The filter that left it out; `None` where it could be drawn.
 */
filter: Filter | null, };

export type Filter = "greedy" | "top_k" | "top_p" | "min_p";

export type LibraryTask = { "type": "list" } | { "type": "verify", sha256: string, } | { "type": "delete", sha256: string, } | { "type": "endpoints", urls: Array<string>, };

export type Stored = { files: Array<StoredFile>, 
/**
 * Names of the models that are whole repositories of the hub, or folders in them, and all kept.
 */
repositories: Array<string>, 
/**
 * Bytes that this site uses and may use; 0 where the browser does not say.
 */
used: number, quota: number, 
/**
 * False in a private window or where the browser stores nothing: models are then only in memory.
 */
persistent: boolean, };

export type StoredFile = { sha256: string, 
/**
 * Its name when it was added.
 */
name: string, 
/**
 * Its sources: `hub:owner/name/file`, URLs, dropped files (`file:name:bytes:changed`).
 */
sources: Array<string>, 
/**
 * Bytes that have arrived; all of them where `complete`.
 */
bytes: number, complete: boolean, };

export type Mark = { index: number, text: string, };

export type Slider = { 
/**
 * Stable; the page keys translations on `slider.ID`.
 */
id: string, title: string, value: number, low: number, high: number, 
/**
 * The least difference between two values; `None` where any is taken.
 */
step: number | null, 
/**
 * From 0 to 1, drawn as a bar: how much this number matters. `None` where nothing is known of it.
 */
weight: number | null, 
/**
 * The slider can be played: from its other end to this one, `low` or `high`. `None` where that would show nothing.
 */
play: number | null, };

export type Taken = { sha256: string, count: number, width: number, height: number, 
/**
 * The first hundred files that were left out, and how many there are in all.
 */
left_out: Array<LeftOut>, left_out_in_all: number, };

export type LeftOut = { name: string, 
/**
 * Stable, for translations: `not-a-picture`, `too-large`, `empty`, `damaged`, `too-many`, `encrypted`.
 */
code: string, text: string, };

export type Demo = { 
/**
 * Its name in links.
 */
name: string, family: Family, title: Title, does: Does, needs: Needs, module: WasmModule, 
/**
 * The files that are opened here when a person drops them while another demo is open; no two demos open the same kind.
 */
opens: Array<Opens>, };

export type Family = "gan" | "vae" | "diffusion" | "flow" | "language" | "classifier";

export type Title = { en: string, zh: string, };

export type Does = "trains" | "writes" | "edits";

export type Needs = { 
/**
 * Bytes that are asked for up to its first step, with the settings of an empty link.
 */
bytes: number, 
/**
 * A pretrained model, which is not fetched before the person agrees.
 */
model: boolean, 
/**
 * Without a GPU it is so slow that a person waits for it.
 */
gpu: boolean, };

export type WasmModule = "training" | "pretrained";

export type Opens = { kind: FileKind, 
/**
 * The setting that names them.
 */
key: string, 
/**
 * The side in pixels to which pictures are scaled; 0 where they are kept as they are, or where it is no picture.
 */
side: number, };

export type FileKind = "language_model" | "image_autoencoder" | "pictures" | "picture";
