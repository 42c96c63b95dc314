// `window.kiln`: the session for scripts and for pages that embed Kiln. Declared in `kiln.d.ts`.

export function offer(session, ready) {
  const asError = (error) => (error instanceof Error ? error : Object.assign(new Error(error.message), { code: error.code, help: error.help }));
  const say = (promise) =>
    promise.then(
      () => undefined,
      (error) => Promise.reject(asError(error)),
    );
  const first = say(ready);
  // Whoever never asks for `ready` must not be told of an unhandled rejection: the page shows a card.
  first.catch(() => {});
  window.kiln = Object.freeze({
    ready: first,
    open: (link) => say(session.open(String(link).replace(/^#/, ''), { run: false })),
    run: (options) => say(session.run(options)),
    pause: () => say(session.pause()),
    step: (n = 1, options) => say(session.step(n, options)),
    set: (key, value) => void session.set(key, value),
    act: (name, args) => void session.act(name, args),
    checkpoint: async () => (await session.checkpoint()).bytes,
    on: (event, fn) => session.on(event, fn),
    get state() {
      const { status, device, demo, step, link, error, threads } = session.state;
      return { status, device: device && { kind: device.kind, name: device.name, threads }, demo, step, link, error };
    },
  });
}
