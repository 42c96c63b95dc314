//! A normalizing flow of couplings, RealNVP (Dinh, Sohl-Dickstein and Bengio 2016, arXiv 1605.08803): an invertible map from data to a
//! standard normal latent, whose determinant is known. Its couplings are affine as there, or splines (Durkan et al. 2019,
//! arXiv 1906.04032).
//!
//! A coupling keeps one half of the numbers, and moves the other half by what a network of two hidden layers makes of the kept ones: it
//! scales and shifts them, or bends each by a spline. The next coupling keeps the other half. With n numbers, c couplings, width w and m
//! numbers that a moved one needs, 2 for a scale and a shift and [`NUMBERS`] for a spline: c ((n / 2 + 1) w + (w + 1) w + m n / 2 (w + 1))
//! parameters, for an even n.

use super::spline::{NUMBERS, Splines};
use crate::nn::{Activation, Linear};
use crate::rng::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a coupling moves a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum CouplingKind {
    /// By a scale and a shift.
    Affine,
    /// By a monotone spline, see [`super::spline`].
    Spline,
}

#[derive(Debug, Clone, Copy)]
pub struct RealNvpConfig {
    /// Numbers in a sample.
    pub inputs: usize,
    pub coupling: CouplingKind,
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
    /// Scales, then shifts; or [`NUMBERS`] for each number that is moved.
    pub out: Linear,
    #[module(skip)]
    kind: CouplingKind,
    /// Whether the first half is kept, or the second.
    #[module(skip)]
    keeps_first: bool,
}

/// Logarithms of scales are kept within this distance of 0, by a tanh: a scale that grew without bound would end a training.
const LIMIT: f64 = 2.0;

impl RealNvpConfig {
    pub fn init(&self, weights: &mut Stream, device: &Device) -> RealNvp {
        let Self { inputs, coupling: kind, couplings, width } = *self;
        let numbers = if kind == CouplingKind::Affine { 2 } else { NUMBERS };
        let mut linear = |from, to, gain| Linear::new(from, to, gain, true, weights, device);
        let mut coupling = |i: usize| {
            let keeps_first = i.is_multiple_of(2);
            let kept = if keeps_first { inputs / 2 } else { inputs - inputs / 2 };
            Coupling {
                fc1: linear(kept, width, 3.0),
                fc2: linear(width, width, 3.0),
                // Small: the map begins near the identity.
                out: linear(width, numbers * (inputs - kept), 0.003),
                kind,
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

    /// What the network makes of the kept half, `[B, numbers moved]`.
    fn network(&self, kept: Tensor<2>) -> Tensor<2> {
        let h = self.fc1.forward(kept, Activation::Silu); // (B, width)
        let h = self.fc2.forward(h, Activation::Silu);
        self.out.forward(h, Activation::Identity)
    }

    /// The logarithms of scales and the shifts of the other half, from the kept one.
    fn terms(&self, kept: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let out = self.network(kept); // (B, 2 moved)
        let moved = out.dims()[1] / 2;
        (out.clone().narrow(1, 0, moved).tanh() * LIMIT, out.narrow(1, moved, moved))
    }

    /// A spline for each number of the other half, from the kept one.
    fn splines(&self, kept: Tensor<2>) -> Splines {
        let out = self.network(kept); // (B, NUMBERS moved)
        let n = out.dims().iter().product::<usize>() / NUMBERS;
        Splines::new(out.reshape([n, NUMBERS]))
    }

    /// Both halves in their places.
    fn join(&self, kept: Tensor<2>, moved: Tensor<2>) -> Tensor<2> {
        Tensor::cat(if self.keeps_first { vec![kept, moved] } else { vec![moved, kept] }, 1)
    }

    /// To the latent, and the logarithm of the determinant, `[B, 1]`.
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let (kept, moved) = self.halves(&x);
        match self.kind {
            CouplingKind::Affine => {
                let (scale, shift) = self.terms(kept.clone());
                (self.join(kept, moved * scale.clone().exp() + shift), scale.sum_dim(1))
            }
            CouplingKind::Spline => {
                let [b, n] = moved.dims();
                let (moved, slopes) = self.splines(kept.clone()).forward(moved.reshape([b * n, 1]));
                (self.join(kept, moved.reshape([b, n])), slopes.reshape([b, n]).sum_dim(1))
            }
        }
    }

    fn inverse(&self, z: Tensor<2>) -> Tensor<2> {
        let (kept, moved) = self.halves(&z);
        let moved = match self.kind {
            CouplingKind::Affine => {
                let (scale, shift) = self.terms(kept.clone());
                (moved - shift) * (-scale).exp()
            }
            CouplingKind::Spline => {
                let [b, n] = moved.dims();
                self.splines(kept.clone()).inverse(moved.reshape([b * n, 1])).reshape([b, n])
            }
        };
        self.join(kept, moved)
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

    /// The way of data `[B, n]`, latents first: one more place than there are couplings.
    pub fn way(&self, x: Tensor<2>) -> Vec<Tensor<2>> {
        let mut places = vec![x];
        for coupling in &self.couplings {
            places.extend(places.last().cloned().map(|x| coupling.forward(x).0));
        }
        places.reverse();
        places
    }

    /// The logarithm of the density, in nats, `[B, 1]`.
    pub fn log_density(&self, x: Tensor<2>) -> Tensor<2> {
        let n = x.dims()[1] as f64;
        let (z, determinant) = self.forward(x);
        determinant - z.square().sum_dim(1) * 0.5 - n / 2.0 * std::f64::consts::TAU.ln()
    }
}
