//! The CPU's modules: each opens its own demos, and says where the others live.

mod common;

use common::Driver;
use kiln::demos::registry::{DEMOS, PRETRAINED, TRAINING};
use kiln::demos::{Entry, WasmModule};
use kiln::session::Session;
use kiln::session::protocol::{Command, DeviceKind, Event};

fn module(demos: &'static [Entry]) -> Driver {
    let desk = Driver::new(false).desk;
    let mut driver = Driver { session: Session::with_demos(desk.clone(), DeviceKind::Cpu, demos), desk };
    driver.send(Command::Start { software: false, proven: vec![] });
    driver.desk.events.borrow_mut().clear();
    driver
}

fn names(demos: &[Entry]) -> Vec<&str> {
    demos.iter().map(|demo| demo.name).collect()
}

fn elsewhere(driver: &Driver) -> Vec<WasmModule> {
    let events = driver.desk.events.borrow();
    events.iter().filter_map(|e| if let Event::Elsewhere { module } = e { Some(*module) } else { None }).collect()
}

/// What is open: the demo of the last schema.
fn open(driver: &Driver) -> Option<String> {
    let events = driver.desk.events.borrow();
    events.iter().rev().find_map(|e| if let Event::Schema { demo, .. } = e { Some(demo.clone()) } else { None })
}

#[test]
fn every_demo_lives_in_one_of_the_modules_and_what_trains_in_the_first() {
    let mut both = [names(&TRAINING), names(&PRETRAINED)].concat();
    let mut all = names(DEMOS);
    both.sort_unstable();
    all.sort_unstable();
    assert_eq!(both, all);
    assert!(TRAINING.iter().all(|demo| demo.steps.is_some()), "{:?}", names(&TRAINING));
    assert!(PRETRAINED.iter().all(|demo| demo.steps.is_none()), "{:?}", names(&PRETRAINED));
    // The first demo, which an empty link opens, is in the module that most visits load.
    assert_eq!(DEMOS[0].module, WasmModule::Training);
}

#[test]
fn a_module_names_the_module_of_a_demo_that_it_does_not_hold_and_goes_on_with_its_own() {
    let mut training = module(&TRAINING);
    training.load("gan2d?width=16&batch=16", None);
    training.step(2);
    training.load("text?prompt=Hello", None);
    training.load("#autoencoder", None);
    assert_eq!(elsewhere(&training), [WasmModule::Pretrained; 2]);
    assert_eq!(open(&training).as_deref(), Some("gan2d"));
    training.step(1);
    let (link, step, _) = pollster::block_on(training.session.checkpoint()).expect("a checkpoint");
    assert_eq!((link.as_str(), step), ("gan2d?width=16&batch=16", 3));

    let mut pretrained = module(&PRETRAINED);
    pretrained.load("", None);
    pretrained.load("dcgan?seed=7", None);
    assert_eq!(elsewhere(&pretrained), [WasmModule::Training; 2]);
    pretrained.load("text", None);
    assert_eq!(open(&pretrained).as_deref(), Some("text"));
}

#[test]
fn a_checkpoint_whose_link_lives_elsewhere_is_sent_there_unread() {
    let mut training = Driver::open("gan2d?width=16&batch=16");
    training.step(1);
    let (_, _, bytes) = pollster::block_on(training.session.checkpoint()).expect("a checkpoint");
    let mut pretrained = module(&PRETRAINED);
    pretrained.load("", Some(bytes));
    assert_eq!(elsewhere(&pretrained), [WasmModule::Training]);
    assert_eq!(open(&pretrained), None);
}

#[test]
fn a_link_that_names_no_demo_is_refused_with_the_names_of_all() {
    for demos in [&TRAINING[..], &PRETRAINED[..]] {
        let mut driver = module(demos);
        driver.load("nothing", None);
        let events = driver.desk.events.borrow();
        let help =
            events.iter().find_map(|e| if let Event::Error { help, .. } = e { Some(help.clone()) } else { None });
        let help = help.expect("an error");
        assert!(DEMOS.iter().all(|demo| help.contains(demo.name)), "{help}");
    }
}
