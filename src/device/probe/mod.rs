//! Compares a device with the CPU at our own shapes before it is used: kernels have been reported to compute wrong numbers on some GPUs,
//! and some drivers to compute nothing. Each kind of operation with a kernel of ours is computed once, forward, and backward where it
//! is trained. The reference was computed by the CPU backend and is a file, so that the WebGPU module needs no second backend; a test
//! keeps the file up to date.

mod inference;
mod result;
mod training;

pub use result::Computed;

use super::{is_cpu, read};
use crate::compare::{max_abs, max_abs_diff, worst_at};
use crate::error::{Code, Error, Result};
use crate::nn::engine;
use crate::rng::{Purpose, Stream};
use burn::tensor::Device;

/// The largest number and the sums of each result, in the order in which they are computed.
const REFERENCE: &[u8] = include_bytes!("reference.bin");
/// Sums of each result in the reference.
const SUMS: usize = 32;
/// The largest difference that rounding explains, relative to the largest number of a result.
pub const TOLERANCE: f32 = 2e-3;

/// Computes everything that is compared with the CPU.
///
/// # Errors
/// `DeviceLost` where the device does not answer.
pub async fn compute(device: &Device) -> Result<Vec<Computed>> {
    let mut stream = Stream::new(7, Purpose::Weights);
    let mut results = training::results(&mut stream, device);
    results.extend(training::of_sequences(&mut stream, device));
    results.extend(inference::attention(&mut stream, device)?);
    let (names, tensors): (Vec<_>, Vec<_>) = results.into_iter().unzip();
    let values = read(tensors).await?;
    let mut computed: Vec<Computed> =
        names.into_iter().zip(values).map(|(what, values)| Computed { what, values }).collect();
    if is_cpu(device) {
        computed.extend(inference::transformer(&mut stream, &engine::Cpu).await?);
    } else {
        #[cfg(feature = "gpu")]
        computed.extend(inference::transformer(&mut stream, &engine::Gpu::new(device)).await?);
    }
    Ok(computed)
}

/// Weighted sums over pieces of a result, in which every number and its place count.
fn sums(values: &[f32]) -> Vec<f32> {
    let weights = Stream::new(8, Purpose::Noise).uniform(values.len(), 1.0);
    let piece = values.len().div_ceil(SUMS).max(1);
    let sum = |(values, weights): (&[f32], &[f32])| {
        // No weight is small, so that each wrong number is noticed.
        let terms = values.iter().zip(weights).map(|(v, w)| f64::from(*v) * f64::from(w + w.signum()));
        terms.sum::<f64>() as f32
    };
    values.chunks(piece).zip(weights.chunks(piece)).map(sum).collect()
}

/// The reference file of these results.
pub fn reference(computed: &[Computed]) -> Vec<u8> {
    let numbers = computed.iter().flat_map(|c| [vec![max_abs(&c.values)], sums(&c.values)].concat());
    numbers.flat_map(f32::to_le_bytes).collect()
}

/// The largest difference from the reference, relative to the largest number of each result.
///
/// # Errors
/// `WrongArithmetic` where it is larger than rounding explains; also for a NaN, an infinity, zeros, or the numbers of another result.
pub fn accept(computed: &[Computed]) -> Result<f32> {
    let mut kept = REFERENCE.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let mut errors = Vec::new();
    for Computed { values, .. } in computed {
        let largest = kept.next().unwrap_or(f32::NAN);
        let ours = sums(values);
        let theirs: Vec<f32> = kept.by_ref().take(ours.len()).collect();
        errors.push(max_abs_diff(&ours, &theirs) / largest);
    }
    let complete = !errors.is_empty() && kept.next().is_none();
    let (at, worst) = worst_at(errors);
    if complete && worst <= TOLERANCE {
        return Ok(worst);
    }
    let what = computed.get(at).map_or("nothing", |c| c.what);
    Err(Error::new(
        Code::WrongArithmetic,
        format!("The graphics card gives different results from the CPU (off by {worst:.1e}, {what})."),
        "Kiln runs on the CPU instead. A newer browser or driver may help.",
    ))
}

/// [`compute`], then [`accept`].
///
/// # Errors
/// Those of both.
pub async fn verify(device: &Device) -> Result<f32> {
    accept(&compute(device).await?)
}
