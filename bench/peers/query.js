// What the address of a peer's page asks for.

const query = new URLSearchParams(location.search);

export const backend = query.get('backend');

/** One, or as many as the machine has cores; more than one only where the page is isolated. */
export const threads = query.get('threads') === 'many' && crossOriginIsolated ? navigator.hardwareConcurrency : 1;
