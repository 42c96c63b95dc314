//! Diffusion against `diffusers` and PyTorch (`tests/torch/diffusion.py`): schedules, chains of every sampler, what is trained on.

mod common;

use burn::tensor::Tensor;
use common::Driver;
use kiln::data::Dataset;
use kiln::data::points::{Distribution, EXTENT, Points, lattice};
use kiln::demos::View;
use kiln::device::open_cpu;
use kiln::generate::{Chain, DiffusionSampler, SamplerKind, guided};
use kiln::models::denoiser::{TIME_FEATURES, told_classes};
use kiln::models::denoiser_mlp::DenoiserMlpConfig;
use kiln::nn::ops::linear;
use kiln::nn::{Activation, AdamOptions, upload};
use kiln::rng::{Purpose, Stream};
use kiln::train::{
    DDPM_STEPS, DiffusionOptions, LossByTime, NoiseBatch, NoiseSchedule, Objective, Predict, Process, TimeDistribution,
};
use kiln::weights::Checkpoint;

const SCHEDULES: [(&str, NoiseSchedule); 2] = [("linear", NoiseSchedule::Linear), ("cosine", NoiseSchedule::Cosine)];
const PREDICTIONS: [(&str, Predict); 3] =
    [("velocity", Predict::Velocity), ("noise", Predict::Noise), ("data", Predict::Data)];

fn golden() -> Checkpoint {
    let bytes = std::fs::read("tests/fixtures/diffusion.safetensors").expect("the fixture");
    Checkpoint::from_bytes(&bytes).expect("a checkpoint")
}

fn expected(golden: &Checkpoint, name: &str) -> Vec<f32> {
    golden.find(name).unwrap_or_else(|| panic!("{name} is not in the fixture")).values.clone()
}

fn values(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.clone().into_data().try_into_vec().expect("floats")
}

/// Compares with what is expected, relative to the largest number (chains that predict noise end far away).
fn close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().map(|v| v.abs()).chain([1.0]).max_by(f32::total_cmp).unwrap_or(1.0);
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * scale, "{what}: {a} instead of {b}");
    }
}

/// The fixture's network: `sin(1.3 x + 2 t + [0.1, -0.4])`.
fn toy(x: &Tensor<2>, time: f64) -> Tensor<2> {
    let shift = upload(vec![0.1, -0.4], [1, 2], &x.device());
    (x.clone() * 1.3 + 2.0 * time + shift).sin()
}

/// Goes through a chain from the fixture's start with the fixture's noise: the samples after the first step, and the last ones.
fn chain(golden: &Checkpoint, process: &Process, sampler: DiffusionSampler) -> [Vec<f32>; 2] {
    let device = open_cpu().expect("the CPU opens").device.inner();
    let mut chain = Chain::new(process, sampler, upload(expected(golden, "start"), [8, 2], &device));
    let noise = expected(golden, "noise");
    let (mut first, mut step) = (Vec::new(), 0);
    while !chain.ended() {
        chain.step(&toy, &mut |n| noise[step * n..(step + 1) * n].to_vec());
        step += 1;
        if first.is_empty() {
            first = values(&chain.x);
        }
    }
    assert_eq!(step, sampler.steps);
    [first, values(&chain.x)]
}

#[test]
fn the_noise_schedules_of_ddpm_are_those_of_diffusers() {
    let golden = golden();
    for (name, schedule) in SCHEDULES {
        let process = Process::new(Objective::Ddpm, schedule, Predict::Noise);
        let alpha_bar = |k: usize| process.shares((k + 1) as f64 / DDPM_STEPS as f64)[0].powi(2) as f32;
        let found: Vec<f32> = (0..DDPM_STEPS).map(alpha_bar).collect();
        close(&found, &expected(&golden, &format!("abar.{name}")), 1e-6, name);
    }
}

#[test]
fn ddpm_and_ddim_step_as_diffusers_does() {
    let golden = golden();
    for (schedule_name, schedule) in SCHEDULES {
        for (predict_name, predict) in PREDICTIONS {
            let process = Process::new(Objective::Ddpm, schedule, predict);
            let mut cases = vec![("ddpm", String::new(), SamplerKind::Ddpm, 0.0)];
            for (text, eta) in [("0", 0.0), ("0.5", 0.5), ("1", 1.0)] {
                cases.push(("ddim", format!(".eta{text}"), SamplerKind::Ddim, eta));
            }
            for (name, suffix, kind, eta) in cases {
                let [first, end] = chain(&golden, &process, DiffusionSampler { kind, steps: 50, eta, limit: None });
                let name = format!("{name}.{schedule_name}.{predict_name}{suffix}");
                close(&first, &expected(&golden, &format!("{name}.first")), 1e-6, &name);
                close(&end, &expected(&golden, &format!("{name}.end")), 1e-4, &name);
            }
        }
    }
}

#[test]
fn flow_matching_steps_as_diffusers_does() {
    let golden = golden();
    let process = Process::new(Objective::Flow, NoiseSchedule::Linear, Predict::Velocity);
    for steps in [50, 7] {
        let sampler = DiffusionSampler { kind: SamplerKind::Euler, steps, eta: 0.0, limit: None };
        let [first, end] = chain(&golden, &process, sampler);
        close(&first, &expected(&golden, &format!("flow.euler.{steps}.first")), 1e-6, "first");
        close(&end, &expected(&golden, &format!("flow.euler.{steps}.end")), 1e-4, "end");
    }
    let sampler = DiffusionSampler { kind: SamplerKind::Heun, steps: 7, eta: 0.0, limit: None };
    close(&chain(&golden, &process, sampler)[1], &expected(&golden, "flow.heun.7.end"), 1e-5, "heun");
}

#[test]
fn ddim_without_randomness_is_eulers_method_whatever_is_predicted() {
    let golden = golden();
    for (_, predict) in PREDICTIONS {
        for objective in [Objective::Flow, Objective::Ddpm] {
            let process = Process::new(objective, NoiseSchedule::Cosine, predict);
            let [euler, ddim] = [SamplerKind::Euler, SamplerKind::Ddim]
                .map(|kind| chain(&golden, &process, DiffusionSampler { kind, steps: 10, eta: 0.0, limit: Some(3.0) }));
            assert_eq!(euler, ddim);
        }
    }
}

#[test]
fn data_follow_from_a_sample_and_any_prediction() {
    for (_, predict) in PREDICTIONS {
        for objective in [Objective::Flow, Objective::Ddpm] {
            let process = Process::new(objective, NoiseSchedule::Cosine, predict);
            let (data, noise) = (0.7, -1.3);
            for time in [0.001, 0.25, 0.5, 0.9] {
                let ([a, b], [c, d]) = (process.shares(time), process.target(time));
                let [of_sample, of_prediction] = process.data(time);
                let found = of_sample * (a * data + b * noise) + of_prediction * (c * data + d * noise);
                assert!((found - data).abs() < 1e-9, "{predict:?}, {objective:?} at {time}: {found}");
            }
        }
    }
}

#[test]
fn the_loss_and_its_gradient_are_pytorchs() {
    let (golden, device) = (golden(), open_cpu().expect("the CPU opens").device);
    let of = |name: &str| expected(&golden, &format!("train.{name}"));
    let index = of("index");
    for (name, objective) in [("flow", Objective::Flow), ("ddpm", Objective::Ddpm)] {
        let times: Vec<f64> = match objective {
            Objective::Flow => of("t").iter().map(|t| f64::from(*t)).collect(),
            Objective::Ddpm => index.iter().map(|k| f64::from(*k + 1.0) / DDPM_STEPS as f64).collect(),
        };
        for (predict_name, predict) in PREDICTIONS {
            let process = Process::new(objective, NoiseSchedule::Cosine, predict);
            let plain = device.clone().inner();
            let size = [times.len(), 2];
            let noise = upload(of("e"), size, &plain);
            let batch = NoiseBatch::of(&process, &times, noise, &vec![Vec::new(); times.len()], 0);
            let [x, target] = batch.mix(&upload(of("x0"), size, &plain));
            let (x, what) = (values(&x), format!("{name}.{predict_name}"));
            close(&x, &of(&format!("{name}.x")), 1e-6, &what);
            close(&values(&target), &of(&format!("{what}.target")), 1e-6, &what);

            let layer = |k: usize| {
                let at = |part: &str| golden.find(&format!("train.layers.{k}.{part}")).expect("a layer");
                let (weight, bias) = (at("weight"), at("bias"));
                let shape = [weight.shape[0], weight.shape[1]];
                let weight: Tensor<2> = upload(weight.values.clone(), shape, &device).require_grad();
                (weight, upload(bias.values.clone(), [shape[0]], &device))
            };
            let rows = x.chunks_exact(2).zip(&times).flat_map(|(x, t)| [x[0], x[1], *t as f32]).collect();
            let ((w0, b0), (w1, b1)) = (layer(0), layer(1));
            let hidden = linear(upload(rows, [times.len(), 3], &device), w0.clone(), Some(b0), Activation::Silu);
            let predicted = linear(hidden, w1, Some(b1), Activation::Identity);
            let loss = (predicted - target.autodiff()).square().mean();
            let gradient = w0.grad(&loss.backward()).expect("a gradient");
            let loss: Vec<f32> = loss.into_data().try_into_vec().expect("floats");
            close(&loss, &of(&format!("{what}.loss")), 1e-6, &what);
            close(&values(&gradient), &of(&format!("{what}.d.layers.0.weight")), 1e-6, &what);
        }
    }
}

#[test]
fn guidance_goes_beyond_what_the_class_changes() {
    let device = open_cpu().expect("the CPU opens").device.inner();
    let sizes = DenoiserMlpConfig { inputs: 2, condition: TIME_FEATURES + 3, width: 8, depth: 2, embedding: 64 };
    let model = sizes.init(&mut Stream::new(1, Purpose::Weights), &device);
    let x = upload(vec![0.3, -0.7, 1.1, 0.2], [2, 2], &device);
    let predict =
        |labels: &[Option<u8>], guidance: f64| values(&guided(&model, &x, 0.4, &told_classes(labels), 3, guidance));
    let (told, untold) = (predict(&[Some(2), Some(0)], 1.0), predict(&[None, None], 1.0));
    assert_ne!(told, untold);
    assert_ne!(told, predict(&[Some(1), Some(0)], 1.0));
    let beyond: Vec<f32> = told.iter().zip(&untold).map(|(c, u)| u + 3.0 * (c - u)).collect();
    close(&predict(&[Some(2), Some(0)], 3.0), &beyond, 1e-5, "guidance 3");
    close(&predict(&[Some(2), Some(0)], 0.0), &untold, 1e-5, "guidance 0");
    assert_eq!(predict(&[None, None], 3.0), untold);
}

#[test]
fn each_of_ddpms_steps_is_trained_on_as_often_as_any_other() {
    let process = Process::new(Objective::Ddpm, NoiseSchedule::Linear, Predict::Noise);
    let device = open_cpu().expect("the CPU opens").device.inner();
    let adam = AdamOptions { lr: 0.1, beta1: 0.9, beta2: 0.999 };
    let options = DiffusionOptions { times: TimeDistribution::Uniform, features: 0, drop: 0.0, adam: adam.into() };
    let n = 200_000;
    let batch = NoiseBatch::new(&process, [n, 1], &[], options, &mut Stream::new(1, Purpose::Noise), &device);
    let share = |step: usize| {
        let at = step as f32 / DDPM_STEPS as f32;
        batch.times.iter().filter(|t| (**t - at).abs() < 1e-6).count() as f64 / n as f64 * DDPM_STEPS as f64
    };
    assert_eq!(share(0), 0.0);
    for step in [1, 2, 500, 1000] {
        assert!((share(step) - 1.0).abs() < 0.25, "step {step}: {}", share(step));
    }
}

#[test]
fn the_loss_by_time_is_that_of_each_part() {
    let mut losses = LossByTime::default();
    assert!(losses.is_empty());
    losses.push(&[0.01, 0.02, 0.99, 1.0], &[1.0, 3.0, 5.0, 5.0]);
    let means = losses.means();
    assert!(!losses.is_empty());
    assert_eq!((means[0], means[19]), (2.0, 5.0));
    // Nothing was trained between.
    assert_eq!(means[10], 2.0);
}

/// The density that `diffusion2d` shows, and the side of its grid.
fn shown_density(driver: &Driver) -> (Vec<f32>, usize) {
    let views = driver.last_panels().into_iter().flat_map(|panel| panel.views);
    let mut fields = views
        .filter_map(|v| if let View::Field2d { values, columns, .. } = v { Some((values.0, columns)) } else { None });
    let (values, side) = fields.next().expect("a density");
    assert_eq!(values.len(), (side * side) as usize);
    (values, side as usize)
}

/// Before anything is trained the field is that of 500 points, whose density is known at every time: a normal one around each.
#[test]
fn the_density_in_the_plane_is_that_of_where_the_field_leads() {
    let mut driver = Driver::new(true);
    let held_out = Points::new(Distribution::Ring, Vec::new(), 1).held_out().expect("points").ready().expect("at once");
    let points = &held_out.xy[2 * 4_500..2 * 5_000];
    for (time, tolerance) in [(1.0, 0.002), (0.7, 0.05), (0.3, 0.05)] {
        driver.load(&format!("diffusion2d?density=true&time={time}"), None);
        let (found, side) = shown_density(&driver);
        let exact = |cell: &[f32]| {
            let square = |p: &[f32]| {
                let [x, y] = [0, 1].map(|k| f64::from(cell[k]) - (1.0 - time) * f64::from(p[k]));
                (-(x * x + y * y) / (2.0 * time * time)).exp()
            };
            points.chunks_exact(2).map(square).sum::<f64>() / (500.0 * std::f64::consts::TAU * time * time)
        };
        let exact: Vec<f64> = lattice(side, EXTENT).chunks_exact(2).map(exact).collect();
        let most = exact.iter().copied().max_by(f64::total_cmp).expect("some");
        for (cell, (a, b)) in found.iter().zip(&exact).enumerate() {
            assert!((f64::from(*a) - b).abs() < tolerance * most, "time {time}, cell {cell}: {a} instead of {b}");
        }
    }
}

/// In each of 25 squares, after a short training whose points are not all inside the plane. A network that predicts the noise is not
/// asked so early: most of what it draws lies where predictions are cut off, and there the way has no inverse.
#[test]
fn the_density_of_a_trained_network_is_that_of_the_points_that_it_draws() {
    for path in ["objective=flow", "predict=data", "objective=ddpm"] {
        let mut driver = Driver::new(true);
        driver.load(&format!("diffusion2d?width=16&depth=1&batch=32&{path}"), None);
        driver.step(100);
        driver.send(kiln::session::protocol::Command::Set { key: "density".into(), value: true.into() });
        let (values, side) = shown_density(&driver);
        let square = |p: &[f32]| {
            let at = |v: f32| ((v / EXTENT + 1.0) * 2.5).floor();
            let [x, y] = [at(p[0]), at(p[1])];
            ((0.0..5.0).contains(&x) && (0.0..5.0).contains(&y)).then(|| 5 * y as usize + x as usize)
        };
        let (mut expected, mut found, n) = ([0.0; 25], [0.0; 25], 10_000);
        let area = (2.0 * EXTENT / side as f32).powi(2);
        for (cell, density) in lattice(side, EXTENT).chunks_exact(2).zip(&values) {
            expected[square(cell).expect("inside")] += density * area;
        }
        let drawn = pollster::block_on(driver.session.sample(n, 3)).expect("samples").values;
        for inside in drawn.chunks_exact(2).filter_map(square) {
            found[inside] += 1.0 / n as f32;
        }
        for (square, (a, b)) in expected.iter().zip(&found).enumerate() {
            assert!((a - b).abs() < 0.03, "{path}, square {square}: {a}, and {b} of the points");
        }
    }
}
