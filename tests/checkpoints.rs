//! What a run saves and what it loads: all of a file or nothing of it, and never weights that are not finite.

mod common;

use common::{Disk, Driver};
use kiln::data::Source;
use kiln::data::points::Distribution;
use kiln::demos::{Context, Demo, Stepped};
use kiln::device::{open_cpu, read};
use kiln::error::{Code, Result};
use kiln::nn::{AdamOptions, Linear};
use kiln::poll::{Poll, Progress};
use kiln::rng::{Purpose, Stream};
use kiln::session::link::{canonical, parse};
use kiln::session::protocol::{Command, DeviceKind, Event, Status};
use kiln::session::{Host, Next, Session};
use kiln::train::Trainer;
use kiln::weights::{Checkpoint, Library};
use pollster::block_on;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::rc::Rc;

/// One of each demo that is trained, small; after so many steps it has everything that it saves.
const TRAINED: [(&str, u32); 4] = [
    ("gan2d?seed=3&width=4&depth=1&batch=8", 50),
    ("dcgan?seed=3&width=4&batch=8&evaluate=20", 36),
    ("vae?seed=3&start=scratch&width=4&batch=8&evaluate=20", 20),
    ("classifier?seed=3&batch=8&evaluate=50", 50),
];

/// A demo by itself, with values that no link could hold.
fn build(link: &str, change: &[(&str, Value)]) -> Box<dyn Demo> {
    let mut link = parse(link).expect("a link");
    for (key, value) in change {
        link.values.insert((*key).into(), value.clone());
    }
    let device = open_cpu().expect("a CPU").device;
    let library = Driver::new(false).desk.library();
    let context = Context { device, source: Rc::new(Disk), library, clock: Rc::new(|| 0.0) };
    (link.entry.build)(&link.values, context).expect("it is built")
}

fn step(demo: &mut dyn Demo, n: u32) {
    for _ in 0..n {
        assert!(matches!(block_on(demo.step()), Ok(Poll::Ready(Stepped::Done))));
    }
}

fn saved(demo: &mut dyn Demo) -> Checkpoint {
    block_on(demo.save()).expect("it is finite")
}

/// Every way in which one thing of a file is wrong.
fn damaged(file: &Checkpoint) -> Vec<(String, Checkpoint)> {
    let mut all = Vec::new();
    for (at, entry) in file.tensors.iter().enumerate() {
        let mut other = file.clone();
        other.tensors[at].shape.push(7);
        all.push((format!("{} in another shape", entry.name), other));
        // Curves have gaps, which are NaN.
        if !entry.name.starts_with("history.") && !entry.values.is_empty() {
            let mut other = file.clone();
            other.tensors[at].values[0] = f32::NAN;
            all.push((format!("{} with a NaN", entry.name), other));
        }
    }
    // What draws no noise may lack its position.
    let needed = |key: &&String| {
        !key.ends_with(".series") && *key != "started" && *key != "link" && *key != "altered" && *key != "values"
    };
    for key in file
        .texts
        .keys()
        .filter(needed)
        .filter(|key| *key != "rng.noise" || file.find("classifier.c1.weight").is_none())
    {
        let mut other = file.clone();
        other.texts.remove(key);
        all.push((format!("no {key}"), other));
    }
    // What a curve is of, its own demo knows.
    for key in file.texts.keys().filter(|key| !key.ends_with(".series") && *key != "started") {
        for text in ["4294967295", "a word"] {
            let mut other = file.clone();
            other.set_text(key, text);
            // A stream may stand anywhere.
            if !(key.starts_with("rng.") && text.starts_with('4')) {
                all.push((format!("{key} is {text}"), other));
            }
        }
    }
    all
}

/// Nothing of a refused file is taken over, wherever it is wrong.
fn refuses_all_of_it(what: &str, demo: &mut dyn Demo, file: &Checkpoint) {
    let before = saved(demo);
    let wrong = damaged(file);
    assert!(!wrong.is_empty(), "{what}");
    for (how, file) in wrong {
        let error = demo.load(&file).err().unwrap_or_else(|| panic!("{what}: {how} was accepted"));
        assert!(matches!(error.code, Code::BadFile | Code::ShapeMismatch), "{what}: {how}: {error:?}");
        assert!(saved(demo).to_bytes() == before.to_bytes(), "{what}: {how} left something behind");
    }
    demo.load(file).expect("the file itself is right");
    assert!(saved(demo).to_bytes() == file.to_bytes(), "{what}");
}

#[test]
fn a_file_with_one_thing_wrong_leaves_every_trained_demo_as_it_was() {
    for (link, steps) in TRAINED {
        let mut first = build(link, &[]);
        step(&mut *first, steps);
        let mut second = build(link, &[("seed", json!(4))]);
        step(&mut *second, 3);
        refuses_all_of_it(link, &mut *second, &saved(&mut *first));
    }
}

#[test]
fn a_latent_that_is_none_leaves_the_autoencoder_as_it_was() {
    let mut file = Checkpoint::default();
    file.push("latent", &[1, 4, 2, 2], vec![0.5; 16]);
    file.set_text("step", 3);
    refuses_all_of_it("autoencoder", &mut *build("autoencoder", &[]), &file);
}

#[test]
fn a_resumed_run_saves_the_file_that_it_was_resumed_from() {
    for (link, steps) in TRAINED {
        let mut driver = Driver::open(link);
        driver.step(steps);
        if link.starts_with("vae") {
            let mut mask = vec![0; 28 * 28];
            mask[5] = 1;
            driver
                .send(Command::Act { name: "draw".into(), args: json!({ "pixels": vec![9; 28 * 28], "mask": mask }) });
        }
        let bytes = driver.bytes();
        if link.starts_with("classifier") {
            assert!(driver.checkpoint().find("held_out.mean").is_some(), "the test after 50 steps was not made");
        }
        let mut resumed = Driver::new(false);
        resumed.load("", Some(bytes.clone()));
        assert_eq!(resumed.errors(), vec![], "{link}: {:?}", resumed.messages());
        assert!(resumed.bytes() == bytes, "{link}");
    }
}

/// The loss that tells it is reported once; what is asked for afterwards must not be saved either.
#[test]
fn weights_that_are_no_longer_finite_are_never_saved() {
    for (link, _) in TRAINED {
        let rates = ["lr", "lr_g", "lr_d"].map(|key| (key, json!(1e30)));
        let mut demo = build(link, &rates);
        let taken: Vec<Result<Poll<Stepped>>> = (0..5).map(|_| block_on(demo.step())).collect();
        let _ = block_on(demo.save());
        let again = block_on(demo.save()).map(|_| ());
        assert_eq!(again.map_err(|e| e.code), Err(Code::Diverged), "{link} after {} steps", taken.len());
    }
}

fn act(driver: &mut Driver, name: &str, args: Value) {
    driver.send(Command::Act { name: name.into(), args });
}

/// A model whose chat template refuses system messages, by its hash.
fn refusing() -> String {
    const TEMPLATE: &str = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}\
        {{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}";
    let mut bytes = std::fs::read(common::fixture("text/tiny-llama-q8_0.gguf")).expect("the fixture");
    let place = bytes.windows(9).position(|w| w == b"{% for me").expect("its template");
    // The file's own template has 200 bytes.
    bytes[place..place + 200].copy_from_slice(format!("{TEMPLATE:<200}").as_bytes());
    std::fs::create_dir_all(common::kept()).expect("it can be made");
    std::fs::write(common::kept().join("refusing.gguf"), &bytes).expect("it can be written");
    kiln::weights::manifest::hex(&Sha256::digest(&bytes))
}

#[test]
fn a_refused_change_leaves_values_link_and_run_as_they_were() {
    let link = format!("text?model=sha256:{}&prompt=Once&max_tokens=3", refusing());
    let mut driver = Driver::open(&link);
    driver.step_to_the_end(100);
    assert_eq!(driver.errors(), vec![], "{:?}", driver.messages());
    let (before, link) = (driver.bytes(), driver.link());
    driver.send(Command::Set { key: "system".into(), value: json!("Be kind.") });
    assert_eq!(driver.errors().len(), 1, "{:?}", driver.messages());
    assert_eq!((driver.steps(), driver.link()), (3, link.clone()));
    assert!(driver.bytes() == before, "the checkpoint holds the link and the text");
    // The next change is made to the values that stand, not to those that were refused.
    driver.desk.events.borrow_mut().clear();
    driver.send(Command::Set { key: "top_k".into(), value: json!(7) });
    assert_eq!(driver.errors(), vec![], "{:?}", driver.messages());
    assert_eq!(driver.link(), link.replace("&max_tokens", "&top_k=7&max_tokens"));
}

#[test]
fn clearing_drawn_points_goes_back_to_the_data_before_them() {
    let data = |driver: &Driver| {
        let link = parse(&driver.link()).expect("a link");
        let shape = link.values["data"].clone();
        (serde_json::from_value::<Distribution>(shape).expect("a shape"), link.values["points"] == json!(""))
    };
    let some = || json!({ "points": [1.0, -1.0, 0.5, 2.0] });
    for (name, shape) in
        [("ring", Distribution::Ring), ("moons", Distribution::Moons), ("spiral", Distribution::Spiral)]
    {
        let mut driver = Driver::open(&format!("gan2d?width=4&depth=1&data={name}"));
        act(&mut driver, "clear", json!(null));
        assert_eq!(data(&driver), (shape, true), "there is nothing to clear");
        act(&mut driver, "draw", some());
        act(&mut driver, "draw", some());
        assert_eq!(data(&driver), (Distribution::Drawn, false));
        // By way of the link, as somebody else opens it.
        let mut other = Driver::open(&driver.link());
        act(&mut other, "clear", json!(null));
        assert_eq!(data(&other), (shape, true));
        let before = parse(&format!("gan2d?width=4&depth=1&data={name}")).expect("a link");
        assert_eq!(other.link(), canonical(before.entry, &before.values));
        assert_eq!(driver.errors(), vec![]);
    }
    // A link of before: what was chosen is not known, and the ring stands in.
    let mut old = Driver::open("gan2d?width=4&depth=1&data=drawn&points=AAAA");
    act(&mut old, "clear", json!(null));
    assert_eq!(data(&old), (Distribution::Ring, true));
}

#[test]
fn points_of_ones_own_that_nobody_has_drawn_are_not_learnt_and_the_link_says_what_is() {
    for demo in ["gan2d", "diffusion2d", "realnvp"] {
        let link = parse(&format!("{demo}?data=drawn&before=moons")).expect("a link");
        assert_eq!(canonical(link.entry, &link.values), format!("{demo}?data=moons&before=moons"));
        assert!(format!("{:?}", link.notes).contains("no-points"), "{:?}", link.notes);
        let drawn = parse(&format!("{demo}?data=drawn&points=AAAA")).expect("a link");
        assert_eq!((drawn.values["data"].clone(), drawn.notes.len()), (json!("drawn"), 0));
    }
}

/// A host whose files come late.
struct Late {
    desk: Rc<common::Desk>,
    polls: Rc<Cell<u32>>,
}

impl Host for Late {
    fn emit(&self, event: Event) {
        self.desk.emit(event);
    }

    fn now(&self) -> f64 {
        0.0
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::new(Slow(self.polls.clone()))
    }

    fn library(&self) -> Rc<dyn Library> {
        self.desk.library()
    }

    fn memory(&self) -> f64 {
        0.0
    }

    fn view_interval(&self) -> f64 {
        f64::INFINITY
    }
}

/// Every file is on its way until it was asked for a few times.
struct Slow(Rc<Cell<u32>>);

impl Source for Slow {
    fn poll(&self, path: &str) -> Result<Poll<Vec<u8>>> {
        self.0.set(self.0.get() + 1);
        if self.0.get() < 4 { Ok(Progress::download(path, 1.0, 2.0).into()) } else { Disk.poll(path) }
    }
}

#[test]
fn getting_ready_ends_in_a_pause_and_takes_no_step() {
    let late = Rc::new(Late { desk: Driver::new(false).desk, polls: Rc::default() });
    let mut session = Session::new(late.clone(), DeviceKind::Cpu);
    let send = |session: &mut Session, command| block_on(session.handle(command));
    send(&mut session, Command::Start { software: false, proven: vec![] });
    send(&mut session, Command::Open { link: "vae".into(), checkpoint: None });
    let status = || {
        let events = late.desk.events.borrow();
        let last = events.iter().rev().find_map(|e| match e {
            Event::Status { status, step, .. } => Some((*status, *step)),
            _ => None,
        });
        last.expect("a status was sent")
    };
    assert_eq!(status(), (Status::Loading, 0));
    for n in [0, 1, 2] {
        let mut ticks = 0;
        while block_on(session.tick()) != Next::Sleep {
            ticks += 1;
            assert!(ticks < 100, "it does not come to an end");
        }
        assert_eq!(status(), (Status::Paused, n));
        send(&mut session, Command::Step { n: 1 });
    }
}

/// As Kiln wrote them while each demo had its own names.
fn in_old_words(file: &Checkpoint, measures: &str) -> Checkpoint {
    let mut old = file.clone();
    for tensor in &mut old.tensors {
        tensor.name = tensor.name.replace("history.measures", &format!("history.{measures}"));
    }
    let renamed = |(key, text): (&String, &String)| {
        (key.replace("history.measures", &format!("history.{measures}")), text.clone())
    };
    old.texts = file.texts.iter().map(renamed).collect();
    let link = &file.texts["link"];
    if link.starts_with("gan2d") {
        let place: Value = serde_json::from_str(&old.texts.remove("data.place").expect("a position")).expect("JSON");
        old.set_text("rng.data", &place["refilled_at"]);
    }
    if link.starts_with("classifier") {
        old.texts.remove("rng.noise");
    }
    old
}

#[test]
fn a_checkpoint_from_before_the_demos_had_one_way_to_train_goes_on_as_it_would_have_then() {
    for ((link, steps), measures) in TRAINED.into_iter().zip(["quality", "quality", "tests", "tests"]) {
        let mut driver = Driver::new(false);
        driver.load(link, None);
        driver.step(steps);
        let old = in_old_words(&driver.checkpoint(), measures);
        driver.step(3);
        let mut resumed = Driver::new(false);
        resumed.load("", Some(old.to_bytes().expect("bytes")));
        resumed.step(3);
        // Curves have gaps, which are NaN: bytes are compared.
        assert!(resumed.bytes() == driver.bytes(), "{link}");
    }
}

#[test]
fn a_run_of_the_digits_from_before_its_defaults_were_chosen_anew_opens_with_those_of_its_time() {
    let mut driver = Driver::new(false);
    driver.load("dcgan?seed=3&conditional=false&width=4&batch=32&noise=0.1", None);
    driver.step(3);
    let mut old = driver.checkpoint();
    // Then they were the defaults, which a link leaves out, and values were not saved.
    old.texts.remove("values");
    old.set_text("link", "dcgan?seed=3&width=4");
    let mut resumed = Driver::new(false);
    resumed.load("", Some(old.to_bytes().expect("bytes")));
    assert_eq!(resumed.link(), driver.link());
    resumed.step(2);
    driver.step(2);
    assert!(resumed.bytes() == driver.bytes());
}

#[test]
fn an_average_of_the_weights_is_drawn_from_and_comes_back_with_its_checkpoint() {
    let device = open_cpu().expect("a CPU").device;
    let fresh = |seed| {
        let line = Linear::new(1, 1, 1.0, false, &mut Stream::new(seed, Purpose::Weights), &device);
        Trainer::new("line", line, device.clone()).with_ema(0.9)
    };
    let number = |line: Linear| block_on(read(vec![line.weight.val().inner().reshape([1])])).expect("it is read")[0][0];
    let mut trainer = fresh(1);
    for _ in 0..5 {
        let loss = trainer.model.weight.val().square().sum();
        trainer.update(&loss, AdamOptions { lr: 0.1, beta1: 0.9, beta2: 0.999 }, false);
    }
    let averaged = number(trainer.sampler());
    assert_ne!(averaged, number(trainer.model.clone()));
    let mut file = Checkpoint::default();
    block_on(trainer.save(&mut file)).expect("it is read");
    let mut other = fresh(2).loaded(&file).expect("it fits");
    assert_eq!(number(other.sampler()), averaged);
    // Weights alone: the average begins at them.
    other.load_weights(&file).expect("they fit");
    assert_eq!(number(other.sampler()), number(trainer.model.clone()));
}

/// 24 bits of a number's 32 are its digits, of 16 bits 11: the nearest is within one part in 2,048.
#[test]
fn a_file_of_16_bits_is_half_as_large_and_opens_with_every_number_rounded() {
    let mut file = build("diffusion?start=scratch&width=64&batch=8", &[]);
    step(&mut *file, 1);
    let mut file = saved(&mut *file);
    file.keep_weights_alone();
    let (whole, half) = (file.to_bytes().expect("bytes"), file.to_half_bytes().expect("bytes"));
    let names = whole.len() - 4 * file.tensors.iter().map(|t| t.values.len()).sum::<usize>();
    assert!(half.len() * 2 <= whole.len() + names + 64, "{} of {} bytes", half.len(), whole.len());
    let read = Checkpoint::from_bytes(&half).expect("it opens");
    assert_eq!(read.texts, file.texts);
    for tensor in &file.tensors {
        let rounded = read.tensor(&tensor.name, &tensor.shape).expect("it is there");
        for (a, b) in tensor.values.iter().zip(rounded) {
            assert!((a - b).abs() <= a.abs() / 2048.0 + 2f32.powi(-25), "{}: {a} became {b}", tensor.name);
        }
    }
    assert_eq!(read.to_half_bytes().expect("bytes"), half, "what is rounded stays");
}

#[test]
fn numbers_of_other_kinds_are_refused_and_named() {
    use safetensors::tensor::{Dtype, TensorView};
    for dtype in [Dtype::BF16, Dtype::F64, Dtype::I32, Dtype::U8, Dtype::BOOL, Dtype::I64] {
        let bytes = vec![0; 2 * dtype.bitsize() / 8];
        let view = TensorView::new(dtype, vec![2], &bytes).expect("a tensor");
        let file = safetensors::serialize([("weight", view)], None).expect("a file");
        let error = Checkpoint::from_bytes(&file).expect_err("it is no file of ours");
        assert_eq!(error.code, Code::BadFile);
        let named = error.message.contains(&format!("{dtype:?}")) && error.message.contains("F32 or F16");
        assert!(named, "{}", error.message);
    }
}

/// What a number of 16 bits cannot hold is not finite in the file, and such weights are not loaded.
#[test]
fn weights_too_large_for_16_bits_are_refused_when_they_are_loaded() {
    let mut file = Checkpoint::default();
    file.push("layer.weight", &[2], vec![1.0, 70_000.0]);
    let half = Checkpoint::from_bytes(&file.to_half_bytes().expect("bytes")).expect("it opens");
    let error = half.finite("layer.weight", &[2]).expect_err("infinity");
    assert_eq!(error.code, Code::BadFile);
}
