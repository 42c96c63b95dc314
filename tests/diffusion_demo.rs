//! Diffusion on pictures as a person meets it: where a link begins, what a file goes on with, and what a trained model does without more
//! training.

mod common;

use common::{Disk, Driver, bits};
use kiln::data::Dataset;
use kiln::demos::{Context, View, pictures};
use kiln::device::open_cpu;
use kiln::error::Code;
use kiln::session::link::{canonical, parse};
use kiln::session::protocol::{Command, Event};
use kiln::session::{Host, Next};
use kiln::weights::Checkpoint;
use pollster::block_on;
use serde_json::json;
use std::rc::Rc;

/// Opened from shipped weights, and ready.
fn shipped(link: &str) -> Driver {
    let mut driver = Driver::new(true);
    driver.load(link, None);
    while block_on(driver.session.tick()) != Next::Sleep {}
    assert_eq!(driver.errors(), Vec::<Code>::new(), "{:?}", driver.messages());
    assert_eq!(driver.steps(), 0, "it has not trained on by itself");
    driver
}

fn panel(driver: &Driver, id: &str) -> Vec<View> {
    driver.last_panels().into_iter().find(|p| p.id == id).unwrap_or_else(|| panic!("no panel {id}")).views
}

/// The bytes of each picture of a view, and what each row shows.
fn images(view: &View) -> (Vec<Vec<u8>>, Vec<String>) {
    let View::Images { count, pixels, rows, .. } = view else { panic!("{view:?} shows no pictures") };
    (pixels.chunks_exact(pixels.len() / *count as usize).map(<[u8]>::to_vec).collect(), rows.clone())
}

/// The mean squared difference of two pictures, of bytes as numbers from 0 to 1.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| ((f64::from(*a) - f64::from(*b)) / 255.0).powi(2));
    squares.sum::<f64>() / a.len() as f64
}

#[test]
fn a_link_begins_with_trained_weights_where_they_ship_and_says_so_where_none_do() {
    let own = format!("data=sha256:{}", "0".repeat(64));
    // What is asked for, what it becomes, the notes, and what of the setting the note names.
    for (link, becomes, codes, says) in [
        ("", "", &[][..], ""),
        ("data=emoji", "data=emoji", &[], ""),
        ("seed=3&batch=8&lr=0.01", "seed=3&batch=8&lr=0.01", &[], ""),
        ("schedule=linear", "schedule=linear", &[], ""),
        ("start=scratch&width=64", "start=scratch&width=64", &[], ""),
        ("space=unet&depth=2", "space=unet&depth=2", &[], ""),
        ("predict=noise", "start=scratch&predict=noise", &["no-trained-weights"], "predict=noise"),
        ("predict=velocity", "start=scratch&predict=velocity", &["no-trained-weights"], "predict=velocity"),
        ("objective=ddpm", "start=scratch&objective=ddpm", &["no-trained-weights"], "objective=ddpm"),
        ("conditional=false", "start=scratch&conditional=false", &["no-trained-weights"], "conditional=false"),
        ("width=128", "start=scratch&width=128", &["no-trained-weights"], "width=128"),
        ("depth=2", "start=scratch&depth=2", &["no-trained-weights"], "depth=2"),
        ("space=pixels", "space=pixels&start=scratch", &["no-trained-weights"], "space=pixels"),
        ("space=unet&data=emoji", "space=unet&start=scratch&data=emoji", &["no-trained-weights"], "data=emoji"),
        (
            &own,
            &format!("space=pixels&start=scratch&{own}&conditional=false"),
            &["no-latents"],
            "noise is added to the pixels",
        ),
        (
            &format!("space=pixels&{own}"),
            &format!("space=pixels&start=scratch&{own}&conditional=false"),
            &["no-classes"],
            "no classes",
        ),
    ] {
        let with = |settings: &str| format!("diffusion{}{settings}", if settings.is_empty() { "" } else { "?" });
        let read = parse(&with(link)).expect("a link");
        let again = canonical(read.entry, &read.values);
        let note = |event: &Event| match event {
            Event::Note { code, text, .. } => (code.clone(), text.clone()),
            _ => panic!("{link}: it is a note"),
        };
        let notes: Vec<(String, String)> = read.notes.iter().map(note).collect();
        assert_eq!(notes.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), codes, "{link}: {notes:?}");
        assert!(notes.iter().all(|(_, text)| text.contains(says)), "{link}: {notes:?}");
        assert_eq!(again, with(becomes), "{link}");
        assert!(parse(&again).expect("a link").notes.is_empty(), "{link}: who asks for it is not told");
    }
}

/// A file as it was written when there was no setting `start` and no weights shipped.
fn aged(file: &Checkpoint) -> Vec<u8> {
    let mut old = file.clone();
    assert!(old.texts.remove("started").is_some());
    for key in ["link", "values"] {
        let text = old.texts.get_mut(key).expect("it is in the file");
        *text = text.replace("start=scratch&", "").replace("\"start\":\"scratch\",", "");
        assert!(!text.contains("start"), "{text}");
    }
    old.to_bytes().expect("bytes")
}

fn same_weights(a: &Checkpoint, b: &Checkpoint) -> bool {
    let mut weights = a.tensors.iter().filter(|t| t.name.contains("denoiser."));
    weights.all(|t| b.find(&t.name).is_some_and(|other| bits(&other.values) == bits(&t.values)))
}

#[test]
fn a_file_from_before_weights_shipped_goes_on_with_its_own() {
    // Weights ship for the one, and none for the other.
    for link in ["diffusion?start=scratch&batch=16", "diffusion?start=scratch&batch=16&width=64"] {
        let mut first = Driver::open(link);
        let file = first.step(2).checkpoint();
        let whole = first.step(2).checkpoint();
        for bytes in [aged(&file), file.to_bytes().expect("bytes")] {
            let mut driver = Driver::new(true);
            driver.load("", Some(bytes));
            assert_eq!((driver.link().as_str(), driver.messages()), (link, Vec::new()));
            assert!(same_weights(&file, &driver.checkpoint()), "{link}: opened, it has its own weights");
            let on = driver.step(2).checkpoint();
            assert!(same_weights(&whole, &on), "{link}: it goes on as if it had never stopped");
        }
    }
}

#[test]
fn a_run_from_trained_weights_goes_on_from_its_file() {
    const LINK: &str = "diffusion?batch=16";
    let shipped_file = std::fs::read("www/weights/diffusion-mnist-latent.safetensors").expect("they ship");
    let weights = Checkpoint::from_bytes(&shipped_file).expect("it reads");
    let mut first = shipped(LINK);
    assert!(same_weights(&weights, &first.checkpoint()), "it has the weights that ship");
    let file = first.step(2).bytes();
    let mut second = Driver::new(true);
    second.load("", Some(file));
    assert!(second.step(2).bytes() == first.step(2).bytes());
    assert!(!same_weights(&weights, &second.checkpoint()), "it has trained");
}

/// The mean of 10,000 held-out digits, as bytes.
fn mean_digit() -> Vec<u8> {
    let library = Driver::new(false).desk.library();
    let device = open_cpu().expect("a CPU").device;
    let context = Context { device, source: Rc::new(Disk), library, clock: Rc::new(|| 0.0) };
    let digits = pictures::open("mnist", &context, 1).expect("digits").held_out();
    let pixels = digits.expect("digits").ready().expect("at once").pixels;
    let mean = |i: usize| {
        let of = pixels.iter().skip(i).step_by(784).map(|p| f64::from(*p));
        (of.sum::<f64>() / (pixels.len() / 784) as f64 + 1.0) * 127.5
    };
    (0..784).map(|i| mean(i).round() as u8).collect()
}

#[test]
fn a_hole_is_filled_better_than_by_the_mean_digit_or_by_encoding_and_nothing_else_is_touched() {
    for (amount, first, share) in [(0.3, 10, 0.7), (0.5, 7, 0.8)] {
        hole(amount, first, share);
    }
}

/// The hole begins at this row and column; what is left of the error of encoding is less than this share.
fn hole(amount: f64, first: usize, share: f64) {
    let driver = shipped(&format!("diffusion?repair=true&amount={amount}"));
    let views = panel(&driver, "repair");
    let (pictures, rows) = images(&views[0]);
    assert_eq!((rows, pictures.len()), (["original", "damaged", "encoded", "repaired"].map(String::from).to_vec(), 32));
    let View::Figures { figures } = &views[1] else { panic!("figures") };
    let figure = |id: &str| f64::from(figures.iter().find(|f| f.id == id).expect("the figure").value);
    let (repaired, encoded) = (figure("error_repaired"), figure("error_encoded"));
    let inside = |at: usize| (first..28 - first).contains(&at);
    let hole: Vec<usize> = (0..784).filter(|i| inside(i / 28) && inside(i % 28)).collect();
    let inside = |picture: &[u8]| hole.iter().map(|i| picture[*i]).collect::<Vec<u8>>();
    let error = |picture: &dyn Fn(usize) -> Vec<u8>| {
        (0..8).map(|k| difference(&inside(&pictures[k]), &inside(&picture(k)))).sum::<f64>() / 8.0
    };
    let mean = mean_digit();
    let of_mean = error(&|_| mean.clone());
    let told = format!("{repaired}; the mean digit {of_mean}, encoding {encoded}");
    assert!(repaired < 0.9 * of_mean && repaired < share * encoded, "{amount}: {told}");
    // The figures are those of what is shown, and outside of the hole nothing was touched.
    assert!((error(&|k| pictures[24 + k].clone()) - repaired).abs() < 0.01);
    assert!((error(&|k| pictures[16 + k].clone()) - encoded).abs() < 0.01);
    for k in 0..8 {
        for i in (0..784).filter(|i| !hole.contains(i)) {
            assert_eq!(pictures[24 + k][i], pictures[k][i], "digit {k}, pixel {i}");
        }
        assert!(hole.iter().all(|i| (127..=128).contains(&pictures[8 + k][*i])), "what is not known is grey");
    }
}

#[test]
fn few_pixels_become_many_that_agree_with_them_and_noise_goes() {
    for (damage, amount) in [("shrink", 0.3), ("shrink", 0.9), ("noise", 0.5), ("noise", 0.7)] {
        let driver = shipped(&format!("diffusion?repair=true&damage={damage}&amount={amount}"));
        let views = panel(&driver, "repair");
        let (pictures, _) = images(&views[0]);
        let sum = |row: usize| (0..8).map(|k| difference(&pictures[8 * row + k], &pictures[k])).sum::<f64>() / 8.0;
        assert!(sum(3) < sum(1), "{damage} {amount}: {} after, {} before", sum(3), sum(1));
        let share = if amount < 0.6 { 0.6 } else { 0.9 };
        assert!(sum(3) < share * sum(2), "{damage} {amount}: {} repaired, {} encoded", sum(3), sum(2));
        if damage == "shrink" {
            let factor = if amount < 0.5 { 2 } else { 4 };
            for k in 0..8 {
                let mean = |picture: &[u8], block: usize| {
                    let (y, x) = (block / (28 / factor) * factor, block % (28 / factor) * factor);
                    let of = (0..factor * factor).map(|i| f64::from(picture[(y + i / factor) * 28 + x + i % factor]));
                    of.sum::<f64>() / (factor * factor) as f64
                };
                for block in 0..(28 / factor) * (28 / factor) {
                    // Pixels beyond black and white are shown as black and white: means of them are only close.
                    let (a, b) = (mean(&pictures[24 + k], block), mean(&pictures[k], block));
                    assert!((a - b).abs() < 25.0, "digit {k}, block {block} of {factor}: {a} instead of {b}");
                }
            }
        }
    }
}

#[test]
fn a_drawing_becomes_pictures_the_less_like_it_the_more_noise_is_added() {
    let mut driver = shipped("diffusion?drawing=true&class=8");
    assert_eq!(panel(&driver, "drawing").len(), 1, "a pad to draw on");
    // A seven of three strokes.
    let ink = |i: usize| {
        let (y, x) = (i / 28, i % 28);
        ((6..9).contains(&y) && (7..21).contains(&x)) || ((9..23).contains(&y) && (x + y / 2).abs_diff(22) < 2)
    };
    let pixels: Vec<u8> = (0..784).map(|i| if ink(i) { 255 } else { 0 }).collect();
    driver.send(Command::Act { name: "draw".into(), args: json!({ "pixels": pixels, "mask": [] }) });
    assert_eq!(driver.errors(), Vec::<Code>::new(), "{:?}", driver.messages());
    let views = panel(&driver, "drawing");
    let (pictures, _) = images(&views[1]);
    assert_eq!(pictures.len(), 6);
    let off: Vec<f64> = pictures.iter().map(|p| difference(p, &pixels)).collect();
    assert!(off[0] < 0.06 && off[0] < off[5], "{off:?}");
    assert!(pictures.iter().all(|p| p.iter().any(|v| *v > 150)), "each is a digit");
    let View::Pad { pixels: kept, .. } = &views[0] else { panic!("the pad") };
    assert_eq!(kept, &pixels);
    // It stands in the file.
    let mut again = Driver::new(true);
    again.load("", Some(driver.bytes()));
    while block_on(again.session.tick()) != Next::Sleep {}
    assert!(images(&panel(&again, "drawing")[1]).0 == pictures);
    driver.send(Command::Act { name: "draw".into(), args: json!({ "pixels": [1], "mask": [] }) });
    assert_eq!(driver.errors(), vec![Code::BadCommand]);
}

#[test]
fn between_two_samples_pictures_lead_from_the_one_to_the_other() {
    let driver = shipped("diffusion?between=true");
    let (samples, _) = images(&panel(&driver, "samples")[0]);
    let (between, _) = images(&panel(&driver, "between")[0]);
    assert_eq!(between.len(), 10);
    for (k, sample) in [(0, &samples[0]), (9, &samples[1])] {
        assert!(difference(&between[k], sample) < 1e-4, "picture {k}");
    }
    let whole = difference(&samples[0], &samples[1]);
    let steps: Vec<f64> = between.windows(2).map(|pair| difference(&pair[0], &pair[1])).collect();
    assert!(steps.iter().all(|step| *step > 0.0 && *step < whole), "{steps:?}, {whole} in one");
    let near = |k: usize| difference(&between[k], &samples[0]) < difference(&between[k], &samples[1]);
    assert!(near(1) && !near(8));
}

#[test]
fn words_that_are_not_known_are_named_and_left_out() {
    let mut driver = shipped("diffusion?data=emoji&words=red%20heart&nearest=true");
    let samples = |driver: &Driver| images(&panel(driver, "samples")[0]).0;
    let note = |driver: &Driver| {
        let views = panel(driver, "samples");
        views.into_iter().find_map(|v| if let View::Note { code, text, .. } = v { Some((code, text)) } else { None })
    };
    let (known, without) = (samples(&driver), note(&driver));
    assert_eq!(without, None);
    driver.send(Command::Set { key: "words".into(), value: "red qwertz heart".into() });
    let (code, text) = note(&driver).expect("a note");
    assert!(code == "unknown-words" && text.contains("qwertz") && !text.contains("red"), "{text}");
    assert!(samples(&driver) == known, "they are left out");
    // The emoji that a sample is most like has its name in both languages below it.
    let View::Images { captions, rows, .. } = &panel(&driver, "nearest")[0] else { panic!("pictures") };
    assert_eq!((captions.len(), rows.len()), (16, 2));
    let named = captions[8..].iter().filter(|name| name.contains(" · ")).count();
    assert_eq!((named, captions[..8].iter().all(String::is_empty)), (8, true), "{captions:?}");
}
