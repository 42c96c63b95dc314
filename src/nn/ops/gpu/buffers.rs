//! burn's tensors as buffers of a kernel.

use burn::backend::TensorMetadata;
use burn::tensor::{DType, Shape};
use burn_wgpu::CubeTensor;
use cubecl::prelude::*;
use cubecl::std::tensor::into_contiguous;

/// A contiguous tensor.
pub fn contiguous(tensor: CubeTensor) -> CubeTensor {
    if tensor.is_contiguous() {
        return tensor;
    }
    let (client, device, shape) = (tensor.client.clone(), tensor.device.clone(), tensor.shape());
    let copy = into_contiguous(&client, tensor.binding(), f32::elem_type_native());
    CubeTensor::new_contiguous(client, device, shape, copy.handle, DType::F32)
}

/// A contiguous tensor whose buffer nothing else reads, so that it can be overwritten.
pub fn unique(tensor: CubeTensor) -> CubeTensor {
    let tensor = contiguous(tensor);
    if tensor.can_mut() { tensor } else { tensor.copy() }
}

/// An uninitialised tensor on the device of another one.
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
    // SAFETY: the handle belongs to a contiguous tensor with as many numbers as its shape says.
    unsafe { BufferArg::from_raw_parts(tensor.handle.clone(), len(tensor)) }
}

/// The buffer of argument `at` as a second argument, for a kernel that works in place.
pub fn alias(at: usize, tensor: &CubeTensor) -> BufferArg {
    BufferArg::Alias { input_pos: at, length: [len(tensor)] }
}

/// The output of a kernel: in place of argument `at` where nothing else reads that, or a new buffer.
pub fn in_place(at: usize, tensor: &CubeTensor) -> (CubeTensor, BufferArg) {
    if tensor.can_mut() {
        return (tensor.clone(), alias(at, tensor));
    }
    let out = empty(tensor, tensor.shape());
    let arg = arg(&out);
    (out, arg)
}

/// The workgroups of `threads` threads that `n` numbers need. WebGPU's largest count along an axis is 65,535.
pub fn cube_count(n: usize, threads: usize) -> CubeCount {
    let blocks = n.div_ceil(threads).max(1);
    let y = blocks.div_ceil(32768);
    CubeCount::Static(blocks.div_ceil(y) as u32, y as u32, 1)
}
