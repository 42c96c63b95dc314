//! Modules and optimizers to and from named tensors. Names are the paths of the fields, which are PyTorch's names.

use super::checkpoint::Checkpoint;
use crate::device::read_in_pieces;
use crate::error::{Error, Result};
use crate::nn::{Adam, upload};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

/// The part of a path that a field is; which of several networks an enum holds is none.
fn in_path(name: &str, container: &str) -> Option<String> {
    (!container.starts_with("Enum:")).then(|| name.into())
}

/// Names, shapes and flat tensors of the parameters of a module, in the order in which Adam visits them.
#[derive(Default)]
struct Collect {
    path: Vec<String>,
    found: Vec<(String, Vec<usize>, Tensor<1>)>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.extend(in_path(name, container));
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        if in_path(name, container).is_some() {
            self.path.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val().inner();
        let shape = tensor.dims();
        let flat = tensor.reshape([shape.iter().product::<usize>()]);
        self.found.push((self.path.join("."), shape.to_vec(), flat));
    }
}

/// Adds a module, and its optimizer where there is one, to a checkpoint. Weights are named `prefix.path`, the moments `optimizer.prefix.path.exp_avg` and `.exp_avg_sq` as in PyTorch.
pub async fn save_module<M: Module>(
    module: &M,
    adam: Option<&Adam>,
    prefix: &str,
    checkpoint: &mut Checkpoint,
) -> Result<()> {
    let mut collect = Collect::default();
    module.visit(&mut collect);
    let mut tensors: Vec<Tensor<1>> = collect.found.iter().map(|f| f.2.clone()).collect();
    tensors.extend(adam.and_then(|a| a.state.clone()));
    let mut values = read_in_pieces(tensors).await?.into_iter();
    for (name, shape, _) in &collect.found {
        let weight = values.next().ok_or_else(|| Error::internal("A tensor was not read back."))?;
        checkpoint.push(format!("{prefix}.{name}"), shape, weight);
    }
    if let Some(state) = values.next() {
        let (mut first, mut second) = state.split_at(state.len() / 2);
        for (name, shape, _) in &collect.found {
            let n = shape.iter().product();
            let (m, v);
            ((m, first), (v, second)) = (first.split_at(n), second.split_at(n));
            checkpoint.push(format!("optimizer.{prefix}.{name}.exp_avg"), shape, m.to_vec());
            checkpoint.push(format!("optimizer.{prefix}.{name}.exp_avg_sq"), shape, v.to_vec());
        }
    }
    if let Some(adam) = adam {
        checkpoint.set_text(&format!("optimizer.{prefix}.step"), adam.steps);
    }
    Ok(())
}

struct Load<'a> {
    path: Vec<String>,
    prefix: &'a str,
    file: &'a Checkpoint,
    device: Device,
    /// First and second moments of all parameters so far.
    moments: Option<[Vec<f32>; 2]>,
    error: Option<Error>,
}

impl Load<'_> {
    fn flat(&self, name: &str, shape: &[usize]) -> Result<Tensor<1>> {
        let values = self.file.finite(name, shape)?;
        Ok(upload(values.to_vec(), [values.len()], &self.device))
    }

    fn parameter(&mut self, shape: &[usize]) -> Result<Tensor<1>> {
        let name = format!("{}.{}", self.prefix, self.path.join("."));
        let weight = self.flat(&name, shape)?;
        if let Some([first, second]) = &mut self.moments {
            first.extend(self.file.finite(&format!("optimizer.{name}.exp_avg"), shape)?);
            second.extend(self.file.finite(&format!("optimizer.{name}.exp_avg_sq"), shape)?);
        }
        Ok(weight)
    }
}

impl ModuleMapper for Load<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.extend(in_path(name, container));
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        if in_path(name, container).is_some() {
            self.path.pop();
        }
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let old = param.val();
        let shape = old.dims();
        match self.parameter(&shape) {
            Ok(flat) => param.map(|_| {
                let tensor: Tensor<D> = flat.reshape(shape);
                if old.is_autodiff() { Tensor::from_inner(tensor).require_grad() } else { tensor }
            }),
            Err(error) => {
                self.error.get_or_insert(error);
                param
            }
        }
    }
}

/// A module with the weights of a file, and its optimizer where one is given; a file of weights only gives a new one.
///
/// # Errors
/// `BadFile` or `ShapeMismatch`; module and optimizer must then be discarded.
pub fn load_module<M: Module>(
    module: M,
    adam: Option<&mut Adam>,
    prefix: &str,
    file: &Checkpoint,
    device: &Device,
) -> Result<M> {
    let steps = match &adam {
        Some(_) if !file.is_weights_alone() => file.count(&format!("optimizer.{prefix}.step"))?,
        _ => 0,
    };
    let moments = (steps > 0).then(<[Vec<f32>; 2]>::default);
    let device = device.clone().inner();
    let mut load = Load { path: Vec::new(), prefix, file, device, moments, error: None };
    let module = module.map(&mut load);
    if let Some(error) = load.error {
        return Err(error);
    }
    if let Some(adam) = adam {
        let state = load.moments.map(|moments| {
            let moments = moments.concat();
            let numbers = moments.len();
            upload(moments, [numbers], &load.device)
        });
        *adam = Adam::from_state(steps, state);
    }
    Ok(module)
}
