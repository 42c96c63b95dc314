//! `kiln train` and `kiln sample` of diffusion on pictures: where training begins, and whether what is asked for is drawn.

use kiln::device::open_cpu;
use kiln::models::classifier::Classifier;
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::train::best;
use kiln::weights::{Checkpoint, load_module};
use std::path::Path;
use std::process::{Command, Output};

fn kiln(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kiln")).args(args).output().expect("it starts")
}

/// What a call said on standard output and standard error, where it went well.
fn said(args: &[&str]) -> [String; 2] {
    let run = kiln(args);
    let [out, err] = [run.stdout, run.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    assert!(run.status.success(), "{args:?}: {err}");
    [out, err]
}

fn folder(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path.display().to_string()
}

fn read(path: &str) -> Checkpoint {
    Checkpoint::from_bytes(&std::fs::read(path).expect("it was written")).expect("it reads")
}

/// What `kiln sample` draws of a model, and what it notes.
fn drawn(model: &str, shape: &[usize], more: &[&str]) -> (Vec<f32>, String) {
    // One for each call: tests run side by side.
    let out =
        format!("{}/samples.safetensors", folder(&format!("diffusion-sample-{}-{}", model.len(), more.join("-"))));
    let n = shape[0].to_string();
    let [_, notes] = said(&[&["sample", model, "--n", &n, "--out", &out], more].concat());
    (read(&out).tensor("samples", shape).expect("samples").to_vec(), notes)
}

/// How many of some digits the shipped classifier takes for this one.
fn judged(digits: &[f32], digit: usize) -> usize {
    let device = open_cpu().expect("a CPU").device.inner();
    let file = read("www/weights/digits-classifier.safetensors");
    let blank = Classifier::new(&mut Stream::new(0, Purpose::Weights), &device);
    let judge = load_module(blank, None, "classifier", &file, &device).expect("it fits");
    let (_, logits) = judge.forward(upload(digits.to_vec(), [digits.len() / 784, 784], &device));
    let logits: Vec<f32> = logits.into_data().try_into_vec().expect("floats");
    logits.chunks(10).filter(|row| best(row) == digit).count()
}

/// The loss of the first step, and what was said.
fn first_loss(link: &str, more: &[&str]) -> (f64, [String; 2]) {
    let out = folder("diffusion-train");
    let train = ["train", link, "--device", "cpu", "--steps", "1", "--out", &out];
    let said = said(&[&train[..], more].concat());
    let metrics = std::fs::read_to_string(format!("{out}/metrics.jsonl")).expect("metrics");
    let rows = metrics.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON"));
    (rows.filter_map(|row| row["loss"].as_f64()).next().expect("a loss"), said)
}

#[test]
fn training_begins_from_scratch_and_says_so_unless_the_link_asks_for_trained_weights() {
    let (fresh, [said, notes]) = first_loss("diffusion", &[]);
    assert!(said.contains("from scratch") && said.contains("start=pretrained"), "{said}");
    assert_eq!(notes.matches("note:").count(), 0, "{notes}");
    assert_eq!(
        read(&format!("{}/diffusion-train/model.safetensors", env!("CARGO_TARGET_TMPDIR"))).texts["link"],
        "diffusion?start=scratch"
    );
    let (asked, [said, _]) = first_loss("diffusion?start=scratch", &[]);
    assert!(!said.contains("from scratch") && asked == fresh, "who asks for it is not told: {said}");
    let (on, [said, _]) = first_loss("diffusion?start=pretrained", &[]);
    assert!(!said.contains("from scratch"), "{said}");
    assert!(on < 0.5 * fresh, "a loss of {on} from trained weights, of {fresh} from scratch");
    // A file is neither: it goes on where it was.
    let model = format!("{}/model.safetensors", folder("diffusion-kept"));
    std::fs::copy(format!("{}/diffusion-train/model.safetensors", env!("CARGO_TARGET_TMPDIR")), &model)
        .expect("a copy");
    let (_, [said, _]) = first_loss("", &["--resume", &model]);
    assert!(!said.contains("from scratch") && said.starts_with("2 steps"), "{said}");
}

#[test]
fn the_class_that_is_asked_for_is_drawn() {
    let draw =
        |more: &[&str]| drawn("diffusion", &[64, 1, 28, 28], &[&["--guidance", "2", "--steps", "10"], more].concat()).0;
    let sevens = draw(&["--class", "7"]);
    let right = judged(&sevens, 7);
    assert!(right >= 60, "{right} of 64 are sevens");
    let zeros = judged(&draw(&["--class", "0"]), 0);
    assert!(zeros >= 60, "{zeros} of 64 are zeros: classes count from 0");
    for words in ["seven", "七", "7"] {
        assert!(draw(&["--words", words]) == sevens, "{words} is the same wish");
    }
    assert!(draw(&["--class", "7", "--seed", "2"]) != sevens);
    let turns = judged(&draw(&[]), 7);
    assert!((4..=10).contains(&turns), "in turn a tenth are sevens: {turns} of 64");
    // The weights themselves draw what the link draws.
    let file = "www/weights/diffusion-mnist-latent.safetensors";
    let of_file = drawn(file, &[64, 1, 28, 28], &["--guidance", "2", "--steps", "10", "--class", "7"]).0;
    assert!(of_file == sevens, "the file and the link are one model");
}

#[test]
fn an_emoji_has_the_colour_of_its_words() {
    let draw = |words: &str| drawn("diffusion?data=emoji", &[16, 3, 32, 32], &["--words", words, "--guidance", "2"]).0;
    let (red, green) = (draw("red heart"), draw("green heart"));
    assert!(red != green);
    // How much redder than green the pictures are, in the mean.
    let redness = |pictures: &[f32]| {
        let of = |picture: &[f32]| picture[..1024].iter().sum::<f32>() - picture[1024..2048].iter().sum::<f32>();
        pictures.chunks_exact(3 * 1024).map(of).sum::<f32>() / (pictures.len() / 3) as f32
    };
    let (of_red, of_green) = (redness(&red), redness(&green));
    assert!(of_red > 0.2 && of_red > of_green + 0.2, "{of_red} for the red heart, {of_green} for the green one");
    assert!(redness(&draw("红心")) > of_green + 0.2, "and in Chinese");
}

#[test]
fn a_wish_that_cannot_be_fulfilled_is_told() {
    let out = format!("{}/samples.safetensors", folder("diffusion-wishes"));
    for (model, wish, says) in [
        ("vae", ["--words", "x"], "no setting \"words\""),
        ("vae", ["--class", "3"], "no setting \"class\""),
        ("dcgan?width=4", ["--guidance", "2"], "no setting \"guidance\""),
        ("diffusion?batch=8", ["--class", "seven"], "--class"),
        ("diffusion?batch=8", ["--steps", "many"], "--steps"),
    ] {
        let run = kiln(&[&["sample", model, "--n", "1", "--out", &out], &wish[..]].concat());
        let said = String::from_utf8_lossy(&run.stderr).to_string();
        assert!(!run.status.success() && said.contains(says), "{model} {wish:?}: {said}");
    }
    // What is out of range is brought back, with a note.
    for wish in [["--class", "10"], ["--class", "4294967295"], ["--guidance", "1000"], ["--steps", "0"]] {
        let (_, notes) = drawn("diffusion", &[1, 1, 28, 28], &wish);
        assert!(notes.contains("note:"), "{wish:?}: {notes}");
    }
}
