//! Checkpoints open in PyTorch, and a training step there gives the same losses and weights as here.
//! `tests/torch/golden.py` wrote the golden files from the checkpoints beside them.

mod common;

use common::fixture;
use kiln::compare::worst_at;
use kiln::device::{Device, open_cpu};
use kiln::models::dcgan::DcganConfig;
use kiln::models::mlp_gan::MlpConfig;
use kiln::models::{Discriminator, Generator};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::train::{Curves, GAN_LOSSES, Gan, GanLoss, GanOptions, StepInput};
use kiln::weights::Checkpoint;
use pollster::block_on;

const LOSSES: [(&str, GanLoss); 5] = [
    ("nonsaturating", GanLoss::Nonsaturating),
    ("minimax", GanLoss::Minimax),
    ("leastsquares", GanLoss::Leastsquares),
    ("wasserstein", GanLoss::Wasserstein),
    ("hinge", GanLoss::Hinge),
];

fn open(name: &str) -> Checkpoint {
    Checkpoint::from_bytes(&std::fs::read(fixture(name)).expect("the fixture")).expect("it reads")
}

fn close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let (at, worst) = worst_at(ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()));
    assert!(worst <= tolerance, "{what}[{at}]: {} here, {} in PyTorch", ours[at], theirs[at]);
}

fn compare<G: Generator, D: Discriminator>(name: &str, device: &Device, fresh: impl Fn() -> Gan<G, D>, penalty: f64) {
    let (file, golden) = (open(&format!("{name}.safetensors")), open(&format!("torch-{name}.safetensors")));
    let values = |key: &str| golden.find(key).unwrap_or_else(|| panic!("{key} is in the golden file")).values.clone();
    for (key, loss) in LOSSES.into_iter().filter(|(_, loss)| *loss != GanLoss::Wasserstein || penalty > 0.0) {
        let mut gan = fresh();
        gan.load(&file).expect("the checkpoint fits");
        let device = device.clone().inner();
        let input = |key: &str| {
            let entry = golden.find(key).expect("an input");
            upload(entry.values.clone(), [entry.shape[0], entry.shape[1]], &device).autodiff()
        };
        let samples = block_on(gan.sample(input("z1"), None).into_data_async()).expect("samples");
        close("samples", &samples.try_into_vec::<f32>().expect("f32"), &values("samples"), 1e-5);
        let logits = block_on(gan.judge(input("real"), None).into_data_async()).expect("logits");
        close("logits", &logits.try_into_vec::<f32>().expect("f32"), &values("logits"), 1e-5);

        let options = GanOptions {
            loss,
            lr_generator: 1e-3,
            lr_discriminator: 1e-3,
            beta1: 0.5,
            beta2: 0.999,
            penalty,
            norms: true,
        };
        let update = |z: &str| StepInput {
            real: input("real"),
            z: input(z),
            noise: None,
            classes: None,
            mix: Some(input("mix")),
        };
        let losses = gan
            .step(options, vec![update("z1")], Some(update("z2")))
            .expect("it has a gradient penalty where it needs one");
        let mut curves = Curves::new(GAN_LOSSES, &device);
        curves.push(losses).expect("they are the game's");
        block_on(curves.flush(Vec::new())).expect("the losses are finite");
        let row = ["discriminator", "generator"].map(|name| curves.history.last(name).expect("a loss"));
        close(&format!("{name} {key} losses"), &row, &values(&format!("{key}.losses")), 1e-4);
        let mut after = Checkpoint::default();
        block_on(gan.save(&mut after)).expect("it is read");
        for entry in
            after.tensors.iter().filter(|t| t.name.starts_with("generator.") || t.name.starts_with("discriminator."))
        {
            let label = format!("{key}.{}", entry.name);
            close(&format!("{name} {label}"), &entry.values, &values(&label), 1e-5);
        }
    }
}

#[test]
fn the_gan_on_points_agrees_with_pytorch_in_a_step_by_every_loss() {
    let device = open_cpu().expect("a CPU").device;
    let mut weights = Stream::new(0, Purpose::Weights);
    let sizes = MlpConfig { latent: 2, width: 16, depth: 2 };
    let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
    compare("gan2d", &device, || Gan::new(g.clone(), d.clone(), device.clone()), 1.0);
}

#[test]
fn the_dcgan_agrees_with_pytorch_in_a_step_by_each_of_its_losses() {
    let device = open_cpu().expect("a CPU").device;
    let mut weights = Stream::new(0, Purpose::Weights);
    let sizes = DcganConfig { latent: 64, width: 4, classes: 0, channels: 1, side: 28 };
    let (g, d) = (sizes.generator(&mut weights, &device), sizes.discriminator(&mut weights, &device));
    compare("dcgan", &device, || Gan::new(g.clone(), d.clone(), device.clone()), 0.0);
}

/// scipy and numpy give 2.0 for these two: the means differ by 1 and the variances 4 and 1 by (2 - 1)^2.
#[test]
fn the_frechet_distance_is_right_where_it_is_known() {
    use kiln::train::{Gaussian, distance};
    let gaussian = |m: f64, c: [f64; 4]| Gaussian { mean: vec![m, 0.0], covariance: c.to_vec() };
    let d = distance(&gaussian(0.0, [4.0, 0.0, 0.0, 1.0]), &gaussian(1.0, [1.0, 0.0, 0.0, 1.0]));
    assert!((d - 2.0).abs() < 1e-9, "{d}");
    // Covariances that do not commute: Tr sqrt(A B) = sqrt(tr(AB) + 2 sqrt(det(AB))) for 2 x 2.
    let (a, b) = ([2.0, 1.0, 1.0, 2.0], [3.0, 0.0, 0.0, 1.0]);
    let cross = (8.0f64 + 2.0 * (3.0f64 * 3.0).sqrt()).sqrt();
    let d = distance(&gaussian(0.0, a), &gaussian(0.0, b));
    assert!((d - (4.0 + 4.0 - 2.0 * cross)).abs() < 1e-9, "{d}");
    assert!(distance(&gaussian(0.0, a), &gaussian(0.0, a)) < 1e-9);
}
