//! The normalizing flow: against PyTorch (`tests/torch/realnvp.py`), and what must hold of any density.

use burn::module::Param;
use burn::tensor::Tensor;
use kiln::data::points::{EXTENT, lattice};
use kiln::device::open_cpu;
use kiln::models::realnvp::{RealNvp, RealNvpConfig};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::train::entropy;
use kiln::weights::{Checkpoint, load_module};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

fn golden() -> Checkpoint {
    let bytes = std::fs::read("tests/fixtures/realnvp.safetensors").expect("the fixture");
    Checkpoint::from_bytes(&bytes).expect("a checkpoint")
}

/// The fixture's flow: four couplings of width 8.
fn flow(file: &Checkpoint, device: &burn::tensor::Device) -> RealNvp {
    let blank = RealNvpConfig { inputs: 2, couplings: 4, width: 8 };
    let blank = blank.init(&mut Stream::new(0, Purpose::Weights), device);
    load_module(blank, None, "flow", file, device).expect("the flow")
}

fn close(found: &[f32], file: &Checkpoint, name: &str) {
    let expected = &file.find(name).unwrap_or_else(|| panic!("{name} is not in the fixture")).values;
    assert_eq!(found.len(), expected.len(), "{name}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{name}: {a} instead of {b}");
    }
}

#[test]
fn latents_densities_and_gradients_are_pytorchs() {
    let (file, device) = (golden(), open_cpu().expect("the CPU opens").device);
    let model = flow(&file, &device);
    let points = file.find("points").expect("points").values.clone();
    let x: Tensor<2> = upload(points, [16, 2], &device);
    let (z, determinant) = model.forward(x.clone());
    close(&values(z), &file, "latents");
    close(&values(determinant), &file, "log_determinants");
    let log_density = model.log_density(x);
    close(&values(log_density.clone()), &file, "log_densities");
    let gradients = (-log_density.mean()).backward();
    let gradient = model.couplings[0].fc1.weight.val().grad(&gradients).expect("a gradient");
    close(&values(gradient), &file, "d.couplings.0.fc1.weight");
    let latents = upload(file.find("latents").expect("latents").values.clone(), [16, 2], &device);
    close(&values(model.inverse(latents, 2)), &file, "halfway");
}

/// The fixture's flow with milder scales and shifts, so that all of its density lies where a grid can be laid.
fn mild(device: &burn::tensor::Device) -> RealNvp {
    let mut model = flow(&golden(), device);
    for coupling in &mut model.couplings {
        coupling.out.weight = Param::from_tensor(coupling.out.weight.val() * 0.15);
    }
    model
}

#[test]
fn the_way_back_is_the_inverse_of_the_way_there() {
    let device = open_cpu().expect("the CPU opens").device.inner();
    let model = mild(&device);
    let x: Tensor<2> = upload(lattice(9, EXTENT), [81, 2], &device);
    let (z, _) = model.forward(x.clone());
    let error = values((model.inverse(z, 4) - x).abs().max());
    assert!(error[0] < 1e-5, "{error:?}");
}

#[test]
fn the_density_sums_to_one() {
    let device = open_cpu().expect("the CPU opens").device.inner();
    let model = mild(&device);
    let (side, extent) = (400, 12.0);
    let cells = upload(lattice(side, extent), [side * side, 2], &device);
    let area = f64::from(2.0 * extent / side as f32).powi(2);
    let sum: f64 = values(model.log_density(cells)).iter().map(|v| f64::from(v.exp()) * area).sum();
    assert!((sum - 1.0).abs() < 1e-3, "{sum}");
}

#[test]
fn the_entropy_of_points_is_that_of_their_distribution() {
    let normal = Stream::new(1, Purpose::Data).normal(4_000);
    let expected = (std::f64::consts::TAU * std::f64::consts::E).ln();
    assert!((entropy(&normal) - expected).abs() < 0.06, "{}", entropy(&normal));
    let uniform = Stream::new(1, Purpose::Data).uniform(4_000, 0.5);
    assert!(entropy(&uniform).abs() < 0.06, "{}", entropy(&uniform));
    assert!(entropy(&[0.0, 1.0]).is_nan());
}
