//! Adam (Kingma and Ba 2014, arXiv 1412.6980), with PyTorch's formula: epsilon is added to the corrected root. With weight decay it is
//! AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101); gradients can be clipped by their norm (Pascanu, Mikolov and Bengio 2012,
//! arXiv 1211.5063).
//!
//! burn's Adam keeps its moments where only a blocking read reaches them, and its betas are fixed when it is built.

use super::init::upload;
use super::ops;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Gradients, Tensor};
use std::collections::VecDeque;

/// The options of one step; they may change from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamOptions {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
}

/// [`AdamOptions`] with weight decay and gradient clipping; both are off by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWOptions {
    pub adam: AdamOptions,
    /// Weight decay of matrices and convolution kernels. Biases and the weights of norms do not decay, as in GPT-2's training.
    pub decay: f64,
    /// The largest L2 norm of all gradients together; larger gradients are scaled down to it.
    pub clip: Option<f64>,
}

impl From<AdamOptions> for AdamWOptions {
    fn from(adam: AdamOptions) -> Self {
        Self { adam, decay: 0.0, clip: None }
    }
}

const EPSILON: f64 = 1e-8;

/// The optimizer of one network. All moments are one tensor.
#[derive(Debug, Clone, Default)]
pub struct Adam {
    /// The first moments of all parameters, flat, in the order in which the module visits them, then the second ones; `None`
    /// before the first step.
    pub state: Option<Tensor<1>>,
    /// Steps taken.
    pub steps: u32,
    /// Settings of the next steps, on the device already.
    ready: VecDeque<(u32, AdamWOptions, Tensor<1>)>,
}

impl Adam {
    /// An optimizer after this number of steps.
    pub fn from_state(steps: u32, state: Option<Tensor<1>>) -> Self {
        Self { state, steps, ready: VecDeque::new() }
    }

    /// Uploads the settings of the next `steps` steps. On WebGPU an upload ends a submission, so those of a training step should come
    /// before its first operation. A step that was not prepared uploads its own settings.
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
            flat_gradients: Vec::new(),
            decays: options.decay > 0.0,
            decay: Vec::new(),
        };
        module.visit(&mut flat);
        let Some(first) = flat.weights.first() else {
            return (module, None);
        };
        let (device, numbers) = (first.device(), flat.weights.iter().map(|w| w.dims()[0]).sum::<usize>());
        let squares = (norm || options.clip.is_some())
            .then(|| flat.flat_gradients.iter().map(|g| g.clone().square().sum()).collect::<Vec<_>>());
        let length = squares.and_then(|s| s.into_iter().reduce(|a, b| a + b)).map(Tensor::sqrt);
        let mut settings = self.settings(options, &device);
        if let (Some(limit), Some(length)) = (options.clip, &length) {
            // As torch.nn.utils.clip_grad_norm_ does.
            let scale = ((length.clone() + 1e-6).recip() * limit).clamp_max(1.0);
            settings = Tensor::cat(vec![settings.narrow(0, 0, SETTINGS - 1), scale], 0);
        }
        let state = self.state.take().unwrap_or_else(|| Tensor::zeros([2 * numbers], &device));
        let (state, weights) = ops::adam(&settings, state, flat.weights, flat.flat_gradients, &flat.decay);
        self.state = Some(state);
        (module.map(&mut Replace(weights.into_iter())), length.filter(|_| norm))
    }
}

/// Numbers in the settings of a step.
const SETTINGS: usize = 7;

impl AdamWOptions {
    /// The settings of step t: `lr / (1 - beta1^t)`, `1 / (1 - beta2^t)`, both betas, epsilon, the factor of weight decay and that of
    /// gradient clipping.
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
    flat_gradients: Vec<Tensor<1>>,
    /// Whether there is weight decay, and for each weight whether it decays: matrices and convolution kernels do.
    decays: bool,
    decay: Vec<bool>,
}

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val().inner();
        let n = weight.dims().iter().product::<usize>();
        self.flat_gradients.push(match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient.reshape([n]),
            None => Tensor::zeros([n], &weight.device()),
        });
        self.weights.push(weight.reshape([n]));
        self.decay.push(self.decays && D > 1);
    }
}

/// Replaces the weights of a module by flat ones.
struct Replace(std::vec::IntoIter<Tensor<1>>);

impl ModuleMapper for Replace {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.next() {
            Some(new) => param.map(|old| Tensor::from_inner(new.reshape(old.dims())).require_grad()),
            None => param,
        }
    }
}
