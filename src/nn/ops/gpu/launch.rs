//! Burn's tensors as buffers of a kernel.

use burn::backend::TensorMetadata;
use burn::tensor::{DType, Shape};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;
use cubecl::std::tensor::into_contiguous;

/// All numbers in order.
pub fn whole(tensor: CubeTensor) -> CubeTensor {
    if tensor.is_contiguous() {
        return tensor;
    }
    let (client, device, shape) = (tensor.client.clone(), tensor.device.clone(), tensor.shape());
    let copy = into_contiguous(&client, tensor.binding(), f32::elem_type_native());
    CubeTensor::new_contiguous(client, device, shape, copy.handle, DType::F32)
}

/// All numbers in order, in a buffer that nothing else reads: they can be written over.
pub fn unique(tensor: CubeTensor) -> CubeTensor {
    let tensor = whole(tensor);
    if tensor.can_mut() { tensor } else { tensor.copy() }
}

/// A tensor that is still to be written, on the device of another.
pub fn empty(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    let shape = shape.into();
    let handle = like.client.empty(shape.num_elements() * size_of::<f32>());
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, handle, DType::F32)
}

pub fn len(tensor: &CubeTensor) -> usize {
    tensor.meta.shape().num_elements()
}

/// A kernel's argument.
pub fn arg(tensor: &CubeTensor) -> BufferArg {
    // SAFETY: the handle is that of a tensor without gaps, which has as many numbers as its shape says.
    unsafe { BufferArg::from_raw_parts(tensor.handle.clone(), len(tensor)) }
}

/// The buffer of argument `at` once more, for a kernel that writes where it reads.
pub fn alias(at: usize, tensor: &CubeTensor) -> BufferArg {
    BufferArg::Alias { input_pos: at, length: [len(tensor)] }
}

/// Where a kernel puts its result: over argument `at`, where that is nobody else's, or into a buffer of its own.
pub fn over(at: usize, tensor: &CubeTensor) -> (CubeTensor, BufferArg) {
    if tensor.can_mut() {
        return (tensor.clone(), alias(at, tensor));
    }
    let out = empty(tensor, tensor.shape());
    let arg = arg(&out);
    (out, arg)
}

/// As many workgroups as `n` of `threads` need. WebGPU's largest count along an axis is 65,535.
pub fn groups(n: usize, threads: usize) -> CubeCount {
    let blocks = n.div_ceil(threads).max(1);
    let y = blocks.div_ceil(32768);
    CubeCount::Static(blocks.div_ceil(y) as u32, y as u32, 1)
}
