//! A session as a browser test drives it.

use async_trait::async_trait;
use kiln::data::Source;
use kiln::error::{Code, Error, Result};
use kiln::poll::{Poll, Progress};
use kiln::session::protocol::{Command, DeviceKind, Event};
use kiln::session::{Host, Next, Session};
use kiln::weights::{Checkpoint, Library, ModelFile, Stored};
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Default)]
struct Desk(RefCell<Vec<String>>);

impl Host for Desk {
    fn emit(&self, event: Event) {
        match event {
            Event::Error { message, .. } => self.0.borrow_mut().push(message),
            Event::Device(info) => assert!(info.probe_error.is_none_or(|e| e < 2e-3), "{info:?}"),
            _ => {}
        }
    }

    fn now(&self) -> f64 {
        0.0
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::new(Carried)
    }

    fn library(&self) -> Rc<dyn Library> {
        Rc::new(Carried)
    }

    fn memory(&self) -> f64 {
        0.0
    }

    fn view_interval(&self) -> f64 {
        f64::INFINITY
    }
}

/// The first digits, carried by the test itself.
struct Carried;

impl Source for Carried {
    fn poll(&self, path: &str) -> Result<Poll<Vec<u8>>> {
        let bytes = match path.rsplit('/').next() {
            Some("train-00.idx.gz") => &include_bytes!("../../www/data/mnist/train-00.idx.gz")[..],
            Some("train-labels.idx.gz") => include_bytes!("../../www/data/mnist/train-labels.idx.gz"),
            Some("test-00.idx.gz") => include_bytes!("../../www/data/mnist/test-00.idx.gz"),
            Some("test-labels.idx.gz") => include_bytes!("../../www/data/mnist/test-labels.idx.gz"),
            _ => return Ok(Progress::download(path, 0.0, 0.0).into()),
        };
        Ok(Poll::Ready(bytes.to_vec()))
    }
}

/// No pretrained models.
#[async_trait(?Send)]
impl Library for Carried {
    fn poll(&self, model: &str) -> Result<Poll<Vec<ModelFile>>> {
        Err(Error::new(Code::UnknownModel, format!("{model:?} is not carried."), ""))
    }

    fn cancel(&self, _model: &str) {}

    async fn stored(&self) -> Result<Stored> {
        Ok(Stored::default())
    }

    async fn verify(&self, _sha256: &str) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, _sha256: &str) -> Result<()> {
        Ok(())
    }

    fn endpoints(&self, _urls: Vec<String>) {}
}

/// A session with its device open. A worker opens WebGPU once, so one serves several runs.
pub struct Tab {
    desk: Rc<Desk>,
    session: Session,
}

impl Tab {
    pub async fn start(kind: DeviceKind) -> Self {
        let desk = Rc::new(Desk::default());
        let mut session = Session::new(desk.clone(), kind);
        session.handle(Command::Start { software: true, proven: vec![] }).await;
        Self { desk, session }
    }

    /// The losses of a run of `steps` steps, as saved in its checkpoint.
    pub async fn losses(&mut self, link: &str, steps: u32) -> Vec<f32> {
        self.session.handle(Command::Open { link: link.into(), checkpoint: None }).await;
        self.session.handle(Command::Step { n: steps }).await;
        while self.session.tick().await != Next::Sleep {}
        assert_eq!(*self.desk.0.borrow(), Vec::<String>::new());
        let (_, step, bytes) = self.session.checkpoint().await.expect("a checkpoint");
        assert_eq!(step, steps);
        let file = Checkpoint::from_bytes(&bytes).expect("it reads");
        file.find("history.losses").expect("the curve").values.clone()
    }
}

/// Against a kept curve, in parts of what is larger than 1; what was not measured counts as 0 there.
pub fn close(ours: &[f32], kept: &str, tolerance: f32) {
    let kept: Vec<f32> = serde_json::from_str(kept).expect("numbers");
    assert_eq!(ours.len(), kept.len());
    for (i, (a, b)) in ours.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).zip(kept).enumerate() {
        assert!((a - b).abs() < tolerance * b.abs().max(1.0), "value {i}: {a} here, {b} kept");
    }
}
