//! Adam (Kingma and Ba 2014, arXiv 1412.6980), with PyTorch's formula: epsilon is added to the corrected root. With weight decay it is
//! AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101); gradients can be clipped by their norm (Pascanu, Mikolov and Bengio 2012,
//! arXiv 1211.5063).
//!
//! burn's own keeps its moments where only a blocking read finds them, and its betas cannot change while it runs.

use super::init::upload;
use super::ops;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Gradients, Tensor};
use std::collections::VecDeque;

/// What one step uses; all of it may change from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamOptions {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
}

/// [`AdamOptions`] with weight decay and clipping, neither by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWOptions {
    pub adam: AdamOptions,
    /// The share of the learning rate by which matrices and kernels shrink at each step. Biases and the weights of norms do not, as in
    /// GPT-2's training.
    pub decay: f64,
    /// The L2 norm of all gradients that is let through; longer ones are scaled down to it.
    pub clip: Option<f64>,
}

impl From<AdamOptions> for AdamWOptions {
    fn from(adam: AdamOptions) -> Self {
        Self { adam, decay: 0.0, clip: None }
    }
}

const EPSILON: f64 = 1e-8;

/// The moments of one network, in one tensor.
#[derive(Debug, Clone, Default)]
pub struct Adam {
    /// The first moments of all parameters, flat, in the order in which the module visits them, then the second ones; `None`
    /// before the first step.
    pub state: Option<Tensor<1>>,
    /// Steps taken.
    pub steps: u32,
    /// What the next steps use, on the device.
    ready: VecDeque<(u32, AdamWOptions, Tensor<1>)>,
}

impl Adam {
    /// That has taken so many steps.
    pub fn after(steps: u32, state: Option<Tensor<1>>) -> Self {
        Self { state, steps, ready: VecDeque::new() }
    }

    /// Uploads what the next `steps` steps use. On WebGPU an upload ends a submission: those of a training step are to come
    /// before its first operation. A step that was not prepared uploads its own.
    pub fn prepare(&mut self, steps: usize, options: impl Into<AdamWOptions>, device: &Device) {
        let (next, options) = (self.steps + 1, options.into());
        let device = device.clone().inner();
        let settings = |step| (step, options, upload(options.at(step).to_vec(), [SETTINGS], &device));
        self.ready = (next..next + steps as u32).map(settings).collect();
    }

    fn settings(&mut self, options: AdamWOptions, device: &Device) -> Tensor<1> {
        let is_ready = |ready: &(u32, AdamWOptions, Tensor<1>)| ready.0 == self.steps && ready.1 == options;
        match self.ready.pop_front().filter(is_ready) {
            Some((_, _, settings)) => settings,
            None => upload(options.at(self.steps).to_vec(), [SETTINGS], device),
        }
    }

    /// One update. Returns the module and, where `norm` is asked for, the L2 norm of all gradients before they are clipped.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        mut gradients: Gradients,
        options: impl Into<AdamWOptions>,
        norm: bool,
    ) -> (M, Option<Tensor<1>>) {
        let options = options.into();
        self.steps += 1;
        let mut flat = Flat {
            gradients: GradientsParams::from_module(&mut gradients, &module),
            weights: Vec::new(),
            slopes: Vec::new(),
            decays: options.decay > 0.0,
            decay: Vec::new(),
        };
        module.visit(&mut flat);
        let Some(first) = flat.weights.first() else {
            return (module, None);
        };
        let (device, numbers) = (first.device(), flat.weights.iter().map(|w| w.dims()[0]).sum::<usize>());
        let squares = (norm || options.clip.is_some())
            .then(|| flat.slopes.iter().map(|g| g.clone().square().sum()).collect::<Vec<_>>());
        let length = squares.and_then(|s| s.into_iter().reduce(|a, b| a + b)).map(Tensor::sqrt);
        let mut settings = self.settings(options, &device);
        if let (Some(most), Some(length)) = (options.clip, &length) {
            // As torch.nn.utils.clip_grad_norm_ has it.
            let scale = ((length.clone() + 1e-6).recip() * most).clamp_max(1.0);
            settings = Tensor::cat(vec![settings.narrow(0, 0, SETTINGS - 1), scale], 0);
        }
        let state = self.state.take().unwrap_or_else(|| Tensor::zeros([2 * numbers], &device));
        let (state, weights) = ops::adam(&settings, state, flat.weights, flat.slopes, &flat.decay);
        self.state = Some(state);
        (module.map(&mut Replace(weights.into_iter())), length.filter(|_| norm))
    }
}

/// Numbers that a step uses.
const SETTINGS: usize = 7;

impl AdamWOptions {
    /// What step t uses: `lr / (1 - beta1^t)`, `1 / (1 - beta2^t)`, both betas, epsilon, what weights that decay are multiplied by,
    /// and what gradients are.
    fn at(self, step: u32) -> [f32; SETTINGS] {
        let AdamOptions { lr, beta1, beta2 } = self.adam;
        let [c1, c2] = [beta1, beta2].map(|beta| 1.0 - beta.powi(step as i32));
        [lr / c1, 1.0 / c2, beta1, beta2, EPSILON, 1.0 - lr * self.decay, 1.0].map(|v| v as f32)
    }
}

/// Weights and their gradients, flat.
struct Flat {
    gradients: GradientsParams,
    weights: Vec<Tensor<1>>,
    slopes: Vec<Tensor<1>>,
    /// Whether any decay, and which: matrices and kernels.
    decays: bool,
    decay: Vec<bool>,
}

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val().inner();
        let n = weight.dims().iter().product::<usize>();
        self.slopes.push(match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient.reshape([n]),
            None => Tensor::zeros([n], &weight.device()),
        });
        self.weights.push(weight.reshape([n]));
        self.decay.push(self.decays && D > 1);
    }
}

/// Puts flat weights where they belong.
struct Replace(std::vec::IntoIter<Tensor<1>>);

impl ModuleMapper for Replace {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.next() {
            Some(new) => param.map(|old| Tensor::from_inner(new.reshape(old.dims())).require_grad()),
            None => param,
        }
    }
}
