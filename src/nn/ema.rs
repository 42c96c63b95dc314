//! An exponential moving average of weights, which draws better samples than the weights of the last step (Polyak and Juditsky 1992;
//! in generative models Song and Ermon 2020, arXiv 2006.09011).

use super::init::upload;
use super::ops;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// The average of a module's weights.
#[derive(Debug, Clone)]
pub struct Ema<M> {
    /// The module with the averaged weights, without gradients.
    pub module: M,
    /// Updates so far.
    pub updates: u32,
    /// `1 - decay` of the last update, on the device.
    share: Option<(f64, Tensor<1>)>,
}

impl<M: Module> Ema<M> {
    /// The average after this number of updates.
    pub fn new(module: M, updates: u32) -> Self {
        Self { module: module.no_grad(), updates, share: None }
    }

    /// `average = d average + (1 - d) weight`, with d = min(`decay`, (1 + i) / (10 + i)) at update i from 0 on, so that the
    /// average follows quickly at first.
    pub fn update(&mut self, module: &M, decay: f64) {
        let i = f64::from(self.updates);
        let share = 1.0 - decay.min((1.0 + i) / (10.0 + i));
        self.updates += 1;
        let mut live = Live(Vec::new());
        module.visit(&mut live);
        let Some(device) = live.0.first().map(Tensor::device) else { return };
        // The factor is a tensor: CubeCL allocates new kernel arguments for each new scalar.
        let on_device = match self.share.take().filter(|(last, _)| *last == share) {
            Some((_, tensor)) => tensor,
            None => upload(vec![share as f32], [1], &device),
        };
        let mut averages = Live(Vec::new());
        self.module.visit(&mut averages);
        let new = ops::ema(&on_device, averages.0, live.0);
        self.module = self.module.clone().map(&mut Replace(new.into_iter()));
        self.share = Some((share, on_device));
    }
}

/// Weights, flat and without gradients.
struct Live(Vec<Tensor<1>>);

impl ModuleVisitor for Live {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val().inner();
        let n = weight.dims().iter().product::<usize>();
        self.0.push(weight.reshape([n]));
    }
}

/// Replaces the weights of a module by flat ones.
struct Replace(std::vec::IntoIter<Tensor<1>>);

impl ModuleMapper for Replace {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(new) = self.0.next() else { return param };
        param.map(|old| {
            let new = new.reshape(old.dims());
            if old.is_autodiff() { Tensor::from_inner(new) } else { new }
        })
    }
}
