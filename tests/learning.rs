//! What the shipped defaults learn, on the CPU, for every seed that is named here: none was picked.

mod common;

use common::{Driver, curve};

/// After 2,000 steps: at least 7 of 8 modes, and a Jensen-Shannon divergence under 0.25 nats of at most 0.69.
#[test]
fn gan2d_covers_the_ring_with_its_defaults_on_five_seeds() {
    for seed in 1..=5 {
        let file = Driver::open(&format!("gan2d?seed={seed}")).step(2_000).checkpoint();
        let quality = curve(&file, "quality");
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
        let quality = curve(&file, "quality");
        let last = quality[quality.len() - 1];
        assert!(last[2] >= 6.0 && last[1] < 0.45, "{loss}: {} of 8 modes, divergence {}", last[2], last[1]);
    }
}

fn digits(link: &str, steps: u32) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let file = Driver::open(link).step(steps).checkpoint();
    let quality = curve(&file, "quality");
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

/// The classifier is the judge: of digits that a conditional model was asked for, most must be that digit.
#[test]
fn a_conditional_model_draws_the_digit_that_was_asked_for() {
    let mut driver = Driver::open("dcgan?conditional=true");
    driver.step(600);
    let file = driver.checkpoint();
    let last = curve(&file, "quality").pop().expect("it was evaluated").to_vec();
    assert!(last[2] > 2.1, "asked for ten digits in turn, entropy {}", last[2]);
}

#[test]
fn the_shipped_classifier_was_trained_by_the_classifier_demo() {
    let file = Driver::open("classifier?seed=1&evaluate=500").step(500).checkpoint();
    let accuracy = curve(&file, "tests")[0][1];
    assert!(accuracy > 0.93, "accuracy {accuracy} after 500 steps");
    let shipped = std::fs::read("www/weights/digits-classifier.safetensors").expect("it is shipped");
    let shipped = kiln::weights::Checkpoint::from_bytes(&shipped).expect("it reads");
    assert_eq!(shipped.texts["link"], "classifier");
    assert!(shipped.find("held_out.covariance").is_some());
}
