// Counts what a page gives to WebGPU. Put into a page before its own scripts; `__probe.read()` tells the counts so far:
// calls, and the bytes of the buffers that exist now (`live`) and at most did (`peak`). Every library goes through the same
// prototypes, wgpu in WebAssembly too. Workers are not seen.

(() => {
  const counts = { dispatches: 0, passes: 0, submits: 0, writes: 0, pipelines: 0, buffers: 0, live: 0, peak: 0 };
  globalThis.__probe = { read: () => ({ ...counts }) };
  if (!globalThis.GPUDevice) return;

  /** Calls `seen(this, arguments, result)` after a method. */
  const watch = (type, method, seen) => {
    const original = type.prototype[method];
    if (!original) return;
    type.prototype[method] = function (...args) {
      const result = original.apply(this, args);
      seen(this, args, result);
      return result;
    };
  };
  const count = (type, method, name) => watch(type, method, () => counts[name]++);

  count(GPUComputePassEncoder, 'dispatchWorkgroups', 'dispatches');
  count(GPUComputePassEncoder, 'dispatchWorkgroupsIndirect', 'dispatches');
  count(GPUCommandEncoder, 'beginComputePass', 'passes');
  count(GPUQueue, 'submit', 'submits');
  count(GPUQueue, 'writeBuffer', 'writes');
  count(GPUDevice, 'createComputePipeline', 'pipelines');
  count(GPUDevice, 'createComputePipelineAsync', 'pipelines');

  // A buffer's bytes go when it is destroyed, or when nobody holds it any more.
  const sizes = new WeakMap();
  const release = (held) => {
    counts.live -= held.bytes;
    held.bytes = 0;
  };
  const forgotten = new FinalizationRegistry(release);
  watch(GPUDevice, 'createBuffer', (device, [{ size }], buffer) => {
    const held = { bytes: size };
    sizes.set(buffer, held);
    forgotten.register(buffer, held);
    counts.buffers++;
    counts.live += size;
    counts.peak = Math.max(counts.peak, counts.live);
  });
  watch(GPUBuffer, 'destroy', (buffer) => {
    const held = sizes.get(buffer);
    if (held) release(held);
  });
})();
