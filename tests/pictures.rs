//! A person's pictures, and the sets that ship: what becomes of them, whatever is in them.

mod common;
#[path = "common/counting.rs"]
mod counting;
#[path = "../src/bin/kiln/darkroom.rs"]
mod darkroom;
#[path = "common/zips.rs"]
mod zips;

use common::{Disk, Driver, fixture, is_images};
use counting::measured;
use image::codecs::{gif::GifEncoder, jpeg::JpegEncoder};
use image::{DynamicImage, Frame, ImageFormat, Rgb, RgbImage, RgbaImage};
use kiln::data::{Batch, LeftOut, Taken, idx};
use kiln::demos::{Context, View, pictures};
use kiln::error::{Code, Result};
use kiln::poll::Poll;
use kiln::session::protocol::Event;
use kiln::weights::Folder;
use kiln::weights::import_pictures::{Cut, Decode, Fit, Offered, import};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use zips::{Entry, zip};

fn offer(name: &str, bytes: Vec<u8>) -> Offered {
    let size = bytes.len() as u64;
    Offered { name: name.into(), bytes: size, open: Box::new(move || Ok(Rc::new(bytes.clone()))) }
}

fn taken(files: Vec<Offered>, fit: Fit) -> Result<(Vec<u8>, Taken)> {
    let darkroom = darkroom::Darkroom(indicatif::ProgressBar::hidden());
    Ok(pollster::block_on(import(files, fit, &darkroom))?.expect("nobody ends it"))
}

fn png(picture: &RgbaImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("it encodes");
    bytes
}

fn plain(width: u32, height: u32) -> Vec<u8> {
    png(&RgbaImage::from_pixel(width, height, image::Rgba([10, 20, 30, 255])))
}

/// Enough plain pictures for a set, to which others are added.
fn enough() -> Vec<Offered> {
    (0..8).map(|i| offer(&format!("plain-{i}.png"), plain(40, 30))).collect()
}

/// What is said of `files` among enough good ones.
fn notes(files: Vec<Offered>) -> Vec<LeftOut> {
    let (_, taken) = taken(enough().into_iter().chain(files).collect(), Fit::Square(32)).expect("a set");
    assert_eq!(taken.count, 8, "{:?}", taken.left_out);
    assert_eq!(taken.left_out.len() as u32, taken.left_out_in_all.min(100));
    taken.left_out
}

/// The one picture of a set as its colours.
fn alone(file: Vec<u8>, side: u32) -> RgbImage {
    let files = (0..8).map(|i| offer(&format!("{i}"), file.clone())).collect();
    let (set, taken) = taken(files, Fit::Square(side)).expect("a set");
    assert_eq!((taken.count, taken.left_out_in_all), (8, 0), "{:?}", taken.left_out);
    let set = idx::parse(&set).expect("an IDX file");
    assert_eq!(set.dims, [8, side as usize, side as usize, 3]);
    RgbImage::from_raw(side, side, set.bytes[..(side * side * 3) as usize].to_vec()).expect("its size")
}

fn near(a: Rgb<u8>, b: [u8; 3]) -> bool {
    a.0.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 20)
}

/// A PNG file of this size, as far as its header.
fn header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = plain(8, 8);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = rawzip::crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

#[test]
fn what_is_no_picture_is_left_out_with_its_reason() {
    let jpeg = std::fs::read(fixture("pictures/cmyk.jpg")).expect("the fixture");
    let cases: [(&str, Vec<u8>, &str); 11] = [
        ("empty.png", Vec::new(), "empty"),
        ("short.png", vec![0x89], "not-a-picture"),
        ("text.jpg", b"this is no picture at all".to_vec(), "not-a-picture"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "not-a-picture"),
        ("cut.png", plain(40, 30)[..60].to_vec(), "damaged"),
        ("cut.jpg", jpeg[..20].to_vec(), "damaged"),
        ("wide.png", header(60_000, 60_000), "too-large"),
        ("long.png", header(16_385, 1), "too-large"),
        ("many.png", header(16_000, 16_000), "too-large"),
        ("none.png", header(0, 8), "empty"),
        ("lying.png", header(4_000, 4_000), "damaged"),
    ];
    for (name, bytes, code) in cases {
        let (notes, peak, _) = measured(|| notes(vec![offer(name, bytes.clone())]));
        assert_eq!(notes.len(), 1, "{name}");
        assert_eq!((notes[0].name.as_str(), notes[0].code.as_str()), (name, code), "{}", notes[0].text);
        assert!(notes[0].text.ends_with('.') && notes[0].text.len() < 180, "{}", notes[0].text);
        assert!(peak < 80 << 20, "{name} took {peak} bytes");
    }
}

#[test]
fn a_file_of_many_megabytes_is_not_even_read() {
    let big = [&plain(8, 8)[..], &vec![0; 65 << 20]].concat();
    let reads = vec![offer("big.png", big)];
    let (notes, peak, _) = measured(move || notes(reads));
    assert_eq!(notes[0].code, "too-large");
    // Its content is copied once by this test's own `offer`.
    assert!(peak < 70 << 20, "{peak}");
}

#[test]
fn colours_are_right_in_every_kind_of_file() {
    let half = RgbaImage::from_fn(40, 40, |x, _| image::Rgba(if x < 20 { [255, 0, 0, 255] } else { [0, 0, 0, 0] }));
    let over_white = alone(png(&half), 32);
    assert!(near(*over_white.get_pixel(2, 16), [255, 0, 0]) && near(*over_white.get_pixel(29, 16), [255, 255, 255]));
    let veil = alone(png(&RgbaImage::from_pixel(40, 40, image::Rgba([0, 0, 0, 128]))), 32);
    assert!(near(*veil.get_pixel(16, 16), [127, 127, 127]));

    let read = |name: &str| std::fs::read(fixture("pictures").join(name)).expect("the fixture");
    assert!(near(*alone(read("cmyk.jpg"), 32).get_pixel(16, 16), [254, 0, 0]));
    assert!(near(*alone(read("animated.gif"), 32).get_pixel(16, 16), [0, 255, 0]), "the first frame");
    assert!(near(*alone(read("animated.webp"), 32).get_pixel(16, 16), [0, 255, 0]), "the first frame");
    let turned = alone(read("turned.jpg"), 32);
    assert!(near(*turned.get_pixel(16, 4), [0, 0, 254]) && near(*turned.get_pixel(16, 28), [255, 255, 255]), "upright");

    let grey = DynamicImage::ImageLuma16(image::ImageBuffer::from_pixel(33, 50, image::Luma([0x8080])));
    let mut bytes = Vec::new();
    grey.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("it encodes");
    assert!(near(*alone(bytes, 32).get_pixel(16, 16), [128, 128, 128]), "16 bits of grey");
    let mut bytes = Vec::new();
    DynamicImage::from(RgbImage::from_pixel(9, 9, Rgb([9, 99, 199])))
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Bmp)
        .expect("it encodes");
    assert!(near(*alone(bytes, 32).get_pixel(16, 16), [9, 99, 199]), "enlarged");
}

#[test]
fn a_square_is_cut_from_the_middle_and_a_whole_picture_to_multiples_of_eight() {
    let cut = |x, y, width, height, to_width, to_height| Cut { x, y, width, height, to_width, to_height };
    assert_eq!(Fit::Square(32).cut(178, 218), cut(0, 20, 178, 178, 32, 32));
    assert_eq!(Fit::Square(32).cut(1, 9), cut(0, 4, 1, 1, 32, 32));
    assert_eq!(Fit::Within(512).cut(1024, 512), cut(0, 0, 1024, 512, 512, 256));
    assert_eq!(Fit::Within(512).cut(100, 75), cut(2, 1, 96, 72, 96, 72));
    assert_eq!(Fit::Within(512).cut(16_384, 1), cut(0, 0, 16_384, 1, 512, 8));
    for (width, height) in [(1, 1), (7, 9), (513, 511), (1000, 333), (16_384, 4_096)] {
        let c = Fit::Within(512).cut(width, height);
        let [w, h] = [c.to_width, c.to_height];
        assert!(w.is_multiple_of(8) && h.is_multiple_of(8) && w.max(h) <= 512, "{c:?}");
        assert!(c.width > 0 && c.x + c.width <= width && c.height > 0 && c.y + c.height <= height, "{c:?}");
    }
    let (set, told) = taken(vec![offer("a.png", plain(1_000, 500))], Fit::Within(512)).expect("one picture is enough");
    assert_eq!((told.count, told.width, told.height), (1, 512, 256));
    assert_eq!(idx::parse(&set).expect("an IDX file").dims, [1, 256, 512, 3]);
}

#[test]
fn pictures_in_a_zip_are_taken_and_everything_else_in_it_is_passed_over_or_told() {
    let good = plain(50, 50);
    let mut entries: Vec<Entry> = (0..8).map(|i| Entry::packed(&format!("faces/{i}.png"), &good)).collect();
    entries.extend([
        Entry::stored("faces/", b""),
        Entry::stored("__MACOSX/faces/._0.png", b"resource fork"),
        Entry::stored("faces/.DS_Store", b"settings"),
        Entry::stored(".hidden/a.png", &good),
        // Paths that would lead out of a folder are names, and nothing is written.
        Entry::stored("../../../etc/passwd.png", &good),
        Entry::stored("C:\\windows\\a.png", &good),
        Entry::stored("faces/notes.txt", b"these are the faces of"),
        Entry::stored("more.zip", &zip(&[Entry::stored("a.png", &good)])),
        Entry { flags: 1, ..Entry::stored("secret.png", &good) },
        Entry { method: 14, ..Entry::stored("lzma.png", &good) },
        Entry { crc: 7, ..Entry::packed("wrong.png", &good) },
    ]);
    let (_, told) = taken(vec![offer("all.zip", zip(&entries))], Fit::Square(32)).expect("a set");
    assert_eq!(told.count, 10);
    let said: Vec<(&str, &str)> = told.left_out.iter().map(|l| (l.name.as_str(), l.code.as_str())).collect();
    assert_eq!(
        said,
        [
            ("all.zip/faces/notes.txt", "not-a-picture"),
            ("all.zip/more.zip", "not-a-picture"),
            ("all.zip/secret.png", "encrypted"),
            ("all.zip/lzma.png", "damaged"),
            ("all.zip/wrong.png", "damaged"),
        ]
    );
}

#[test]
fn bombs_in_zips_cost_neither_memory_nor_time() {
    let zeros = [&plain(8, 8)[..33], &vec![0u8; 200 << 20]].concat();
    let bomb = Entry::packed("bomb.png", &zeros);
    let claims = |bytes: u32| Entry { bytes, ..bomb.clone() };
    let deep = Entry::packed("foreign.bin", &vec![0u8; 60 << 20]);
    let cases =
        [(bomb.clone(), "too-large"), (claims(100), "damaged"), (claims(60 << 20), "damaged"), (deep, "not-a-picture")];
    drop(zeros);
    for (entry, code) in cases {
        let file = offer("bomb.zip", zip(&[entry]));
        let (notes, peak, time) = measured(|| notes(vec![file]));
        assert_eq!((notes.len(), notes[0].code.as_str()), (1, code), "{}", notes[0].text);
        assert!(peak < 70 << 20, "{code}: {peak} bytes");
        assert!(time.as_secs() < 20, "{code}: {time:?}");
    }
}

#[test]
fn damaged_zips_give_what_can_be_read() {
    let good = plain(50, 50);
    let whole = zip(&(0..9).map(|i| Entry::packed(&format!("{i}.png"), &good)).collect::<Vec<_>>());
    let mut broken = whole.clone();
    let second = broken.windows(4).rposition(|w| w == b"PK\x01\x02").expect("a directory");
    broken[second] = b'X';
    let (_, told) = taken(vec![offer("a.zip", broken)], Fit::Square(32)).expect("eight are left");
    assert_eq!((told.count, told.left_out_in_all), (8, 1), "{:?}", told.left_out);
    assert_eq!(told.left_out[0].code, "damaged");
    for cut in [4, 30, whole.len() / 2, whole.len() - 1] {
        let notes = notes(vec![offer("cut.zip", whole[..cut].to_vec())]);
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].code, "damaged");
    }
    for at in 0..whole.len().min(4_000) {
        let mut odd = whole.clone();
        odd[at] ^= 0xff;
        let _ = taken(vec![offer("odd.zip", odd)], Fit::Square(8));
    }
}

#[test]
fn a_set_has_a_largest_size_and_notes_have_a_largest_number() {
    let dot = plain(1, 1);
    let many: Vec<Entry> = (0..20_050).map(|i| Entry::stored(&format!("{i}.png"), &dot)).collect();
    let file = zip(&many);
    let ((set, told), peak, _) = measured(|| taken(vec![offer("many.zip", file)], Fit::Square(32)).expect("a set"));
    assert_eq!((told.count, told.left_out.len()), (10_000, 100));
    assert_eq!(told.left_out_in_all, 10_000 + 1);
    assert!(told.left_out.iter().all(|l| l.code == "too-many"));
    assert_eq!(set.len(), 20 + 10_000 * 32 * 32 * 3);
    assert!(peak < 130 << 20, "{peak}");
}

#[test]
fn too_few_pictures_are_refused_and_the_reasons_told() {
    let files = vec![offer("a.png", plain(9, 9)), offer("b.txt", b"no picture, just text".to_vec())];
    let error = taken(files, Fit::Square(32)).expect_err("one picture is no set");
    assert_eq!(error.code, Code::BadFile);
    assert!(error.message.contains("pictures found: 1;") && error.message.contains("b.txt"), "{error}");
    assert_eq!(taken(Vec::new(), Fit::Within(512)).expect_err("nothing").code, Code::BadFile);
}

/// A folder like CelebA's aligned crops: 178 x 218, a head before a ground.
fn faces(folder: &Path, n: u32) {
    std::fs::create_dir_all(folder).expect("a folder");
    for i in 0..n {
        let picture = RgbImage::from_fn(178, 218, |x, y| {
            let inside = (f64::from(x) - 89.0).powi(2) / 50f64.powi(2) + (f64::from(y) - 115.0).powi(2) / 65f64.powi(2);
            let skin = 120 + (i * 29 % 100) as u8;
            if inside < 1.0 {
                Rgb([skin, skin - 30, skin - 60])
            } else {
                Rgb([(i * 67) as u8, (x % 256) as u8, y as u8])
            }
        });
        let file = std::fs::File::create(folder.join(format!("{i:06}.jpg"))).expect("a file");
        JpegEncoder::new_with_quality(file, 90).encode_image(&picture).expect("it encodes");
    }
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

fn kiln(args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_kiln")).args(args).output().expect("it starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("text")
}

#[test]
fn a_folder_of_faces_becomes_a_set_that_a_gan_learns_from() {
    let here = folder("faces");
    faces(&here.join("img_align_celeba"), 24);
    let set = here.join("set.idx").display().to_string();
    let said = kiln(&["pictures", &here.join("img_align_celeba").display().to_string(), "--out", &set]);
    let name = said.lines().find(|l| l.starts_with("sha256:")).expect("its name").to_string();
    let parsed = idx::parse(&std::fs::read(&set).expect("the set")).expect("an IDX file");
    assert_eq!(parsed.dims, [24, 32, 32, 3]);
    // The middle of the third: its skin, 120 + 58.
    let middle = &parsed.bytes[(2 * 1_024 + 16 * 32 + 16) * 3..][..3];
    assert!(near(Rgb([middle[0], middle[1], middle[2]]), [178, 148, 118]), "{middle:?}");

    for model in ["conv", "dense"] {
        let out = here.join(model).display().to_string();
        let link = format!("dcgan?data={name}&model={model}&width=4&batch=8&evaluate=20&d_steps=2");
        kiln(&["train", &link, "--device", "cpu", "--steps", "3", "--out", &out, "--pictures", &set]);
        let file = std::fs::read(format!("{out}/samples.safetensors")).expect("samples");
        let samples = kiln::weights::Checkpoint::from_bytes(&file).expect("it reads");
        assert_eq!(samples.find("samples").expect("samples").shape, [64, 3, 32, 32]);
    }
}

fn context(folders: Vec<PathBuf>) -> Context {
    let device = kiln::device::open_cpu().expect("a CPU").device;
    let library = Rc::new(Folder::new(Path::new(env!("CARGO_MANIFEST_DIR")), folders));
    Context { device, source: Rc::new(Disk), library, clock: Rc::new(|| 0.0) }
}

fn here(batch: Result<Poll<Batch>>) -> Batch {
    batch.expect("no error").ready().expect("at once")
}

/// A kept set of `n` pictures, each of one colour that tells its number.
fn numbered(name: &str, n: usize) -> (PathBuf, String) {
    let bytes = [idx::header(&[n, 32, 32, 3]), (0..n).flat_map(|i| [i as u8; 3_072]).collect()].concat();
    kept(name, &bytes)
}

fn kept(name: &str, bytes: &[u8]) -> (PathBuf, String) {
    use sha2::Digest;
    let path = folder(name).join("set.idx");
    std::fs::write(&path, bytes).expect("it is written");
    (path, format!("sha256:{}", kiln::weights::manifest::hex(&sha2::Sha256::digest(bytes))))
}

/// Numbers of the pictures of a batch.
fn numbers(batch: &Batch) -> Vec<u8> {
    batch.pixels.chunks(3_072).map(|p| ((p[0] + 1.0) * 127.5).round() as u8).collect()
}

#[test]
fn the_same_seed_gives_the_same_order_and_what_is_held_out_is_never_seen() {
    let (path, name) = numbered("order", 30);
    let context = context(vec![path]);
    let open = |seed| pictures::open(&name, &context, seed).expect("it opens");
    let (mut one, mut two, mut other) = (open(7), open(7), open(8));
    let held_out: BTreeSet<u8> = numbers(&here(one.held_out())).into_iter().collect();
    assert_eq!(held_out.len(), 3);
    // A batch that is larger than the set goes round.
    let first = numbers(&here(one.batch(64)));
    assert_eq!(first, numbers(&here(two.batch(64))));
    assert_ne!(first, numbers(&here(other.batch(64))));
    assert_eq!(first[..27].iter().collect::<BTreeSet<_>>().len(), 27, "each once a pass");
    assert!(first.iter().all(|i| !held_out.contains(i)));
    assert_ne!(held_out, numbers(&here(other.held_out())).into_iter().collect());

    let position = one.position();
    let mut resumed = open(7);
    resumed.seek(position);
    assert_eq!(
        serde_json::to_string(&resumed.position()).ok(),
        serde_json::to_string(&position).ok(),
        "before it is here"
    );
    for _ in 0..3 {
        assert_eq!(here(one.batch(20)).pixels, here(resumed.batch(20)).pixels);
    }
}

#[test]
fn sets_that_are_none_are_refused_with_their_reason() {
    let refused = |bytes: &[u8]| {
        let (path, name) = kept("refused", bytes);
        let mut set = pictures::open(&name, &context(vec![path]), 1).expect("nothing is read yet");
        set.batch(4).expect_err("it is refused")
    };
    let few = [idx::header(&[7, 32, 32, 3]), vec![0; 7 * 3_072]].concat();
    let grey = [idx::header(&[9, 32, 32]), vec![0; 9 * 1_024]].concat();
    let other = [idx::header(&[9, 64, 64, 3]), vec![0; 9 * 64 * 64 * 3]].concat();
    let many = [idx::header(&[10_001, 32, 32, 3]), vec![0; 10_001 * 3_072]].concat();
    for (bytes, says) in [(&few, "7 pictures"), (&grey, "32"), (&other, "64"), (&many, "too large")] {
        let error = refused(bytes);
        assert!(error.code == Code::BadFile && error.message.contains(says), "{error}");
    }
    assert_eq!(refused(b"no set").code, Code::BadFile);

    for name in ["", "celeba", "hub:owner/name", "https://example.org/a.idx", "sha256:12", "sha256:../../x"] {
        assert_eq!(pictures::open(name, &context(vec![]), 1).err().expect("unknown").code, Code::UnknownPictures);
    }
    let name = format!("sha256:{}", "0".repeat(64));
    let mut missing = pictures::open(&name, &context(vec![]), 1).expect("it may come");
    assert_eq!(missing.batch(4).expect_err("it is not kept").code, Code::UnknownPictures);
}

#[test]
fn the_emoji_are_what_their_manifest_says() {
    use sha2::Digest;
    let read = |name: &str| std::fs::read(format!("www/data/emoji/{name}")).expect("it is shipped");
    let manifest: serde_json::Value = serde_json::from_slice(&read("manifest.json")).expect("JSON");
    let files = manifest["images"].as_array().expect("a list").iter().chain([&manifest["labels"]]);
    for file in files {
        let bytes = read(file["file"].as_str().expect("a name"));
        assert_eq!(kiln::weights::manifest::hex(&sha2::Sha256::digest(&bytes)), file["sha256"], "{file}");
        assert_eq!(idx::parse(&bytes).expect("an IDX file").dims[0], file["count"].as_u64().expect("a count") as usize);
    }
    let count = manifest["count"].as_u64().expect("a count") as usize;
    let names: Vec<String> = serde_json::from_slice(&read("names.json")).expect("JSON");
    let mut set = pictures::open("emoji", &context(vec![]), 1).expect("it opens");
    assert_eq!(set.classes(), manifest["classes"].as_array().expect("a list").as_slice());
    assert!(count > 1_800 && names.len() == count && set.classes().len() <= 10);
    let held_out = here(set.held_out());
    assert_eq!(held_out.labels.len(), count / 10);
    let pass = here(set.batch(count - count / 10));
    let labels: BTreeSet<u8> = pass.labels.iter().copied().collect();
    assert_eq!(labels.len(), set.classes().len());
    assert!(pass.pixels.iter().all(|v| (-1.0..=1.0).contains(v)));
    // Over white: most corners are.
    let white = pass.pixels.chunks(3_072).filter(|p| p[0] == 1.0 && p[1_024] == 1.0 && p[2_048] == 1.0).count();
    assert!(white > count / 2, "{white}");
}

/// CLDR's phrases for each picture, in the order of the pictures.
#[test]
fn every_emoji_has_captions_in_english_and_chinese() {
    use sha2::Digest;
    let read = |name: &str| std::fs::read(format!("www/data/emoji/{name}")).expect("it is shipped");
    let manifest: serde_json::Value = serde_json::from_slice(&read("manifest.json")).expect("JSON");
    let bytes = read("captions.json");
    assert_eq!(kiln::weights::manifest::hex(&sha2::Sha256::digest(&bytes)), manifest["captions"]["sha256"]);
    assert!(bytes.len() as u64 == manifest["captions"]["bytes"] && bytes.len() < 400_000, "{} bytes", bytes.len());
    let captions: BTreeMap<String, Vec<Vec<String>>> = serde_json::from_slice(&bytes).expect("JSON");
    let names: Vec<String> = serde_json::from_slice(&read("names.json")).expect("JSON");
    assert_eq!(captions.keys().collect::<Vec<_>>(), ["en", "zh"]);
    for (language, all) in &captions {
        assert_eq!(all.len(), names.len(), "{language}");
        for (name, phrases) in names.iter().zip(all) {
            assert!((1..=20).contains(&phrases.len()), "{language}: {name}: {phrases:?}");
            let distinct: BTreeSet<&String> = phrases.iter().collect();
            assert_eq!(distinct.len(), phrases.len(), "{language}: {name}: {phrases:?}");
            assert!(phrases.iter().all(|p| !p.is_empty() && p.trim() == p), "{language}: {name}: {phrases:?}");
        }
        // By its name a picture is told from every other.
        let first: BTreeSet<&String> = all.iter().map(|phrases| &phrases[0]).collect();
        assert_eq!(first.len(), names.len(), "{language}");
    }
    for (name, en, zh) in [
        ("heavy black heart", "red heart", "红心"),
        ("oman flag", "flag: Oman", "旗: 阿曼"),
        ("keycap 3", "keycap: 3", "按键: 3"),
        ("hamburger", "hamburger", "汉堡"),
        ("man surfing", "man surfing", "男生冲浪"),
    ] {
        let at = names.iter().position(|n| n == name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!([&captions["en"][at][0], &captions["zh"][at][0]], [en, zh], "{name}");
    }
    // The pictures, too, are in that order: the labels of national flags are at their names.
    let labels = idx::parse(&read("labels.idx.gz")).expect("an IDX file").bytes;
    let flags: Vec<u8> =
        labels.iter().zip(&captions["en"]).filter(|(_, p)| p[0].starts_with("flag: ")).map(|(l, _)| *l).collect();
    assert!(flags.len() > 250 && flags.iter().all(|label| *label == 8), "{flags:?}");
}

#[test]
fn a_conditional_gan_draws_groups_of_emoji_in_colour() {
    let link = "dcgan?data=emoji&conditional=true&digit=8&width=4&batch=8&evaluate=20";
    let mut driver = Driver::new(true);
    driver.load(link, None);
    let whole = driver.step(25).bytes();
    let panels = driver.last_panels();
    let ids: Vec<&str> = panels.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["samples", "real", "losses", "outputs", "gradients"], "nothing that only digits have");
    for view in panels.iter().flat_map(|p| &p.views).filter(|v| is_images(v)) {
        let View::Images { count, width, height, channels, pixels, .. } = view else { continue };
        assert_eq!((*width, *height, *channels), (32, 32, 3));
        assert_eq!(pixels.len(), *count as usize * 3_072);
    }
    // A checkpoint goes on where it was, before the data are here again.
    let mut first = Driver::open(link);
    let saved = first.step(11).bytes();
    let mut second = Driver::new(false);
    second.load("", Some(saved));
    assert!(second.step(14).bytes() == whole);

    let (_, name) = numbered("classless", 9);
    let mut driver = Driver::new(false);
    driver.load(&format!("dcgan?data={name}&width=4&batch=8"), None);
    let noted =
        driver.desk.events.borrow().iter().any(|e| matches!(e, Event::Note { code, .. } if code == "no-classes"));
    assert!(noted && driver.link().contains("conditional=false"), "{}", driver.link());
    driver.step_to_the_end(2);
    assert_eq!(driver.errors(), [Code::UnknownPictures], "these are kept elsewhere");
}

#[test]
fn animations_are_pictures_too() {
    let mut bytes = Vec::new();
    let frame = |c: u8| Frame::new(RgbaImage::from_pixel(20, 20, image::Rgba([c, c, c, 255])));
    GifEncoder::new(&mut bytes).encode_frames([frame(0), frame(255)]).expect("it encodes");
    assert!(near(*alone(bytes, 16).get_pixel(8, 8), [0, 0, 0]));
}

/// Counts the files that come so far as to be decoded, and ends it after some turns.
struct Counter {
    decoded: Cell<u32>,
    turns: Cell<u32>,
}

#[async_trait::async_trait(?Send)]
impl Decode for Counter {
    async fn decode(&self, _: Vec<u8>, _: Fit) -> std::result::Result<(Vec<u8>, u32, u32), String> {
        self.decoded.set(self.decoded.get() + 1);
        Ok((vec![0; 3_072], 32, 32))
    }

    async fn turn(&self, done: f64, total: f64) -> bool {
        assert!(done <= total);
        self.turns.set(self.turns.get() - 1);
        self.turns.get() > 0
    }
}

#[test]
fn it_ends_between_two_files_and_a_decoder_sees_no_picture_that_is_too_large() {
    let counter = |turns| Counter { decoded: Cell::new(0), turns: Cell::new(turns) };
    let zipped: Vec<Entry> = (0..20).map(|i| Entry::packed(&format!("{i}.png"), &plain(9, 9))).collect();
    for files in [vec![offer("a.zip", zip(&zipped))], (0..20).map(|i| offer(&format!("{i}"), plain(9, 9))).collect()] {
        let five = counter(5);
        assert!(pollster::block_on(import(files, Fit::Square(32), &five)).expect("no error").is_none());
        assert!((3..=4).contains(&five.decoded.get()), "{}", five.decoded.get());
    }
    let sizes = [(60_000, 60_000), (16_385, 1), (1, 16_385), (8_193, 8_193), (0, 1), (8_192, 8_192)];
    let files = sizes.map(|(width, height)| offer("a.png", header(width, height)));
    let all = counter(100);
    let _ = pollster::block_on(import(files.into(), Fit::Square(32), &all));
    assert_eq!(all.decoded.get(), 1, "the last is just small enough");
}
