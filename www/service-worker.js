// Adds the two headers that allow a page to share memory between threads, for hosts that do not send them. Nothing is kept:
// every answer comes from the network, and what belongs to other origins does not come through here.

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const own = new URL(request.url).origin === self.location.origin;
  // A browser's own tools ask like this, and nobody else may.
  const impossible = request.cache === 'only-if-cached' && request.mode !== 'same-origin';
  if (own && !impossible) event.respondWith(isolated(request));
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
