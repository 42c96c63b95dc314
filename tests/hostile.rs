//! Files from outside: whatever they hold, there is a clear error, and what runs is not lost.

mod common;

use common::Driver;
use kiln::data::idx;
use kiln::error::Code;
use kiln::session::protocol::Command;
use kiln::weights::Checkpoint;

fn model(link: &str) -> Vec<u8> {
    Driver::open(link).step(2).bytes()
}

#[test]
fn a_checkpoint_cut_anywhere_is_refused_and_the_run_goes_on() {
    let file = model("gan2d?seed=2&width=4&depth=1");
    let mut driver = Driver::open("gan2d?seed=5");
    driver.step(3);
    let before = driver.bytes();
    for end in (0..file.len()).step_by(97).chain([file.len() - 1]) {
        driver.load("", Some(file[..end].to_vec()));
        assert_eq!(driver.errors().pop(), Some(Code::BadFile), "cut at {end}");
    }
    assert_eq!(driver.steps(), 3);
    assert!(driver.bytes() == before);
}

#[test]
fn a_byte_changed_anywhere_in_the_header_is_refused_with_its_reason_and_the_run_goes_on() {
    let file = model("gan2d?seed=2&width=4&depth=1");
    let header = 8 + u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let mut driver = Driver::open("gan2d?seed=5&width=4&depth=1");
    driver.step(3);
    let before = driver.bytes();
    let (mut refused, mut accepted) = (0, 0);
    for at in 0..header.min(2_000) {
        let mut bad = file.clone();
        bad[at] ^= 0x15;
        driver.load("", Some(bad));
        match driver.errors().first() {
            Some(code) => {
                let right = [Code::BadFile, Code::ShapeMismatch, Code::BadLink, Code::UnknownDemo].contains(code);
                assert!(right && driver.errors().len() == 1, "byte {at}: {:?}", driver.messages());
                refused += 1;
            }
            // Another name in a note, or another number: a file like any other.
            None => {
                driver.step(1);
                accepted += 1;
                driver.load("", Some(before.clone()));
            }
        }
        assert!(driver.bytes() == before, "byte {at}: the run before is not what it was");
        driver.desk.events.borrow_mut().clear();
    }
    assert!(refused > 500 && accepted > 5, "{refused} refused, {accepted} accepted");
    driver.step(1);
    assert_eq!(driver.steps(), 4);
}

#[test]
fn foreign_files_are_named_as_such() {
    let mut driver = Driver::open("gan2d?seed=5");
    let before = driver.step(2).bytes();
    let png = b"\x89PNG\r\n\x1a\n and then some more bytes that are no tensors".to_vec();
    let mut other = Checkpoint::default();
    other.push("lm_head.weight", &[2, 2], vec![0.0; 4]);
    let huge = [u64::MAX.to_le_bytes().to_vec(), vec![b'{'; 64]].concat();
    for file in [png, Vec::new(), other.to_bytes().expect("a file"), huge] {
        driver.load("", Some(file));
        assert_eq!(driver.errors().pop(), Some(Code::BadFile));
        assert!(driver.bytes() == before, "a foreign file left something behind");
    }
    assert_eq!(driver.link(), "gan2d?seed=5");
    driver.desk.events.borrow_mut().clear();
    driver.step(2);
    assert_eq!(driver.steps(), 4);
}

#[test]
fn a_shape_that_does_not_fit_is_named_with_both_shapes() {
    let file = model("gan2d?seed=2&width=8");
    let mut driver = Driver::open("gan2d?seed=5");
    driver.step(2);
    let before = driver.bytes();
    driver.load("gan2d?width=16", Some(file));
    assert_eq!(driver.errors(), vec![Code::ShapeMismatch]);
    let message = driver.messages().pop().expect("a message");
    assert!(message.contains("[8, 2]") && message.contains("[16, 2]"), "{message}");
    assert_eq!(driver.steps(), 2);
    assert!(driver.bytes() == before, "the refused file left something behind");
}

#[test]
fn a_run_that_diverges_stops_with_its_step_and_refuses_to_save() {
    let mut driver = Driver::open("gan2d?loss=wasserstein&lr_g=0.1&lr_d=0.1&beta1=0.99&beta2=0");
    driver.step_to_the_end(20_000);
    let Some(code) = driver.errors().pop() else {
        panic!("with such rates it must diverge, but it took {} steps", driver.steps())
    };
    assert_eq!(code, Code::Diverged);
    let message = driver.messages().pop().expect("a message");
    assert!(message.starts_with("At step "), "{message}");
    assert!(
        pollster::block_on(driver.session.checkpoint()).is_err(),
        "a broken run must not overwrite a good checkpoint"
    );
    driver.load("gan2d", None);
    driver.step_to_the_end(2);
    assert_eq!(driver.steps(), 2);
}

#[test]
fn damaged_data_files_are_refused() {
    let plain = [&[0, 0, 8, 1, 0, 0, 0, 3][..], &[1, 2, 3]].concat();
    assert_eq!(idx::parse(&plain).expect("an IDX file").bytes, vec![1, 2, 3]);
    let gzip = std::fs::read("www/data/mnist/test-labels.idx.gz").expect("it is shipped");
    assert_eq!(idx::parse(&gzip).expect("an IDX file").dims, vec![10_000]);
    let absurd = [&[0u8, 0, 8, 4][..], &[255; 16]].concat();
    for bad in [&plain[..10], &[], &[0, 0, 8], &[0, 0, 9, 1, 0, 0, 0, 0], &gzip[..500], &absurd] {
        assert_eq!(idx::parse(bad).expect_err("damaged").code, Code::BadFile);
    }
}

#[test]
fn commands_before_anything_is_open_are_answered() {
    let mut driver = Driver::new(true);
    for command in [Command::Run, Command::Pause, Command::Step { n: 3 }, Command::Ping, Command::Close] {
        driver.send(command);
    }
    assert_eq!(driver.errors(), vec![]);
    driver.send(Command::Checkpoint);
    driver.send(Command::Set { key: "lr".into(), value: 1.into() });
    driver.send(Command::Act { name: "draw".into(), args: serde_json::Value::Null });
    assert_eq!(driver.errors(), vec![Code::BadCommand; 3]);
}
