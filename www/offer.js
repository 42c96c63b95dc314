// `window.kiln`: the session for scripts and for pages that embed Kiln. Declared in `kiln.d.ts`.

export function offer(session, metrics, ready) {
  const asError = (error) => (error instanceof Error ? error : Object.assign(new Error(error.message), { code: error.code, help: error.help }));
  const say = (promise) =>
    promise.then(
      () => undefined,
      (error) => Promise.reject(asError(error)),
    );
  // Whoever does not wait must not be told of an unhandled rejection: the page shows a card.
  const quiet = (promise) => (promise.catch(() => {}), promise);
  const first = quiet(say(ready));
  window.kiln = Object.freeze({
    ready: first,
    open: (link) => say(session.open(String(link).replace(/^#/, ''), { run: false })),
    run: (options) => say(session.run(options)),
    pause: () => say(session.pause()),
    step: (n = 1, options) => say(session.step(n, options)),
    set: (key, value) => quiet(say(session.set(key, value))),
    act: (name, args) => quiet(say(session.act(name, args))),
    checkpoint: () => session.checkpoint().then(({ bytes }) => bytes, (error) => Promise.reject(asError(error))),
    load: (bytes) => say(session.open('', { checkpoint: bytesOf(bytes), run: false })),
    on: (event, fn) => session.on(event, fn),
    get schema() {
      return structuredClone(session.schema?.schema ?? null);
    },
    get values() {
      return structuredClone(session.schema?.values ?? null);
    },
    get metrics() {
      return metrics.latest;
    },
    get state() {
      const { status, device, demo, step, link, error, threads } = session.state;
      return { status, device: device && { kind: device.kind, name: device.name, threads }, demo, step, link, error };
    },
  });
}

/** A file's bytes, also those that another frame has made; of what is none, no bytes, which the worker refuses. */
function bytesOf(data) {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(Object.prototype.toString.call(data) === '[object ArrayBuffer]' ? data : 0);
}
