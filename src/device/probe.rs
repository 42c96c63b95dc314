//! Holds a device against the CPU at our own shapes before it is trusted: autotuned kernels have been reported to
//! compute wrong numbers on some GPUs. The reference was computed by the CPU backend and is kept as a file, so that the
//! WebGPU module does not carry a second backend; a test keeps the file fresh.

use super::read;
use crate::error::{Code, Error, Result};
use crate::models::dcgan::DcganConfig;
use crate::models::{Discriminator, Generator};
use crate::nn::ops::multiply;
use crate::nn::{Adam, AdamOptions, upload};
use crate::rng::{Purpose, Stream};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Gradients, Tensor};

const REFERENCE: &[u8] = include_bytes!("probe.bin");
/// Numbers kept of each result.
const KEPT: usize = 64;
/// Largest difference that rounding explains, relative to the largest number of a result.
pub const TOLERANCE: f32 = 2e-3;

/// Matrix product, softmax, a DCGAN of width 8 (convolution, transposed convolution, batch norm), the gradients of both
/// its networks and one step of Adam: the first numbers of each.
pub async fn compute(device: &Device) -> Result<Vec<f32>> {
    let mut stream = Stream::new(7, Purpose::Weights);
    let mut matrix = |rows: usize, columns: usize| upload(stream.normal(rows * columns), [rows, columns], device);
    let (a, b, z, x) = (matrix(64, 128), matrix(128, 96), matrix(16, 64), matrix(16, 784));
    let product = multiply(a, b, [false, false]);
    let soft = softmax(product.clone() * 0.1, 1);
    let sizes = DcganConfig { latent: 64, width: 8, classes: 0, channels: 1, side: 28 };
    let generator = sizes.generator(&mut stream, device);
    let discriminator = sizes.discriminator(&mut stream, device);
    let drawn = generator.forward(z, None);
    let judged = discriminator.forward(drawn.clone(), None);
    let loss = judged.clone().square().mean() + discriminator.forward(x, None).square().mean();
    let gradients = loss.backward();
    let mut visit = First { gradients: &gradients, found: Vec::new() };
    generator.visit(&mut visit);
    discriminator.visit(&mut visit);
    let mut results = visit.found;
    let options = AdamOptions { lr: 0.01, beta1: 0.5, beta2: 0.999 };
    let (learnt, _) = Adam::default().step(discriminator, gradients, options, false);
    results.extend([first(product), first(soft), first(drawn), first(judged), loss]);
    results.push(first(learnt.c2.weight.val().flatten(0, 2)));
    // Each result is scaled to its own largest number: one tolerance then fits all.
    let scaled = |values: Vec<f32>| {
        let most = values.iter().fold(1e-6f32, |most, x| most.max(x.abs()));
        values.into_iter().map(move |x| x / most)
    };
    Ok(read(results).await?.into_iter().flat_map(scaled).collect())
}

/// The first numbers of every parameter's gradient.
struct First<'a> {
    gradients: &'a Gradients,
    found: Vec<Tensor<1>>,
}

impl ModuleVisitor for First<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            let n = gradient.dims().iter().product::<usize>();
            self.found.push(gradient.reshape([n]).narrow(0, 0, n.min(KEPT)));
        }
    }
}

fn first(x: Tensor<2>) -> Tensor<1> {
    let [rows, columns] = x.dims();
    let n = rows * columns;
    x.reshape([n]).narrow(0, 0, n.min(KEPT))
}

/// The largest difference of a device from the CPU, relative to the largest number of each result.
///
/// # Errors
/// `WrongArithmetic` where it is beyond what rounding explains.
pub async fn verify(device: &Device) -> Result<f32> {
    let computed = compute(device).await?;
    let reference = REFERENCE.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let same_length = computed.len() * 4 == REFERENCE.len();
    let worst = computed
        .iter()
        .zip(reference)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0f32, |m, d| if d.is_nan() { f32::NAN } else { m.max(d) });
    if !same_length || worst.is_nan() || worst > TOLERANCE {
        return Err(Error::new(
            Code::WrongArithmetic,
            format!("The graphics device computes other numbers than the CPU (by {worst:.1e})."),
            "Kiln runs on the CPU instead. A newer browser or driver may help.",
        ));
    }
    Ok(worst)
}
