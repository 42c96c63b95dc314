//! The same link gives the same run, whether or not it was saved and loaded in between.

mod common;

use common::{Driver, bits, curve, fixture};
use kiln::compare;

const LINKS: [&str; 9] = [
    "realnvp?seed=7&width=8&couplings=3&batch=16&evaluate=20",
    "realnvp?seed=7&coupling=spline&width=8&couplings=3&batch=16&evaluate=20",
    "realnvp?seed=7&space=digits&width=8&couplings=2&batch=16&evaluate=20",
    "diffusion2d?seed=7&width=8&depth=1&batch=16&evaluate=20&conditional=true",
    "diffusion?seed=7&width=32&depth=1&batch=8&evaluate=20",
    "gan2d?seed=7",
    "gan2d?seed=7&loss=wasserstein&d_steps=3",
    "dcgan?seed=7&conditional=false&width=4&batch=8&evaluate=20&noise=0.1",
    "dcgan?seed=7&width=4&batch=8&evaluate=20&conditional=true&d_steps=2&noise=0.1",
];

#[test]
fn the_same_link_twice_gives_bit_identical_weights_and_curves() {
    for link in LINKS {
        let (a, b) = (Driver::open(link).step(60).bytes(), Driver::open(link).step(60).bytes());
        assert!(a == b, "{link}");
    }
    assert!(Driver::open("gan2d?seed=7").step(20).bytes() != Driver::open("gan2d?seed=8").step(20).bytes());
}

#[test]
fn a_run_that_was_saved_and_loaded_gives_the_curve_of_one_that_never_stopped() {
    for link in LINKS {
        let whole = Driver::open(link).step(90).checkpoint();
        let mut first = Driver::open(link);
        let saved = first.step(41).bytes();
        let mut second = Driver::new(false);
        second.load("", Some(saved));
        assert_eq!(second.steps(), 41);
        let resumed = second.step(49).checkpoint();
        for entry in &whole.tensors {
            let other = resumed.find(&entry.name).unwrap_or_else(|| panic!("{link}: {} is missing", entry.name));
            assert_eq!(bits(&entry.values), bits(&other.values), "{link}: {}", entry.name);
        }
        assert_eq!(whole.texts, resumed.texts, "{link}");
    }
}

#[test]
fn taking_a_checkpoint_does_not_change_the_run() {
    for link in LINKS {
        let undisturbed = Driver::open(link).step(60).bytes();
        let mut driver = Driver::open(link);
        for _ in 0..12 {
            driver.step(5).bytes();
        }
        assert!(undisturbed == driver.bytes(), "{link}");
    }
}

#[test]
fn curves_stay_small_however_long_a_run_is() {
    use kiln::train::{History, MAX_ROWS};
    let mut history = History::new(&["loss"]);
    let mut seen = 0;
    for step in 1..=100_000 {
        history.push(step, &[step as f32 / 2.0]);
        if step % 1_000 == 0 {
            seen += history.unseen(false).len() / 2;
        }
    }
    let rows: Vec<&[f32]> = history.rows().chunks_exact(2).collect();
    assert!(rows.len() <= MAX_ROWS && rows.len() > MAX_ROWS / 2, "{}", rows.len());
    assert!(rows.windows(2).all(|w| w[1][0] - w[0][0] == 16.0) && rows.iter().all(|r| r[1] == r[0] / 2.0));
    assert!((MAX_ROWS..4 * MAX_ROWS).contains(&seen), "{seen} rows were sent");

    let mut file = kiln::weights::Checkpoint::default();
    history.save("loss", &mut file);
    let mut resumed = History::new(&["loss"]).loaded("loss", &file).expect("it reads");
    for step in 100_001..=140_000 {
        history.push(step, &[0.0]);
        resumed.push(step, &[0.0]);
    }
    assert_eq!(history.rows(), resumed.rows());
}

/// The second pass over the digits is shuffled anew; a place in it is found again.
#[test]
fn the_order_of_the_digits_goes_on_where_it_was() {
    use kiln::data::Dataset;
    use kiln::data::mnist::Mnist;
    let mut whole = Mnist::new(std::rc::Rc::new(common::Disk), 3);
    let next = |m: &mut Mnist, n| m.batch(n).expect("files are there").ready().expect("at once").labels;
    for _ in 0..13 {
        next(&mut whole, 4_990);
    }
    let mut resumed = Mnist::new(std::rc::Rc::new(common::Disk), 3);
    resumed.seek(whole.position());
    for _ in 0..3 {
        assert_eq!(next(&mut whole, 777), next(&mut resumed, 777));
    }
}

/// Curves of tiny runs, kept as a file that the browser tests hold the tab's CPU and WebGPU against.
/// `KILN_BLESS=1 cargo test --profile fast --features typescript --test repeatable` writes it anew.
#[test]
fn the_reference_curves_are_what_the_cpu_computes() {
    for (name, link) in
        [("gan2d", kiln_reference::GAN2D), ("dcgan", kiln_reference::DCGAN), ("vae", kiln_reference::VAE)]
    {
        let file = Driver::open(link).step(kiln_reference::STEPS).checkpoint();
        let rows: Vec<f32> =
            curve(&file, "losses").concat().iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
        let path = fixture(&format!("curve-{name}.json"));
        if std::env::var_os("KILN_BLESS").is_some() {
            std::fs::write(&path, serde_json::to_string(&rows).expect("numbers")).expect("it can be written");
        }
        let kept: Vec<f32> = serde_json::from_slice(&std::fs::read(&path).expect("the fixture")).expect("numbers");
        assert_eq!(rows.len(), kept.len());
        let worst = compare::worst(rows.iter().zip(&kept).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)));
        // Another CPU may add in another order.
        assert!(worst < 1e-3, "{name}: {worst}");
    }
}

#[path = "common/reference.rs"]
mod kiln_reference;
