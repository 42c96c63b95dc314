//! Initial weights, from our own random stream.

use crate::rng::Stream;
use burn::module::Param;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Uploads numbers to a device, in row-major order.
pub fn upload<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Uploads integers to a device, in row-major order: tokens, classes, positions.
pub fn upload_ids<const D: usize>(ids: Vec<i32>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(ids, shape), device)
}

/// One-hot classes, `[B, classes]`.
pub fn one_hot(labels: &[u8], classes: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0.0; labels.len() * classes];
    for (row, &label) in labels.iter().enumerate() {
        values[row * classes + usize::from(label)] = 1.0;
    }
    upload(values, [labels.len(), classes], device)
}

/// Uniform in ±sqrt(`gain` / `fan_in`): gain 1 is PyTorch's default, 6 is He's for ReLU, 3 keeps the variance.
pub(super) fn uniform<const D: usize>(
    shape: [usize; D],
    gain: f32,
    fan_in: usize,
    weights: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    let bound = (gain / fan_in as f32).sqrt();
    Param::from_tensor(upload(weights.uniform(shape.iter().product(), bound), shape, device))
}

/// From the normal distribution with this standard deviation.
pub(super) fn normal<const D: usize>(
    shape: [usize; D],
    deviation: f32,
    weights: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    let values = weights.normal(shape.iter().product()).into_iter().map(|v| v * deviation).collect();
    Param::from_tensor(upload(values, shape, device))
}

pub(super) fn constant(value: f32, n: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(upload(vec![value; n], [n], device))
}

/// A bias of zeros, if there is to be one.
pub(super) fn zeros(bias: bool, n: usize, device: &Device) -> Option<Param<Tensor<1>>> {
    bias.then(|| constant(0.0, n, device))
}
