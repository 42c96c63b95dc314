//! A session as a test drives it: files from the repository, events kept, time that stands still.

#![allow(dead_code)] // each test file uses a part of it

use kiln::data::Source;
use kiln::demos::{Panel, View};
use kiln::error::{Code, Error, Result};
use kiln::poll::Poll;
use kiln::session::protocol::{Command, DeviceKind, Event};
use kiln::session::{Host, Next, Session};
use kiln::weights::{Checkpoint, Folder, Library};
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

pub struct Desk {
    pub events: RefCell<Vec<Event>>,
    views: bool,
}

impl Host for Desk {
    fn emit(&self, event: Event) {
        self.events.borrow_mut().push(event);
    }

    fn now(&self) -> f64 {
        0.0
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::new(Disk)
    }

    fn library(&self) -> Rc<dyn Library> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        Rc::new(Folder::new(&root, vec![kept(), root.join("tests/fixtures/text"), models()]))
    }

    fn memory(&self) -> f64 {
        0.0
    }

    fn view_interval(&self) -> f64 {
        if self.views { 0.0 } else { f64::INFINITY }
    }
}

/// Where a test puts files that a link names by their hash.
pub fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kept")
}

/// Where the real models lie that are not committed; a test that needs one is ignored, unless `--ignored` asks for it.
pub fn models() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/models");
    std::env::var_os("KILN_MODELS").map_or_else(beside, PathBuf::from)
}

pub struct Disk;

impl Source for Disk {
    fn poll(&self, path: &str) -> Result<Poll<Vec<u8>>> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
        let read = std::fs::read(&path).map_err(|e| Error::new(Code::Fetch, format!("{}: {e}", path.display()), ""));
        read.map(Poll::Ready)
    }
}

pub struct Driver {
    pub desk: Rc<Desk>,
    pub session: Session,
}

impl Driver {
    /// A started session on the CPU.
    pub fn new(views: bool) -> Self {
        let desk = Rc::new(Desk { events: RefCell::default(), views });
        let mut driver = Self { session: Session::new(desk.clone(), DeviceKind::Cpu), desk };
        driver.send(Command::Start { software: false, proven: vec![] });
        driver
    }

    pub fn send(&mut self, command: Command) {
        pollster::block_on(self.session.handle(command));
    }

    pub fn open(link: &str) -> Self {
        let mut driver = Self::new(false);
        driver.load(link, None);
        driver
    }

    pub fn load(&mut self, link: &str, checkpoint: Option<Vec<u8>>) {
        self.send(Command::Open { link: link.into(), checkpoint });
    }

    /// Takes `n` steps and panics on an error event.
    pub fn step(&mut self, n: u32) -> &mut Self {
        self.send(Command::Step { n });
        while pollster::block_on(self.session.tick()) != Next::Sleep {}
        assert_eq!(self.errors(), Vec::<Code>::new(), "{:?}", self.messages());
        self
    }

    /// Steps until it stops by itself, errors and all.
    pub fn step_to_the_end(&mut self, n: u32) {
        self.send(Command::Step { n });
        while pollster::block_on(self.session.tick()) != Next::Sleep {}
    }

    pub fn errors(&self) -> Vec<Code> {
        let events = self.desk.events.borrow();
        events.iter().filter_map(|e| if let Event::Error { code, .. } = e { Some(*code) } else { None }).collect()
    }

    pub fn messages(&self) -> Vec<String> {
        let events = self.desk.events.borrow();
        let text = |e: &Event| match e {
            Event::Error { message, .. } => Some(message.clone()),
            Event::Note { text, .. } => Some(text.clone()),
            _ => None,
        };
        events.iter().filter_map(text).collect()
    }

    pub fn link(&self) -> String {
        let events = self.desk.events.borrow();
        let link =
            events.iter().rev().find_map(|e| if let Event::Link { link, .. } = e { Some(link.clone()) } else { None });
        link.expect("a link was sent")
    }

    pub fn steps(&self) -> u32 {
        let events = self.desk.events.borrow();
        let step =
            events.iter().rev().find_map(|e| if let Event::Status { step, .. } = e { Some(*step) } else { None });
        step.expect("a status was sent")
    }

    pub fn bytes(&mut self) -> Vec<u8> {
        pollster::block_on(self.session.checkpoint()).expect("a checkpoint").2
    }

    pub fn checkpoint(&mut self) -> Checkpoint {
        Checkpoint::from_bytes(&self.bytes()).expect("it reads what it wrote")
    }

    pub fn last_panels(&self) -> Vec<Panel> {
        let events = self.desk.events.borrow();
        let panels = events
            .iter()
            .rev()
            .find_map(|e| if let Event::Views { panels, .. } = e { Some(panels.clone()) } else { None });
        panels.expect("views were sent")
    }

    /// A panel each time that it was sent.
    pub fn all_panels(&self, id: &str) -> Vec<Panel> {
        let events = self.desk.events.borrow();
        let sent = events.iter().filter_map(|e| if let Event::Views { panels, .. } = e { Some(panels) } else { None });
        sent.flatten().filter(|panel| panel.id == id).cloned().collect()
    }
}

/// A curve of a checkpoint: one row of `[step, values...]` a step.
pub fn curve<'a>(file: &'a Checkpoint, name: &str) -> Vec<&'a [f32]> {
    let entry = file.find(&format!("history.{name}")).expect("the curve was saved");
    entry.values.chunks_exact(entry.shape[1]).collect()
}

/// Bits, so that NaN equals NaN.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub fn is_images(view: &View) -> bool {
    matches!(view, View::Images { .. })
}
