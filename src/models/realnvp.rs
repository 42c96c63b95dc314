//! A normalizing flow of affine couplings, RealNVP (Dinh, Sohl-Dickstein and Bengio 2016, arXiv 1605.08803): an invertible map from data
//! to a standard normal latent, whose determinant is known.
//!
//! A coupling keeps one half of the numbers, and scales and shifts the other half by what a network of two hidden layers makes of the kept
//! ones; the next coupling keeps the other half. With n numbers, c couplings and width w: c ((n / 2 + 1) w + (w + 1) w + n (w + 1))
//! parameters, for an even n.

use crate::nn::{Activation, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

#[derive(Debug, Clone, Copy)]
pub struct RealNvpConfig {
    /// Numbers in a sample.
    pub inputs: usize,
    pub couplings: usize,
    /// Units of both hidden layers.
    pub width: usize,
}

#[derive(Module, Debug)]
pub struct RealNvp {
    pub couplings: Vec<Coupling>,
}

#[derive(Module, Debug)]
pub struct Coupling {
    pub fc1: Linear,
    pub fc2: Linear,
    /// Scales, then shifts.
    pub out: Linear,
    /// Whether the first half is kept, or the second.
    #[module(skip)]
    keeps_first: bool,
}

/// Logarithms of scales are kept within this distance of 0, by a tanh: a scale that grew without bound would end a training.
const LIMIT: f64 = 2.0;

impl RealNvpConfig {
    pub fn init(&self, weights: &mut Stream, device: &Device) -> RealNvp {
        let Self { inputs, couplings, width } = *self;
        let mut linear = |from, to, gain| Linear::new(from, to, gain, true, weights, device);
        let mut coupling = |i: usize| {
            let keeps_first = i.is_multiple_of(2);
            let kept = if keeps_first { inputs / 2 } else { inputs - inputs / 2 };
            Coupling {
                fc1: linear(kept, width, 3.0),
                fc2: linear(width, width, 3.0),
                // Small: the map begins near the identity.
                out: linear(width, 2 * (inputs - kept), 0.003),
                keeps_first,
            }
        };
        RealNvp { couplings: (0..couplings).map(&mut coupling).collect() }
    }
}

impl Coupling {
    /// The kept half and the other one.
    fn halves(&self, x: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let [_, n] = x.dims();
        let (first, second) = (x.clone().narrow(1, 0, n / 2), x.clone().narrow(1, n / 2, n - n / 2));
        if self.keeps_first { (first, second) } else { (second, first) }
    }

    /// The logarithms of scales and the shifts of the other half, from the kept one.
    fn terms(&self, kept: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let h = self.fc1.forward(kept, Activation::Silu); // (B, width)
        let h = self.fc2.forward(h, Activation::Silu);
        let out = self.out.forward(h, Activation::Identity); // (B, 2 moved)
        let moved = out.dims()[1] / 2;
        (out.clone().narrow(1, 0, moved).tanh() * LIMIT, out.narrow(1, moved, moved))
    }

    /// Both halves in their places.
    fn join(&self, kept: Tensor<2>, moved: Tensor<2>) -> Tensor<2> {
        Tensor::cat(if self.keeps_first { vec![kept, moved] } else { vec![moved, kept] }, 1)
    }

    /// To the latent, and the logarithm of the determinant, `[B, 1]`.
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let (kept, moved) = self.halves(&x);
        let (scale, shift) = self.terms(kept.clone());
        (self.join(kept, moved * scale.clone().exp() + shift), scale.sum_dim(1))
    }

    fn inverse(&self, z: Tensor<2>) -> Tensor<2> {
        let (kept, moved) = self.halves(&z);
        let (scale, shift) = self.terms(kept.clone());
        self.join(kept, (moved - shift) * (-scale).exp())
    }
}

impl RealNvp {
    /// Data `[B, n]` to latents, and the logarithm of the determinant, `[B, 1]`.
    pub fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let [b, _] = x.dims();
        let zero = Tensor::zeros([b, 1], &x.device());
        self.couplings.iter().fold((x, zero), |(x, determinant), coupling| {
            let (x, more) = coupling.forward(x);
            (x, determinant + more)
        })
    }

    /// Latents to data, through the last `couplings` of them: all, or fewer to look into the middle.
    pub fn inverse(&self, z: Tensor<2>, couplings: usize) -> Tensor<2> {
        self.couplings.iter().rev().take(couplings).fold(z, |z, coupling| coupling.inverse(z))
    }

    /// The logarithm of the density, in nats, `[B, 1]`.
    pub fn log_density(&self, x: Tensor<2>) -> Tensor<2> {
        let n = x.dims()[1] as f64;
        let (z, determinant) = self.forward(x);
        determinant - z.square().sum_dim(1) * 0.5 - n / 2.0 * std::f64::consts::TAU.ln()
    }
}
