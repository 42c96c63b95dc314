//! Adam (Kingma and Ba 2014, arXiv 1412.6980), with PyTorch's formula: epsilon is added to the corrected root.
//!
//! burn's own keeps its moments where only a blocking read finds them, and its betas cannot change while it runs.

use super::ops::{self, Moments};
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor};

/// What one step uses; all of it may change from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamOptions {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
}

const EPSILON: f32 = 1e-8;

/// The moments of one network, one pair of flat tensors a parameter, in the order in which the module visits them.
#[derive(Debug, Clone, Default)]
pub struct Adam {
    /// First and second moments; empty before the first step.
    pub moments: Vec<(Tensor<1>, Tensor<1>)>,
    /// Steps taken.
    pub steps: u32,
}

impl Adam {
    /// One update. Returns the module and, where `norm` is asked for, the L2 norm of all gradients.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        mut gradients: Gradients,
        options: AdamOptions,
        norm: bool,
    ) -> (M, Option<Tensor<1>>) {
        self.steps += 1;
        let t = self.steps as i32;
        let AdamOptions { lr, beta1, beta2 } = options;
        let mut update = Update {
            gradients: GradientsParams::from_module(&mut gradients, &module),
            before: std::mem::take(&mut self.moments).into_iter(),
            after: Vec::new(),
            with: Moments {
                lr: lr as f32,
                beta1: beta1 as f32,
                beta2: beta2 as f32,
                corrections: [beta1, beta2].map(|beta| (1.0 - beta.powi(t)) as f32),
                epsilon: EPSILON,
            },
            squares: norm.then(Vec::new),
        };
        let module = module.map(&mut update);
        self.moments = update.after;
        let norm = update.squares.and_then(|s| s.into_iter().reduce(|a, b| a + b)).map(Tensor::sqrt);
        (module, norm)
    }
}

struct Update {
    gradients: GradientsParams,
    /// Moments that are still to be updated, and those that are.
    before: std::vec::IntoIter<(Tensor<1>, Tensor<1>)>,
    after: Vec<(Tensor<1>, Tensor<1>)>,
    with: Moments,
    squares: Option<Vec<Tensor<1>>>,
}

impl ModuleMapper for Update {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.val().dims();
        let n = shape.iter().product::<usize>();
        let gradient = match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient.reshape([n]),
            None => Tensor::zeros([n], &param.val().device().inner()),
        };
        if let Some(squares) = &mut self.squares {
            squares.push(gradient.clone().square().sum());
        }
        let (m, v) = self.before.next().unwrap_or_else(|| (gradient.zeros_like(), gradient.zeros_like()));
        let with = self.with;
        param.map(|weight| {
            let (weight, m, v) = ops::adam([weight.inner().reshape([n]), gradient, m, v], with);
            self.after.push((m, v));
            Tensor::from_inner(weight.reshape(shape)).require_grad()
        })
    }
}
