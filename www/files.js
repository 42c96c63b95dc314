// Checkpoints out of the page and into it: the download, the file button, and dropping a file anywhere.

const MOST = 1024 * 1024 * 1024;

export function download(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** `take(bytes, name)` gets each file's bytes; `refuse(name)` hears of one that cannot be read or is far too large. */
export function acceptFiles({ take, refuse }) {
  const read = async (file) => {
    if (!file) return;
    try {
      if (file.size > MOST) throw new RangeError('too large');
      take(new Uint8Array(await file.arrayBuffer()), file.name);
    } catch {
      refuse(file.name);
    }
  };
  const input = /** @type {HTMLInputElement} */ (document.getElementById('file'));
  input.addEventListener('change', () => {
    read(input.files[0]);
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
    read(event.dataTransfer.files[0]);
  });
  return () => input.click();
}
