// Files out of the page and into it: the download, the file button, and dropping files anywhere.

const MOST = 1024 * 1024 * 1024;
/** A longer header is none. */
const MOST_HEADER = 8 * 1024 * 1024;

export function download(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The metadata of a safetensors file (eight bytes of length, then JSON), or null where it is none. */
async function metadataOf(file) {
  try {
    const length = Number(new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true));
    if (length > MOST_HEADER) return null;
    return JSON.parse(await file.slice(8, 8 + length).text()).__metadata__ ?? {};
  } catch {
    return null;
  }
}

/** Whether a single file is a model and no checkpoint: `gguf`, `tensors` that lack their config, or `checkpoint`. */
async function kindOf(file) {
  if (/\.gguf$/i.test(file.name) || (await file.slice(0, 4).text()) === 'GGUF') return 'gguf';
  const metadata = /\.safetensors$/i.test(file.name) ? await metadataOf(file) : null;
  // What cannot be read is left to the worker, which says what is wrong with it.
  return metadata && !('kiln' in metadata) ? 'tensors' : 'checkpoint';
}

/**
 * `take(bytes, name)` gets a checkpoint's bytes, `keep(files)` the files of a model; `refuse(name, why)` hears of a file
 * that cannot be read (`unreadable`) and of tensors without their config (`alone`).
 */
export function acceptFiles({ take, keep, refuse }) {
  const read = async (files) => {
    const [file] = files;
    if (!file) return;
    try {
      if (files.length > 1) return keep(files);
      const kind = await kindOf(file);
      if (kind === 'gguf') return keep(files);
      if (kind === 'tensors') return refuse(file.name, 'alone');
      if (file.size > MOST) throw new RangeError('too large');
      take(new Uint8Array(await file.arrayBuffer()), file.name);
    } catch {
      refuse(file.name, 'unreadable');
    }
  };
  const input = /** @type {HTMLInputElement} */ (document.getElementById('file'));
  input.addEventListener('change', () => {
    read([...input.files]);
    input.value = '';
  });
  let depth = 0;
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle('dropping', depth > 0);
  };
  addEventListener('dragenter', (event) => carriesFile(event) && mark(1));
  addEventListener('dragleave', (event) => carriesFile(event) && mark(-1));
  addEventListener('dragover', (event) => carriesFile(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    mark(-depth);
    read([...event.dataTransfer.files]);
  });
  return () => input.click();
}
