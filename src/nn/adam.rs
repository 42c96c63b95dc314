//! Adam (Kingma and Ba 2014, arXiv 1412.6980), with PyTorch's formula: epsilon is added to the corrected root.
//!
//! burn's own keeps its moments where only a blocking read finds them, and its betas cannot change while it runs.

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

const EPSILON: f64 = 1e-8;

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
        let mut update = Update {
            gradients: GradientsParams::from_module(&mut gradients, &module),
            moments: &mut self.moments,
            index: 0,
            options,
            correction: (1.0 - options.beta1.powi(t), 1.0 - options.beta2.powi(t)),
            squares: norm.then(Vec::new),
        };
        let module = module.map(&mut update);
        let norm = update.squares.and_then(|s| s.into_iter().reduce(|a, b| a + b)).map(Tensor::sqrt);
        (module, norm)
    }
}

struct Update<'a> {
    gradients: GradientsParams,
    moments: &'a mut Vec<(Tensor<1>, Tensor<1>)>,
    index: usize,
    options: AdamOptions,
    correction: (f64, f64),
    squares: Option<Vec<Tensor<1>>>,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let index = self.index;
        self.index += 1;
        let shape = param.val().dims();
        let n = shape.iter().product::<usize>();
        let gradient = match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient.reshape([n]),
            None => Tensor::zeros([n], &param.val().device().inner()),
        };
        if let Some(squares) = &mut self.squares {
            squares.push(gradient.clone().square().sum());
        }
        let AdamOptions { lr, beta1, beta2 } = self.options;
        if self.moments.len() <= index {
            self.moments.push((gradient.zeros_like(), gradient.zeros_like()));
        }
        let (m, v) = self.moments[index].clone();
        let m = m * beta1 + gradient.clone() * (1.0 - beta1);
        let v = v * beta2 + gradient.square() * (1.0 - beta2);
        self.moments[index] = (m.clone(), v.clone());
        let (c1, c2) = self.correction;
        let delta = m * (lr / c1) / ((v / c2).sqrt() + EPSILON);
        param.map(|weight| {
            let updated = weight.inner() - delta.reshape(shape);
            Tensor::from_inner(updated).require_grad()
        })
    }
}
