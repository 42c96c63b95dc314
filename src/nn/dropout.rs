//! Dropout.

use super::init::upload;
use crate::rng::Stream;
use burn::tensor::Tensor;

/// `torch.nn.functional.dropout` while training (Srivastava et al. 2014): each number is set to 0 with this probability,
/// and the others are scaled up to keep the mean. The mask is drawn on the CPU, so that a run is the same on every device; on WebGPU
/// each call uploads it.
pub fn dropout<const D: usize>(x: Tensor<D>, probability: f64, stream: &mut Stream) -> Tensor<D> {
    if probability <= 0.0 {
        return x;
    }
    let (shape, kept) = (x.dims(), (1.0 / (1.0 - probability)) as f32);
    let n = shape.iter().product();
    let mask = stream.bernoulli(n, probability).into_iter().map(|drops| if drops { 0.0 } else { kept }).collect();
    let mask = upload(mask, shape, &x.device());
    x * mask
}
