// Adds the two headers that allow a page to share memory between threads, for hosts that do not send them: to the page and to its
// workers, and to nothing else. Nothing is kept: every answer comes from the network. To be rid of it, put a file in its place that
// calls `self.registration.unregister()`.

self.addEventListener('fetch', (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  const here = new URL('./', self.location.href).pathname;
  const page = request.destination === 'document' && [here, `${here}index.html`].includes(pathname);
  if (page || request.destination === 'worker') event.respondWith(isolated(request));
});

async function isolated(request) {
  const response = await fetch(request);
  // The browser follows a redirect by itself, and asks again.
  if (response.type !== 'basic') return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
