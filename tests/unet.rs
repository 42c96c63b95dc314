//! The U-Net that denoises pictures against PyTorch (`tests/torch/unet.py`), and the names under which it is saved.

mod common;

use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor};
use common::{Driver, fixture};
use kiln::device::open_cpu;
use kiln::error::Code;
use kiln::models::denoiser::Denoiser;
use kiln::models::denoiser_unet::{DenoiserUnet, DenoiserUnetConfig};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::weights::{Checkpoint, load_module};
use std::collections::BTreeSet;

/// The fixture's cases.
const CASES: [(&str, [usize; 3]); 2] = [("digits", [1, 28, 28]), ("colour", [3, 32, 32])];

fn golden() -> Checkpoint {
    Checkpoint::from_bytes(&std::fs::read(fixture("unet.safetensors")).expect("the fixture")).expect("it reads")
}

fn blank(shape: [usize; 3], device: &Device) -> DenoiserUnet {
    let sizes = DenoiserUnetConfig { shape, condition: 5, width: 8, embedding: 6 };
    sizes.init(&mut Stream::new(0, Purpose::Weights), device).expect("the sizes fit")
}

/// Compares with a tensor of the fixture, relative to its largest number.
fn close<const D: usize>(golden: &Checkpoint, name: &str, found: Tensor<D>) {
    let expected = golden.find(name).unwrap_or_else(|| panic!("{name} is not in the fixture"));
    assert_eq!(expected.shape, found.dims(), "{name}");
    let found: Vec<f32> = found.into_data().try_into_vec().expect("floats");
    let scale = expected.values.iter().map(|v| v.abs()).max_by(f32::total_cmp).expect("some");
    for (i, (a, b)) in found.iter().zip(&expected.values).enumerate() {
        assert!((a - b).abs() <= 1e-5 * scale, "{name}[{i}]: {a} here, {b} in PyTorch");
    }
}

/// The gradients of a case that were compared.
struct Compare<'a> {
    golden: &'a Checkpoint,
    case: &'a str,
    gradients: Gradients,
    seen: BTreeSet<String>,
}

impl Compare<'_> {
    fn of<const D: usize>(&mut self, name: &str, tensor: &Tensor<D>) {
        let name = format!("{}.d.{name}", self.case);
        close(self.golden, &name, tensor.grad(&self.gradients).expect("a gradient"));
        self.seen.insert(name);
    }

    fn weight<const D: usize>(&mut self, name: &str, weight: &Param<Tensor<D>>) {
        self.of(name, &weight.val());
    }
}

#[test]
fn predictions_and_gradients_are_pytorchs() {
    let (golden, device) = (golden(), open_cpu().expect("a CPU").device);
    for (case, shape) in CASES {
        let model = load_module(blank(shape, &device), None, case, &golden, &device).expect("PyTorch's names");
        let input = |name: &str, width: usize| -> Tensor<2> {
            let values = golden.find(&format!("{case}.{name}")).expect("an input").values.clone();
            upload(values, [2, width], &device).require_grad()
        };
        let (x, condition) = (input("x", shape.iter().product()), input("condition", 5));
        let y = model.forward(x.clone(), condition.clone());
        close(&golden, &format!("{case}.y"), y.clone());

        let gradients = y.square().sum().backward();
        let mut compare = Compare { golden: &golden, case, gradients, seen: BTreeSet::new() };
        compare.of("x", &x);
        compare.of("condition", &condition);
        let bias = |layer: &Option<Param<Tensor<1>>>| layer.clone().expect("a bias");
        compare.weight("condition.weight", &model.condition.weight);
        compare.weight("down1.weight", &model.down1.weight);
        compare.weight("down2.bias", &bias(&model.down2.bias));
        compare.weight("block1.norm1.weight", &model.block1.norm1.weight);
        compare.weight("block1.modulation.weight", &model.block1.modulation.weight);
        compare.weight("block2.conv1.bias", &bias(&model.block2.conv1.bias));
        compare.weight("block2.norm2.bias", &model.block2.norm2.bias);
        compare.weight("block3.modulation.bias", &bias(&model.block3.modulation.bias));
        compare.weight("block4.shortcut.weight", &model.block4.shortcut.as_ref().expect("a shortcut").weight);
        compare.weight("block4.norm1.weight", &model.block4.norm1.weight);
        compare.weight("norm.weight", &model.norm.weight);
        compare.weight("attention.q_proj.weight", &model.attention.q_proj.weight);
        compare.weight("attention.k_proj.weight", &model.attention.k_proj.weight);
        compare.weight("attention.v_proj.bias", &bias(&model.attention.v_proj.bias));
        compare.weight("attention.o_proj.weight", &model.attention.o_proj.weight);
        compare.weight("up2.bias", &bias(&model.up2.bias));
        compare.weight("up1.weight", &model.up1.weight);
        compare.weight("output.weight", &model.output.weight);
        compare.weight("output.bias", &bias(&model.output.bias));
        let all = golden.tensors.iter().filter(|t| t.name.starts_with(&format!("{case}.d."))).count();
        assert_eq!(compare.seen.len(), all, "every gradient of the fixture is compared");
    }
}

/// A file of the fixture's weights, as PyTorch names them, has no tensor more and none less than a file of Kiln.
#[test]
fn the_tensors_of_a_checkpoint_have_the_names_that_pytorch_gives_them() {
    let golden = golden();
    let others = ["x", "condition", "y"];
    let pytorch: BTreeSet<String> = golden
        .tensors
        .iter()
        .filter_map(|t| t.name.strip_prefix("digits."))
        .filter(|name| !name.starts_with("d.") && !others.contains(name))
        .map(String::from)
        .collect();
    assert!(pytorch.contains("down1.weight") && pytorch.len() > 40, "{pytorch:?}");
    let file = Driver::open("diffusion?space=unet&start=scratch&width=64&batch=8").step(1).checkpoint();
    for (prefix, suffix) in [
        ("denoiser.", ""),
        ("ema.denoiser.", ""),
        ("optimizer.denoiser.", ".exp_avg"),
        ("optimizer.denoiser.", ".exp_avg_sq"),
    ] {
        let name = |t: &kiln::weights::NamedTensor| {
            t.name.strip_prefix(prefix).and_then(|name| name.strip_suffix(suffix)).map(String::from)
        };
        let found: BTreeSet<String> = file.tensors.iter().filter_map(name).collect();
        assert_eq!(found, pytorch, "{prefix}NAME{suffix}");
    }
    let latent = Driver::open("diffusion?start=scratch&width=32&depth=1&batch=8").checkpoint();
    for name in
        ["input.weight", "condition.bias", "blocks.0.modulation.weight", "blocks.0.linear.bias", "output.weight"]
    {
        assert!(latent.find(&format!("denoiser.{name}")).is_some(), "no denoiser.{name}");
    }
}

#[test]
fn a_width_that_the_group_norms_cannot_divide_is_refused() {
    let device = open_cpu().expect("a CPU").device;
    let sizes = DenoiserUnetConfig { shape: [1, 28, 28], condition: 5, width: 12, embedding: 6 };
    let error = sizes.init(&mut Stream::new(0, Purpose::Weights), &device).expect_err("12 channels, 8 groups");
    assert_eq!(error.code, Code::Unsupported);
}
