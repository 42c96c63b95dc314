//! The autoencoder demo: a picture goes in and comes out, what is done to the latent is in the link, nothing is lost.

mod common;

use common::Driver;
use kiln::demos::{Panel, View};
use kiln::error::Code;
use kiln::session::protocol::Command;
use serde_json::json;
use std::process::Command as Process;

const LINK: &str = "autoencoder?model=tests/fixtures/autoencoder/tiny&size=64";

fn open(link: &str) -> Driver {
    let mut driver = Driver::new(true);
    driver.load(link, None);
    driver.step(3);
    driver
}

fn act(driver: &mut Driver, name: &str, args: serde_json::Value) {
    driver.send(Command::Act { name: name.into(), args });
    driver.step(1);
}

fn panel(driver: &Driver, id: &str) -> Panel {
    driver.last_panels().into_iter().find(|p| p.id == id).expect("a panel of that name")
}

fn pixels(driver: &Driver, id: &str) -> Vec<u8> {
    match &panel(driver, id).views[..] {
        [View::Images { pixels, .. }] => pixels.clone(),
        [View::Pad { pixels, .. }] => pixels.clone(),
        other => panic!("{id} is {other:?}"),
    }
}

fn revision(driver: &Driver) -> u32 {
    let View::Pad { revision, .. } = panel(driver, "pad").views[0] else { panic!("a pad") };
    revision
}

fn figure(driver: &Driver, id: &str) -> Option<f32> {
    let View::Figures { figures } = &panel(driver, "figures").views[0] else { panic!("figures") };
    figures.iter().find(|f| f.id == id).map(|f| f.value)
}

#[test]
fn the_scene_is_there_before_the_model_and_is_the_same_each_time() {
    let drawn = |link: &str| {
        let mut driver = Driver::new(true);
        driver.load(link, None);
        pixels(&driver, "picture")
    };
    let scene = drawn("autoencoder?model=missing&size=64");
    assert_eq!(scene, drawn("autoencoder?size=64"));
    assert_ne!(scene, drawn("autoencoder?size=64&seed=2"));
    let sum = scene.iter().fold(0u64, |sum, &b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
    assert_eq!((scene.len(), sum), (3 * 64 * 64, 12_103_421_817_917_863_108));
    let colours: std::collections::BTreeSet<[u8; 3]> = scene.as_chunks().0.iter().copied().collect();
    assert!(colours.len() > 200, "{} colours", colours.len());
}

#[test]
fn a_picture_is_encoded_and_decoded_and_the_run_ends() {
    let driver = open(LINK);
    assert_eq!(driver.steps(), 1);
    assert_eq!(pixels(&driver, "decoded").len(), 3 * 64 * 64);
    assert_eq!(pixels(&driver, "latent").len(), 4 * 8 * 8);
    assert_eq!(pixels(&driver, "pad"), pixels(&driver, "latent")[..64]);
    assert_eq!(figure(&driver, "latent_size"), Some(256.0));
    assert!(figure(&driver, "psnr").is_some_and(|p| p.is_finite()));
}

#[test]
fn what_is_done_to_the_latent_is_in_the_link_and_comes_back_with_it() {
    let mut driver = open(LINK);
    let before = pixels(&driver, "decoded");
    act(&mut driver, "slide", json!({ "index": 2, "value": 1.5 }));
    let gained = pixels(&driver, "decoded");
    assert_ne!(gained, before);
    act(&mut driver, "slide", json!({ "index": 5, "value": -0.5 }));
    act(&mut driver, "noise", json!({}));
    act(&mut driver, "noise", json!({}));
    let noisy = pixels(&driver, "latent");
    act(&mut driver, "channel", json!({ "index": 3 }));
    let mut pad = pixels(&driver, "pad");
    assert_eq!(pad, noisy[192..]);
    let seen = revision(&driver);
    pad[10..14].fill(255);
    pad[20] = 0;
    act(&mut driver, "paint", json!({ "pixels": pad, "mask": [] }));
    assert_eq!((pixels(&driver, "pad"), revision(&driver)), (pad, seen), "the page's own painting is not taken over");
    assert!(driver.link().contains("edits=g1:1.5_s2:-0.5_n2_p3:8:10.4.255,20.1.0"), "{}", driver.link());

    let again = open(&driver.link());
    assert_eq!(pixels(&again, "decoded"), pixels(&driver, "decoded"));
    act(&mut driver, "paint", json!({ "pixels": [], "mask": [] }));
    assert_eq!(pixels(&driver, "latent"), noisy);
    assert!(revision(&driver) > seen, "a wiped pad is drawn anew");
    act(&mut driver, "reset_latent", json!({}));
    assert_eq!(pixels(&driver, "decoded"), before);
    assert!(!driver.link().contains("edits"));
}

#[test]
fn nonsense_in_edits_and_actions_is_left_out_or_refused() {
    let nonsense =
        "edits=x_g_g9:1_g0:NaN_s0:9e9_n-1_p0:8:1.2_p1:8:99999999999.5.1,1.99999999999999.7_p2:77:0.9.255_%C3%A4";
    let driver = open(&format!("{LINK}&{nonsense}"));
    assert_eq!(pixels(&driver, "pad").len(), 64);
    let mut driver = open(LINK);
    for (name, args) in [
        ("paint", json!({ "pixels": [1, 2, 3] })),
        ("paint", json!({ "pixels": "red" })),
        ("paint", json!({ "pixels": vec![300; 64] })),
        ("slide", json!({ "index": -1, "value": 1 })),
        ("slide", json!({ "index": 1_000_000_000_000u64, "value": 1 })),
        ("slide", json!({ "index": 1 })),
        ("channel", json!({})),
        ("jump", json!({})),
    ] {
        driver.send(Command::Act { name: name.into(), args });
        assert_eq!(driver.errors().pop(), Some(Code::BadCommand), "{name}");
    }
}

#[test]
fn a_checkpoint_brings_the_latent_so_that_nothing_is_encoded_again() {
    let link = format!("{LINK}&edits=g0:0.5");
    let mut driver = open(&link);
    assert!(figure(&driver, "encode_ms").is_some());
    let bytes = driver.bytes();
    let mut again = Driver::new(true);
    again.load("", Some(bytes.clone()));
    assert_eq!((again.steps(), again.bytes()), (1, bytes));
    again.step(3);
    assert_eq!(pixels(&again, "decoded"), pixels(&driver, "decoded"));
    assert_eq!(figure(&again, "encode_ms"), None);
}

#[test]
fn a_picture_of_the_person_is_taken_and_cut_to_what_the_model_halves() {
    std::fs::create_dir_all(common::kept()).expect("it can be made");
    let set = |name: &str, dims: [u32; 4]| {
        let (count, bytes) = (dims.iter().product::<u32>(), dims.iter().flat_map(|d| d.to_be_bytes()));
        let file: Vec<u8> = [0, 0, 8, 4].into_iter().chain(bytes).chain((0..count).map(|i| i as u8)).collect();
        let sha256 = kiln::weights::manifest::hex(&<sha2::Sha256 as sha2::Digest>::digest(&file));
        std::fs::write(common::kept().join(name), file).expect("it can be written");
        format!("{LINK}&picture=sha256:{sha256}")
    };
    let driver = open(&set("small.idx", [1, 44, 52, 3]));
    assert_eq!(pixels(&driver, "picture").len(), 40 * 48 * 3);
    assert_eq!(pixels(&driver, "latent").len(), 4 * 5 * 6);
    let driver = open(&set("wide.idx", [1, 32, 200, 3]));
    assert_eq!(pixels(&driver, "decoded").len(), 32 * 64 * 3, "the middle of a picture that is larger than `size`");
    for dims in [[2, 8, 8, 3], [1, 8, 8, 1], [1, 0, 8, 3], [1, 4, 8, 3]] {
        let mut driver = Driver::new(true);
        driver.load(&set("bad.idx", dims), None);
        driver.step_to_the_end(3);
        assert_eq!(driver.errors().len(), 1, "{dims:?}");
    }
}

#[test]
fn the_terminal_encodes_and_decodes_a_picture() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("autoencode");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name).display().to_string();
    let kiln = |args: &[&str]| Process::new(env!("CARGO_BIN_EXE_kiln")).args(args).output().expect("it starts");
    let (given, latent, out) = (path("given.png"), path("latent.safetensors"), path("out.png"));
    let model = "tests/fixtures/autoencoder/kl";
    let clear = image::Rgba([0, 0, 0, 0]);
    let pixel = |x, y| if x < 30 { clear } else { image::Rgba([x as u8, y as u8, 99, 255]) };
    image::RgbaImage::from_fn(70, 49, pixel).save(&given).expect("it can be written");
    let run = kiln(&["encode", &given, "--model", model, "--out", &latent]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let file = kiln::weights::Checkpoint::from_bytes(&std::fs::read(&latent).expect("a file")).expect("it reads");
    assert_eq!(file.tensors[0].shape, [1, 4, 12, 17]);
    let run = kiln(&["decode", &latent, "--model", model, "--out", &out]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(image::image_dimensions(&out).expect("a picture"), (68, 48));
    // What shines through is white.
    let white = |x, y| if x < 30 { image::Rgba([255; 4]) } else { pixel(x, y) };
    image::RgbaImage::from_fn(70, 49, white).save(&given).expect("it can be written");
    let again = path("again.safetensors");
    assert!(kiln(&["encode", &given, "--model", model, "--out", &again]).status.success());
    assert_eq!(std::fs::read(&again).expect("a file"), std::fs::read(&latent).expect("a file"));
    for (args, says) in [
        (["encode", "README.md", "--model", model, "--out", &latent], "Choose a picture"),
        (["decode", "README.md", "--model", model, "--out", &out], "Choose a complete file"),
        (["encode", &given, "--model", "taesd", "--out", &latent], "model folder"),
        (["encode", &given, "--model", "Cargo.toml", "--out", &latent], "Choose another model"),
    ] {
        let run = kiln(&args);
        let text = String::from_utf8_lossy(&run.stderr).to_string();
        assert!(!run.status.success() && text.contains(says), "{args:?}: {text}");
    }
}

/// A link must not fetch what nobody asked for: an address or a model's name is no picture.
#[test]
fn a_picture_is_named_by_its_hash_alone() {
    for picture in ["https://example.org/huge.bin", "sd-vae-ft-mse", "tests/fixtures/autoencoder/tiny"] {
        let mut driver = Driver::new(true);
        driver.load(&format!("{LINK}&picture={picture}"), None);
        driver.step_to_the_end(3);
        assert_eq!(driver.errors(), [Code::UnknownPictures], "{picture}");
    }
}

/// 64 channels, each painted all over by a few characters, would take a gigabyte.
#[test]
fn a_short_link_cannot_paint_more_than_one_channel_holds() {
    let text: Vec<String> = (0..64).map(|c| format!("p{c}:1:0.1048576.255")).collect();
    let mut driver = Driver::new(true);
    let began = std::time::Instant::now();
    driver.load(&format!("{LINK}&edits={}", text.join("_")), None);
    assert_eq!(driver.errors(), []);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
