//! The normalizing flow: against PyTorch (`tests/torch/realnvp.py`), what must hold of any density, and what the demo shows of it.

mod common;

use burn::module::Param;
use burn::tensor::Tensor;
use common::{Driver, fixture};
use kiln::data::points::{Distribution, EXTENT, Points, lattice};
use kiln::demos::View;
use kiln::device::open_cpu;
use kiln::error::Code;
use kiln::models::realnvp::{CouplingKind, RealNvp, RealNvpConfig};
use kiln::models::spline::{BINS, BOUND, NUMBERS, Splines};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::session::protocol::Command;
use kiln::weights::{Checkpoint, load_module};
use serde_json::json;

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

const KINDS: [(&str, CouplingKind); 2] = [("realnvp", CouplingKind::Affine), ("realnvp-spline", CouplingKind::Spline)];

fn golden(name: &str) -> Checkpoint {
    let bytes = std::fs::read(fixture(&format!("{name}.safetensors"))).expect("the fixture");
    Checkpoint::from_bytes(&bytes).expect("a checkpoint")
}

/// The fixture's flow: four couplings of width 8.
fn flow(file: &Checkpoint, coupling: CouplingKind, device: &burn::tensor::Device) -> RealNvp {
    let blank = RealNvpConfig { inputs: 2, coupling, couplings: 4, width: 8 };
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
    for (name, kind) in KINDS {
        let (file, device) = (golden(name), open_cpu().expect("the CPU opens").device);
        let model = flow(&file, kind, &device);
        let points = file.find("points").expect("points").values.clone();
        let x: Tensor<2> = upload(points, [16, 2], &device);
        let (z, determinant) = model.forward(x.clone());
        close(&values(z), &file, "latents");
        close(&values(determinant), &file, "log_determinants");
        let log_density = model.log_density(x);
        close(&values(log_density.clone()), &file, "log_densities");
        let gradients = (-log_density.mean()).backward();
        let first = &model.couplings[0];
        for (layer, of) in [("fc1", &first.fc1), ("out", &first.out)] {
            let gradient = of.weight.val().grad(&gradients).expect("a gradient");
            close(&values(gradient), &file, &format!("d.couplings.0.{layer}.weight"));
        }
        let latents = upload(file.find("latents").expect("latents").values.clone(), [16, 2], &device);
        close(&values(model.inverse(latents, 2)), &file, "halfway");
    }
}

/// The fixture's flow with milder changes, so that all of its density lies where a grid can be laid.
fn mild(name: &str, kind: CouplingKind, device: &burn::tensor::Device) -> RealNvp {
    let mut model = flow(&golden(name), kind, device);
    for coupling in &mut model.couplings {
        coupling.out.weight = Param::from_tensor(coupling.out.weight.val() * 0.15);
    }
    model
}

#[test]
fn the_way_back_is_the_inverse_of_the_way_there() {
    for (name, kind) in KINDS {
        let device = open_cpu().expect("the CPU opens").device.inner();
        let model = mild(name, kind, &device);
        // Beyond the bounds of splines, too.
        let x: Tensor<2> = upload(lattice(25, 5.0), [625, 2], &device);
        let (z, _) = model.forward(x.clone());
        let error = values((model.inverse(z, 4) - x.clone()).abs().max());
        assert!(error[0] < 1e-5, "{name}: {error:?}");
        let way = model.way(x.clone());
        assert_eq!(way.len(), 5, "{name}");
        assert_eq!(values(way[4].clone()), values(x.clone()), "{name}: the way ends at the point");
        for (passed, place) in way.iter().enumerate() {
            let error = values((model.inverse(way[0].clone(), passed) - place.clone()).abs().max());
            assert!(error[0] < 1e-5, "{name}, after {passed} couplings: {error:?}");
        }
    }
}

#[test]
fn the_density_sums_to_one() {
    for (name, kind) in KINDS {
        let device = open_cpu().expect("the CPU opens").device.inner();
        let model = mild(name, kind, &device);
        let (side, extent) = (400, 12.0);
        let cells = upload(lattice(side, extent), [side * side, 2], &device);
        let area = f64::from(2.0 * extent / side as f32).powi(2);
        let sum: f64 = values(model.log_density(cells)).iter().map(|v| f64::from(v.exp()) * area).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{name}: {sum}");
    }
}

/// At knots, at both bounds and outside, and where a network has run away: what is learnt from stays finite.
#[test]
fn splines_have_finite_gradients_everywhere_and_begin_as_the_identity() {
    let device = open_cpu().expect("the CPU opens").device;
    let step = 2.0 * BOUND / BINS as f32;
    let mut places: Vec<f32> = (0..=BINS).map(|k| -BOUND + k as f32 * step).collect();
    places.extend([-1e6, -BOUND - 1e-3, 0.3, BOUND + 1e-3, 1e6]);
    let n = places.len();
    for scale in [0.0, 1.0, 30.0, 1000.0] {
        let numbers = Stream::new(3, Purpose::Weights).normal(n * NUMBERS).iter().map(|v| v * scale).collect();
        let numbers = upload::<2>(numbers, [n, NUMBERS], &device).require_grad();
        let x = upload::<2>(places.clone(), [n, 1], &device).require_grad();
        let (y, log_slope) = Splines::new(numbers.clone()).forward(x.clone());
        if scale == 0.0 {
            let error = values((y.clone() - x.clone()).abs().max())[0] + values(log_slope.clone().abs().max())[0];
            assert!(error < 1e-5, "{error}");
        }
        assert!(values(log_slope.clone()).iter().all(|v| v.is_finite()), "{scale}");
        let gradients = (y.square().mean() + log_slope.mean()).backward();
        for gradient in [numbers.grad(&gradients), x.grad(&gradients)] {
            assert!(values(gradient.expect("a gradient")).iter().all(|v| v.is_finite()), "{scale}");
        }
    }
}

/// Every distribution: its density sums to one where it is drawn, and its own points have the density that their neighbours tell.
#[test]
fn the_exact_density_of_the_data_is_that_of_the_points_that_are_drawn() {
    let drawn = vec![[1.0, 1.0], [-1.0, 0.5]];
    for distribution in [
        Distribution::Ring,
        Distribution::Grid,
        Distribution::Moons,
        Distribution::Spiral,
        Distribution::Line,
        Distribution::Drawn,
    ] {
        let mut data = Points::new(distribution, drawn.clone(), 1);
        let side = 300;
        let area = f64::from(2.0 * EXTENT / side as f32).powi(2);
        let densities: Vec<f64> = data.log_density(&lattice(side, EXTENT)).iter().map(|v| v.exp() * area).collect();
        let sum: f64 = densities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-3, "{distribution:?}: {sum}");
        // Shares of the points in 12 x 12 squares.
        let square = |p: &[f32]| {
            let at = |v: f32| (((v / EXTENT + 1.0) * 6.0) as usize).min(11);
            12 * at(p[1]) + at(p[0])
        };
        let (mut expected, mut found, n) = ([0.0; 144], [0.0; 144], 20_000);
        for (p, density) in lattice(side, EXTENT).chunks_exact(2).zip(&densities) {
            expected[square(p)] += density;
        }
        for p in data.draw(n).xy.chunks_exact(2) {
            found[square(p)] += 1.0 / n as f64;
        }
        for (square, (a, b)) in found.iter().zip(&expected).enumerate() {
            let deviation = (b * (1.0 - b) / n as f64).sqrt();
            assert!((a - b).abs() < 5.0 * deviation + 1e-3, "{distribution:?}, square {square}: {a} instead of {b}");
        }
    }
}

fn figure(driver: &Driver, id: &str) -> Option<f32> {
    let views = driver.last_panels().into_iter().flat_map(|panel| panel.views);
    let mut figures = views.flat_map(|view| if let View::Figures { figures } = view { figures } else { Vec::new() });
    figures.find(|figure| figure.id == id).map(|figure| figure.value)
}

#[test]
fn a_chosen_point_shows_its_latent_its_way_and_its_log_density_and_stands_in_the_link() {
    let mut driver = Driver::new(true);
    driver.load("realnvp?batch=16&couplings=3&width=8&coupling=spline", None);
    driver.step(20);
    assert_eq!(figure(&driver, "chosen"), None);
    driver.send(Command::Act { name: "choose".into(), args: json!({ "x": 1.234, "y": -9.0 }) });
    assert_eq!(driver.link(), "realnvp?batch=16&coupling=spline&couplings=3&width=8&point=1.23,-3.00");
    assert_eq!(driver.steps(), 20, "nothing begins anew");
    let panels = driver.last_panels();
    let of = |panel: &str| &panels.iter().find(|p| p.id == panel).expect("the panel").views;
    let chosen = |views: &[View]| -> Vec<f32> {
        let mut sets = views.iter().flat_map(|v| if let View::Points2d { sets, .. } = v { &sets[..] } else { &[] });
        sets.find(|set| set.role == "chosen").expect("the point").xy.0.clone()
    };
    let way = of("plane").iter().find_map(|v| if let View::Paths2d { xy, .. } = v { Some(&xy.0) } else { None });
    let way = way.expect("its way");
    assert_eq!((chosen(of("plane")), way.len()), (vec![1.23, -3.0], 8));
    assert_eq!(chosen(of("latent")), way[..2], "it begins at the latent");
    assert_eq!(way[6..], [1.23, -3.0], "and ends at the point");
    // Each coupling moves one coordinate alone.
    for step in way.windows(4).step_by(2) {
        assert!(step[0] == step[2] || step[1] == step[3], "{step:?}");
    }
    let shown = figure(&driver, "chosen").expect("its log density");
    let file = driver.checkpoint();
    let device = open_cpu().expect("the CPU opens").device.inner();
    let blank = RealNvpConfig { inputs: 2, coupling: CouplingKind::Spline, couplings: 3, width: 8 };
    let blank = blank.init(&mut Stream::new(0, Purpose::Weights), &device);
    let model = load_module(blank, None, "ema.flow", &file, &device).expect("the average");
    let log_density = values(model.log_density(upload(vec![1.23, -3.0], [1, 2], &device)))[0];
    assert!((shown - log_density).abs() < 1e-5, "{shown} instead of {log_density}");
    driver.send(Command::Act { name: "choose".into(), args: json!({ "x": 1.0 }) });
    assert_eq!(driver.errors().pop(), Some(Code::BadCommand));
    for nonsense in ["a,b", "1", "NaN,1", ""] {
        driver.load(&format!("realnvp?batch=16&couplings=3&width=8&point={nonsense}"), None);
        assert_eq!(figure(&driver, "chosen"), None, "{nonsense}");
    }
}

#[test]
fn a_flow_on_digits_draws_and_ranks_them_and_goes_on_from_its_file() {
    const LINK: &str = "realnvp?space=digits&batch=32&couplings=2&width=16&evaluate=20";
    let mut driver = Driver::new(true);
    driver.load(LINK, None);
    driver.step(20);
    let panels = driver.last_panels();
    let pictures = |id: &str| {
        let views = &panels.iter().find(|panel| panel.id == id).unwrap_or_else(|| panic!("{id}")).views;
        let View::Images { count, rows, pixels, .. } = &views[0] else { panic!("{id} shows no pictures") };
        (*count, rows.clone(), pixels.clone())
    };
    assert_eq!(pictures("samples").0, 64);
    let (count, rows, pixels) = pictures("ranked");
    assert_eq!((count, rows.len()), (100, 10));
    for row in rows {
        let (first, last) = row.split_once(" … ").expect("two numbers");
        let number = |text: &str| text.parse::<f32>().expect("a number");
        assert!(number(first) > number(last), "{row}");
    }
    assert!(pixels.iter().any(|p| *p > 200));
    let (nats, gaussian) = (figure(&driver, "nll_digits").expect("nats"), figure(&driver, "gaussian").expect("nats"));
    assert!(nats.is_finite() && gaussian > 5.0 && gaussian < 25.0, "{nats} {gaussian}");
    let samples = pollster::block_on(driver.session.sample(3, 1)).expect("samples");
    assert_eq!(samples.shape, [3, 1, 28, 28]);

    let whole = Driver::open(LINK).step(40).bytes();
    let mut resumed = Driver::new(false);
    resumed.load("", Some(driver.bytes()));
    assert!(resumed.step(20).bytes() == whole);
}
