//! Dropout.

use super::init::upload;
use crate::rng::Stream;
use burn::tensor::Tensor;

/// `torch.nn.functional.dropout` while training (Srivastava et al. 2014): each number is 0 with this probability, and else grows so
/// that the mean stays. Which ones is drawn on the CPU, so that a run is the same on every device. On WebGPU each call uploads.
pub fn dropout<const D: usize>(x: Tensor<D>, probability: f64, stream: &mut Stream) -> Tensor<D> {
    if probability <= 0.0 {
        return x;
    }
    let (shape, kept) = (x.dims(), (1.0 / (1.0 - probability)) as f32);
    let n = shape.iter().product();
    let mask = stream.chances(n, probability).into_iter().map(|drops| if drops { 0.0 } else { kept }).collect();
    let mask = upload(mask, shape, &x.device());
    x * mask
}
