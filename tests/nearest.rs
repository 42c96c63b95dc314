//! The most similar training picture: does a model copy?

mod common;

use common::{Disk, Driver};
use kiln::data::{Dataset, Pictures};
use kiln::demos::{Context, pictures};
use kiln::device::open_cpu;
use kiln::session::Host;
use std::collections::BTreeSet;
use std::rc::Rc;

fn open(name: &str) -> Box<dyn Pictures> {
    let library = Driver::new(false).desk.library();
    let device = open_cpu().expect("a CPU").device;
    let context = Context { device, source: Rc::new(Disk), library, clock: Rc::new(|| 0.0) };
    pictures::open(name, &context, 1).expect("the set")
}

#[test]
fn a_training_picture_finds_itself_and_a_held_out_one_never() {
    for name in ["mnist", "emoji"] {
        let mut data = open(name);
        let (n, size) = (12, data.shape().len());
        assert!(data.nearest(&vec![0.0; 2 * size]).iter().all(Option::is_none), "{name}: nothing is here yet");
        let batch = data.batch(n).expect("pictures").ready().expect("at once");
        let found = data.nearest(&batch.pixels);
        assert_eq!(found.len(), n, "{name}");
        let itself = |pixels: &[f32], k: usize| {
            let found = found[k].as_ref().unwrap_or_else(|| panic!("{name}: nothing for picture {k}"));
            assert_eq!(found.pixels, pixels, "{name}, picture {k}");
            // Digits have no places of their own in a batch.
            assert!(batch.places.get(k).is_none_or(|place| *place == found.place), "{name}, picture {k}");
        };
        batch.pixels.chunks_exact(size).enumerate().for_each(|(k, pixels)| itself(pixels, k));
        // A little noise changes nothing.
        let noisy: Vec<f32> =
            batch.pixels.iter().enumerate().map(|(i, p)| p + if i % 2 == 0 { 0.01 } else { -0.01 }).collect();
        let again = data.nearest(&noisy);
        assert_eq!(
            again.iter().flatten().map(|f| f.place).collect::<Vec<_>>(),
            found.iter().flatten().map(|f| f.place).collect::<Vec<_>>()
        );
        assert_eq!(data.nearest(&[]), Vec::new());

        let held_out = data.held_out().expect("pictures").ready().expect("at once");
        let queries = &held_out.pixels[..n * size];
        let held: BTreeSet<u32> = held_out.places.iter().copied().collect();
        for (k, (found, query)) in data.nearest(queries).into_iter().zip(queries.chunks_exact(size)).enumerate() {
            let found = found.unwrap_or_else(|| panic!("{name}: nothing for held-out picture {k}"));
            assert!(found.pixels != query, "{name}: held-out picture {k} was found");
            assert!(!held.contains(&found.place), "{name}: picture {} is held out", found.place);
        }
    }
}

/// Against a search by hand, among the emoji that one epoch shows.
#[test]
fn no_training_picture_is_nearer_than_the_one_that_is_found() {
    let mut data = open("emoji");
    let size = data.shape().len();
    let mut epoch: Vec<f32> = Vec::new();
    for _ in 0..11 {
        epoch.extend(data.batch(156).expect("pictures").ready().expect("at once").pixels);
    }
    assert_eq!(epoch.len(), (1906 - 190) * size);
    let held_out = data.held_out().expect("pictures").ready().expect("at once");
    let queries = &held_out.pixels[..3 * size];
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    for (query, found) in queries.chunks_exact(size).zip(data.nearest(queries)) {
        let least = epoch.chunks_exact(size).map(|p| distance(query, p)).min_by(f64::total_cmp).expect("some");
        let found = distance(query, &found.expect("one").pixels);
        assert!((found - least).abs() < 1e-6 * least, "{found} instead of {least}");
    }
}
