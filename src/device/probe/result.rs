//! Results of the probe.

use burn::tensor::Tensor;

/// All numbers of a result.
#[derive(Debug, Clone)]
pub struct Computed {
    pub what: &'static str,
    pub values: Vec<f32>,
}

/// A result that is still on the device.
pub type Pending = (&'static str, Tensor<1>);

/// A result of any shape.
pub fn flat<const D: usize>(what: &'static str, x: Tensor<D>) -> Pending {
    let n = x.dims().iter().product::<usize>();
    (what, x.reshape([n]))
}
