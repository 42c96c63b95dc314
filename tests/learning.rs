//! What the shipped defaults learn, on the CPU, for every seed that is named here: none was picked.

mod common;

use common::{Driver, curve};

/// After 2,000 steps: at least 7 of 8 modes, and a Jensen-Shannon divergence under 0.25 nats of at most 0.69.
#[test]
fn gan2d_covers_the_ring_with_its_defaults_on_five_seeds() {
    for seed in 1..=5 {
        let file = Driver::open(&format!("gan2d?seed={seed}")).step(2_000).checkpoint();
        let quality = curve(&file, "measures");
        let (first, last) = (quality[0], quality[quality.len() - 1]);
        assert!(last[2] >= 7.0, "seed {seed}: {} of 8 modes", last[2]);
        assert!(last[1] < 0.25, "seed {seed}: divergence {}", last[1]);
        assert!(last[1] < first[1] - 0.2, "seed {seed}: divergence {} at first, {} at last", first[1], last[1]);
    }
}

#[test]
fn gan2d_learns_with_each_of_the_losses() {
    for loss in ["minimax", "leastsquares", "wasserstein&d_steps=3", "hinge"] {
        let file = Driver::open(&format!("gan2d?loss={loss}")).step(2_000).checkpoint();
        let quality = curve(&file, "measures");
        let last = quality[quality.len() - 1];
        assert!(last[2] >= 6.0 && last[1] < 0.45, "{loss}: {} of 8 modes, divergence {}", last[2], last[1]);
    }
}

fn digits(link: &str, steps: u32) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let file = Driver::open(link).step(steps).checkpoint();
    let quality = curve(&file, "measures");
    let classes = file.find("history.classes").expect("the classes were saved").values.clone();
    (quality[0].to_vec(), quality[quality.len() - 1].to_vec(), classes)
}

/// After 600 steps: all ten digits among 1,024 samples, entropy above 2.0 nats, and a Frechet classifier distance under
/// 180, where the first look (at step 100) finds 400 to 1,000.
#[test]
fn dcgan_draws_all_ten_digits_with_its_cpu_preset_on_three_seeds() {
    for seed in 1..=3 {
        let (first, last, classes) = digits(&format!("dcgan?seed={seed}"), 600);
        assert!(classes.iter().all(|c| *c > 0.0), "seed {seed}: {classes:?}");
        assert!(last[2] > 2.0, "seed {seed}: entropy {}", last[2]);
        assert!(
            last[1] < 180.0 && last[1] < 0.5 * first[1],
            "seed {seed}: distance {} at first, {} at last",
            first[1],
            last[1]
        );
    }
}

#[test]
fn the_fully_connected_pair_learns_too() {
    let (first, last, _) = digits("dcgan?model=dense&latent=100", 400);
    assert!(last[1] < 0.75 * first[1], "distance {} at first, {} at last", first[1], last[1]);
}

/// The shipped classifier is the judge. A model that ignored what it is told would be right one time in ten.
#[test]
fn a_conditional_model_draws_the_digit_that_was_asked_for() {
    use kiln::models::classifier::Classifier;
    use kiln::rng::{Purpose, Stream};
    use kiln::session::protocol::Command;

    let mut driver = Driver::open("dcgan?conditional=true");
    driver.step(600);
    let device = kiln::device::open_cpu().expect("a CPU").device.inner();
    let file = std::fs::read("www/weights/digits-classifier.safetensors").expect("it is shipped");
    let file = kiln::weights::Checkpoint::from_bytes(&file).expect("it reads");
    let blank = Classifier::new(&mut Stream::new(0, Purpose::Weights), &device);
    let judge = kiln::weights::load_module(blank, None, "classifier", &file, &device).expect("it fits");
    let mut right = 0;
    for digit in 0..10 {
        driver.send(Command::Set { key: "digit".into(), value: digit.to_string().into() });
        let samples = pollster::block_on(driver.session.sample(64, 1)).expect("samples");
        let (_, logits) = judge.forward(kiln::nn::upload(samples.values, [64, 784], &device));
        let logits = pollster::block_on(logits.into_data_async()).expect("logits").try_into_vec::<f32>().expect("f32");
        right += logits.chunks(10).filter(|row| kiln::train::best(row) == digit).count();
    }
    assert!(right > 320, "{right} of 640 are the digit that was asked for");
}

#[test]
fn the_shipped_classifier_was_trained_by_the_classifier_demo() {
    let file = Driver::open("classifier?seed=1&evaluate=500").step(500).checkpoint();
    let accuracy = curve(&file, "measures")[0][1];
    assert!(accuracy > 0.93, "accuracy {accuracy} after 500 steps");
    let shipped = std::fs::read("www/weights/digits-classifier.safetensors").expect("it is shipped");
    let shipped = kiln::weights::Checkpoint::from_bytes(&shipped).expect("it reads");
    assert_eq!(shipped.texts["link"], "classifier");
    assert!(shipped.find("held_out.covariance").is_some());
}

/// After 1,000 steps: all eight modes, and an energy distance under 0.01.
#[test]
fn diffusion2d_covers_the_ring_with_its_defaults_on_three_seeds() {
    for seed in 1..=3 {
        let file = Driver::open(&format!("diffusion2d?seed={seed}")).step(1_000).checkpoint();
        let measured = curve(&file, "measures");
        let last = &measured[measured.len() - 1];
        assert!(last[2] >= 8.0 && last[1] < 0.01, "seed {seed}: energy distance {}, {} of 8 modes", last[1], last[2]);
    }
}

#[test]
fn diffusion2d_learns_whatever_is_predicted_along_either_path() {
    for link in ["predict=noise", "predict=data", "objective=ddpm", "objective=ddpm&predict=noise&schedule=linear"] {
        let file = Driver::open(&format!("diffusion2d?{link}")).step(1_000).checkpoint();
        let measured = curve(&file, "measures");
        let last = &measured[measured.len() - 1];
        assert!(last[2] >= 7.0 && last[1] < 0.02, "{link}: energy distance {}, {} of 8 modes", last[1], last[2]);
    }
}

/// After 300 steps: a Frechet classifier distance under 12, and nine of ten digits are those asked for.
#[test]
fn diffusion_in_the_latent_space_draws_the_digits_that_are_asked_for() {
    for seed in 1..=2 {
        let file = Driver::open(&format!("diffusion?start=scratch&seed={seed}")).step(300).checkpoint();
        let measured = curve(&file, "measures");
        let last = &measured[measured.len() - 1];
        assert!(last[1] < 12.0 && last[2] > 0.9, "seed {seed}: distance {}, {} right", last[1], last[2]);
    }
}

/// After 120 steps 12 to 15 % on three seeds: of the 190 names that it never saw, a model that ignored them would draw one in nineteen so
/// that its own original is among the ten nearest.
#[test]
fn diffusion_on_emoji_learns_what_names_mean_that_it_never_saw() {
    let file = Driver::open("diffusion?data=emoji&start=scratch&evaluate=120").step(120).checkpoint();
    let measured = curve(&file, "measures");
    let (recalled, chance) = (measured[measured.len() - 1][3], 10.0 / 190.0);
    assert!(recalled > 2.0 * chance, "{recalled} are recalled, {chance} by chance");
}

/// After 2,000 steps: under 1.2 nats on the moons, whose entropy is about 1.1, and not far below that. All eight modes of the ring.
#[test]
fn realnvp_learns_the_density_with_its_defaults() {
    for seed in 1..=2 {
        let file = Driver::open(&format!("realnvp?data=moons&seed={seed}")).step(2_000).checkpoint();
        let measured = curve(&file, "measures");
        let nats = measured[measured.len() - 1][1];
        assert!((1.0..1.2).contains(&nats), "seed {seed}: {nats} nats");
    }
    let file = Driver::open("realnvp").step(1_000).checkpoint();
    let measured = curve(&file, "measures");
    let (first, last) = (&measured[0], &measured[measured.len() - 1]);
    assert!(last[2] >= 8.0 && last[1] < first[1] - 0.2, "{} nats, then {}; {} modes", first[1], last[1], last[2]);
}

/// What a flow has above the exact density of the data, on the points on which it was measured last, in nats.
fn excess(distribution: kiln::data::points::Distribution, link: &str, seed: u32, steps: u32) -> (f64, Vec<f32>) {
    use kiln::data::Dataset;
    let file = Driver::open(&format!("realnvp?{link}&seed={seed}")).step(steps).checkpoint();
    let measured = curve(&file, "measures");
    let last = measured[measured.len() - 1].to_vec();
    let mut data = kiln::data::points::Points::new(distribution, Vec::new(), u64::from(seed));
    let points = data.held_out().expect("points").ready().expect("at once").xy;
    let exact = data.log_density(&points[2 * 500..2 * 2_500]).iter().sum::<f64>() / 2_000.0;
    (f64::from(last[1]) + exact, last)
}

/// Half as many couplings, each a spline, after 1,000 steps: within 0.04 nats of the entropy of the moons and 0.1 of that of the ring. No
/// model can be below it by more than chance.
#[test]
fn splines_come_close_to_the_entropy_of_the_data_on_three_seeds() {
    use kiln::data::points::Distribution;
    for seed in 1..=3 {
        let (moons, _) = excess(Distribution::Moons, "coupling=spline&couplings=4&data=moons", seed, 1_000);
        assert!((-0.005..0.04).contains(&moons), "seed {seed}: {moons} nats above the entropy of the moons");
    }
    let (ring, last) = excess(Distribution::Ring, "coupling=spline&couplings=4", 1, 1_000);
    assert!((-0.005..0.1).contains(&ring) && last[2] >= 8.0, "{ring} nats above the entropy of the ring; {last:?}");
}

/// After 400 steps: 3 nats below the normal distribution with the mean and the covariance of the latents of unseen digits.
#[test]
fn realnvp_learns_the_density_of_digits() {
    let file = Driver::open("realnvp?space=digits&evaluate=400").step(400).checkpoint();
    let measured = curve(&file, "measures");
    let nats = measured[measured.len() - 1][1];
    assert!(nats < 21.14 - 3.0, "{nats} nats");
}
