//! A session with the terminal as its host.

use crate::Choice;
use crate::files::read;
use indicatif::{ProgressBar, ProgressStyle};
use kiln::data::Source;
use kiln::error::{Code, Error, Result};
use kiln::poll::Poll;
use kiln::session::protocol::{Command, DeviceKind, Event};
use kiln::session::{Host, Next, Session, link};
use kiln::weights::{Folder, Library};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// A session with the terminal as its host.
pub struct Terminal {
    pub host: Rc<Screen>,
    pub session: Session,
    pub device: String,
}

/// Progress on standard error; events that the caller asks about.
pub struct Screen {
    root: PathBuf,
    /// Sets of pictures.
    pictures: Vec<PathBuf>,
    began: Instant,
    pub bar: ProgressBar,
    watch: RefCell<Watch>,
}

#[derive(Default)]
struct Watch {
    start: u32,
    step: u32,
    device: String,
    error: Option<Error>,
}

impl Terminal {
    pub async fn open(root: &Path, choice: Choice, pictures: Vec<PathBuf>) -> Result<Self> {
        let kinds: &[DeviceKind] = match choice {
            Choice::Cpu => &[DeviceKind::Cpu],
            Choice::Webgpu => &[DeviceKind::Webgpu],
            Choice::Auto => &[DeviceKind::Webgpu, DeviceKind::Cpu],
        };
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} steps, {per_sec}, {eta} left {msg}");
        let bar = ProgressBar::new(0).with_style(style.map_err(Error::internal)?);
        let host =
            Rc::new(Screen { root: root.into(), pictures, began: Instant::now(), bar, watch: RefCell::default() });
        let mut failed = Error::internal("No device was asked for.");
        for &kind in kinds {
            let session = Session::new(host.clone(), kind);
            let mut terminal = Self { host: host.clone(), session, device: String::new() };
            let software = matches!(choice, Choice::Webgpu);
            match terminal.obey(Command::Start { software, proven: Vec::new() }).await {
                Ok(()) => {
                    terminal.device = host.watch.borrow().device.clone();
                    return Ok(terminal);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// A model on the CPU: a file of a run, or a link with shipped weights.
    pub async fn open_model(root: &Path, model: &str) -> Result<Self> {
        let mut terminal = Self::open(root, Choice::Cpu, Vec::new()).await?;
        // What is neither a file nor looks like a link is a file that is missing.
        let is_link = !Path::new(model).is_file() && (model.contains('?') || link::parse(model).is_ok());
        let (link, checkpoint) = match is_link {
            true => (model.into(), None),
            false => (String::new(), Some(read(Path::new(model))?)),
        };
        terminal.obey(Command::Open { link, checkpoint }).await?;
        Ok(terminal)
    }

    /// Carries out a command; an error event becomes an error.
    pub async fn obey(&mut self, command: Command) -> Result<()> {
        self.session.handle(command).await;
        self.host.take_error()
    }

    pub async fn pump(&mut self) -> Result<()> {
        while let Next::After(ms) = self.session.tick().await {
            if ms > 0.0 {
                std::thread::sleep(std::time::Duration::from_secs_f64(ms / 1000.0));
            }
            let watch = self.host.watch.borrow();
            self.host.bar.set_position(u64::from(watch.step - watch.start));
        }
        self.host.take_error()
    }
}

impl Screen {
    pub fn mark_start(&self) {
        let mut watch = self.watch.borrow_mut();
        watch.start = watch.step;
    }

    fn take_error(&self) -> Result<()> {
        self.watch.borrow_mut().error.take().map_or(Ok(()), Err)
    }
}

impl Host for Screen {
    fn emit(&self, event: Event) {
        let mut watch = self.watch.borrow_mut();
        match event {
            Event::Status { step, .. } => watch.step = step,
            Event::Device(info) => watch.device = info.name,
            Event::Note { text, .. } => eprintln!("note: {text}"),
            Event::Error { code, message, help, .. } => watch.error = Some(Error::new(code, message, help)),
            _ => {}
        }
    }

    fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1000.0
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::new(Disk(self.root.clone()))
    }

    fn library(&self) -> Rc<dyn Library> {
        Rc::new(Folder::new(&self.root, self.pictures.clone()))
    }

    fn memory(&self) -> f64 {
        0.0
    }

    fn view_interval(&self) -> f64 {
        f64::INFINITY
    }
}

/// Files of the page, from its folder.
struct Disk(PathBuf);

impl Source for Disk {
    fn poll(&self, path: &str) -> Result<Poll<Vec<u8>>> {
        let path = self.0.join(path);
        std::fs::read(&path).map(Poll::Ready).map_err(|e| {
            Error::new(
                Code::Fetch,
                format!("{}: {e}.", path.display()),
                "Name the folder that holds www/ with Kiln's data, such as its repository, with --root or in KILN_ROOT.",
            )
        })
    }
}
