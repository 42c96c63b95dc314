// Files out of the page and into it: the download, the file button, and dropping files anywhere.

import { isWeights as isModel } from './models.js';

/** `file.large` says it, too. */
const MOST = 1024 * 1024 * 1024;
/** A longer header is none. */
const MOST_HEADER = 8 * 1024 * 1024;

export function download(bytes, name) {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The header of a safetensors file (eight bytes of length, then JSON), or null where it is none. */
async function headerOf(file) {
  try {
    const length = Number(new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true));
    if (length > MOST_HEADER) return null;
    return JSON.parse(await file.slice(8, 8 + length).text());
  } catch {
    return null;
  }
}

/** A file of an archive or of a camera, by its name or by what the browser takes it for. */
const isPicture = ({ name, type }) => type.startsWith('image/') || /\.(png|jpe?g|jfif|gif|webp|bmp|avif|tiff?|ico|svg|zip|idx)$/i.test(name);

/** Parts of a model that say nothing by themselves. */
const isPart = ({ name }) => /\.json$/i.test(name);

/** What a single file is: `language_model`, `image_autoencoder`, `tensors` that lack their config, a `checkpoint` of Kiln, or `foreign`. */
async function kindOf(file) {
  if (/\.gguf$/i.test(file.name) || (await file.slice(0, 4).text()) === 'GGUF') return 'language_model';
  const header = await headerOf(file);
  if (!header && !isModel(file)) return 'foreign';
  // What is called one and cannot be read is left to the worker, which says what is wrong with it.
  if (!header || 'kiln' in (header.__metadata__ ?? {})) return 'checkpoint';
  return Object.keys(header).some((name) => /^(encoder|decoder)\./.test(name)) ? 'image_autoencoder' : 'tensors';
}

/** What a model in several files is: its config says it. */
async function kindOfAll(files) {
  try {
    const config = JSON.parse(await files.find(({ name }) => name === 'config.json').text());
    return /^Autoencoder/.test(config._class_name) ? 'image_autoencoder' : 'language_model';
  } catch {
    return 'language_model';
  }
}

/**
 * `take(bytes, name)` gets a checkpoint's bytes, `keep(files, kind)` the files of a model, `bring(files)` pictures, and
 * `open(entries)` folders, to be answered with their files; `refuse(name, why)` hears of a file that cannot be read
 * (`unreadable`), is none that Kiln opens (`foreign`) or too large a one (`large`), and of tensors without their config (`alone`).
 */
export function acceptFiles({ take, keep, bring, open, refuse }) {
  const read = async (files) => {
    const [file] = files;
    if (!file) return;
    try {
      if (files.some(isPicture) && !files.some(isModel)) return bring(files);
      if (files.length > 1 && !files.some((one) => isModel(one) || isPart(one))) return refuse(file.name, 'foreign');
      if (files.length > 1) return keep(files, await kindOfAll(files));
      const kind = await kindOf(file);
      if (kind === 'tensors') return refuse(file.name, 'alone');
      if (kind === 'foreign') return refuse(file.name, 'foreign');
      if (kind !== 'checkpoint') return keep(files, kind);
      if (file.size > MOST) return refuse(file.name, 'large');
      take(new Uint8Array(await file.arrayBuffer()), file.name);
    } catch {
      refuse(file.name, 'unreadable');
    }
  };
  const unfold = async (entries) => {
    try {
      const files = await open(entries);
      // A folder without a model is one of pictures: what is none is named.
      if (files.some(isModel)) read(files);
      else if (files.length) bring(files);
    } catch {
      refuse(entries[0].name, 'unreadable');
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
    // Asked for now: after this event the browser no longer says.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (entries.some(({ isDirectory }) => isDirectory)) unfold(entries);
    else read([...event.dataTransfer.files]);
  });
  return () => input.click();
}
