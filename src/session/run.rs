//! One session: a device, at most one open demo, and a loop that is pumped from outside.

use super::host::Host;
use super::link;
use super::protocol::{Command, DeviceInfo, DeviceKind, Event, LibraryTask, Status};
use crate::demos::registry::DEMOS;
use crate::demos::{Context, Demo, Entry, Values};
#[cfg(feature = "gpu")]
use crate::device::probe;
use crate::device::{self, OpenDevice};
use crate::error::{Code, Error, Result};
use crate::poll::Poll;
use crate::weights::Checkpoint;
use serde_json::Value;
use std::rc::Rc;

/// What the pump does next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Nothing to do until a command comes.
    Sleep,
    /// Call [`Session::tick`] again after so many milliseconds (0: at once).
    After(f64),
}

pub(super) struct Open {
    pub(super) entry: &'static Entry,
    pub(super) values: Values,
    pub(super) demo: Box<dyn Demo>,
    /// A setting that acts on what is learnt was changed while it ran: the link alone gives another run.
    pub(super) altered: bool,
}

/// Commands in, events out.
pub struct Session {
    pub(super) host: Rc<dyn Host>,
    kind: DeviceKind,
    demos: &'static [Entry],
    pub(super) device: Option<OpenDevice>,
    pub(super) open: Option<Open>,
    pub(super) status: Status,
    /// Steps until it pauses by itself; 0 while it gets ready.
    pub(super) remaining: Option<u32>,
    pub(super) next_step: f64,
    pub(super) next_view: f64,
    pub(super) fresh: bool,
    pub(super) rate: Rate,
}

impl Session {
    /// With all demos.
    pub fn new(host: Rc<dyn Host>, kind: DeviceKind) -> Self {
        Self::with_demos(host, kind, DEMOS)
    }

    /// With these demos: a module holds what it is started with, and no more.
    pub fn with_demos(host: Rc<dyn Host>, kind: DeviceKind, demos: &'static [Entry]) -> Self {
        host.emit(Event::Hello { kind, demos });
        Self {
            host,
            kind,
            demos,
            device: None,
            open: None,
            status: Status::Idle,
            remaining: None,
            next_step: 0.0,
            next_view: 0.0,
            fresh: true,
            rate: Rate::default(),
        }
    }

    /// Carries out one command; whatever fails becomes an event.
    pub async fn handle(&mut self, command: Command) {
        let change = matches!(command, Command::Set { .. } | Command::Act { .. });
        if let Err(error) = self.obey(command).await {
            if change {
                self.host.emit(Event::Refused);
            }
            // What was asked for is refused; what ran before goes on, unless the device is gone.
            self.fail(error, false);
        }
    }

    async fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Start { software, proven } => self.start(software, &proven).await?,
            Command::Open { link, checkpoint } => self.open(&link, checkpoint.as_deref()).await?,
            Command::Prepare => {
                self.opened()?.demo.allow_fetch();
                self.prepare().await?;
            }
            Command::Run => self.go(None),
            Command::Step { n } => self.go(Some(n)),
            Command::Pause => {
                self.remaining = None;
                if self.status == Status::Loading {
                    self.opened()?.demo.cancel();
                }
                if self.open.is_some() && self.status != Status::Paused {
                    self.status = Status::Paused;
                    self.show().await?;
                }
            }
            Command::Set { key, value } => self.set(&key, &value).await?,
            Command::Act { name, args } => {
                let changed = self.opened()?.demo.act(&name, &args).await?;
                self.change(changed).await?;
            }
            Command::Checkpoint => {
                let (link, step, bytes) = self.checkpoint().await?;
                let altered = self.opened()?.altered;
                self.host.emit(Event::Checkpoint { link, altered, step, bytes });
                return Ok(());
            }
            Command::Library { task } => {
                let library = self.host.library();
                match task {
                    LibraryTask::List => {}
                    LibraryTask::Verify { sha256 } => library.verify(&sha256).await?,
                    LibraryTask::Delete { sha256 } => library.delete(&sha256).await?,
                    LibraryTask::Endpoints { urls } => library.endpoints(urls),
                }
                self.host.emit(Event::Library(library.stored().await?));
            }
            Command::Ping => {}
            Command::Close => {
                self.open = None;
                self.status = Status::Idle;
                if let Some(open) = &self.device {
                    device::release(&open.device);
                }
            }
        }
        self.tell();
        Ok(())
    }

    async fn start(&mut self, software: bool, proven: &[String]) -> Result<()> {
        let opened = match self.kind {
            DeviceKind::Cpu => device::open_cpu()?,
            DeviceKind::Webgpu => device::open_webgpu(software).await?,
        };
        // A module for the CPU has nothing to prove. By attribute: the compiler keeps the code behind an `await` that is never reached.
        #[cfg(feature = "gpu")]
        let probe_error = match opened.webgpu && !proven.contains(&opened.name) {
            true => Some(probe::verify(&opened.device).await?),
            false => None,
        };
        #[cfg(not(feature = "gpu"))]
        let (probe_error, _) = (None, proven);
        let (kind, OpenDevice { name, software, max_buffer_bytes, .. }) = (self.kind, opened.clone());
        self.device = Some(opened);
        self.host.emit(Event::Device(DeviceInfo { kind, name, software, max_buffer_bytes, probe_error }));
        Ok(())
    }

    async fn open(&mut self, text: &str, checkpoint: Option<&[u8]>) -> Result<()> {
        let device = self.device.as_ref().ok_or_else(|| Error::bad_command("No device is open yet."))?.device.clone();
        let file = checkpoint.map(Checkpoint::from_bytes).transpose()?;
        let own: Option<String> = file.as_ref().map(|f| f.text("link")).transpose()?;
        let saved = file.as_ref().filter(|_| text.is_empty());
        let text = if text.is_empty() { own.as_deref().unwrap_or("") } else { text };
        if let Some(module) = link::elsewhere(self.demos, text) {
            self.host.emit(Event::Elsewhere { module });
            return Ok(());
        }
        let link = match saved {
            Some(file) => link::parse_saved(self.demos, text, file.texts.get("values").map(String::as_str))?,
            None => link::parse_among(self.demos, text)?,
        };
        let host = self.host.clone();
        let clock = Rc::new(move || host.now());
        let context =
            Context { device: device.clone(), source: self.host.source(), library: self.host.library(), clock };
        // A refused command leaves what is open; a link that cannot be built is refused as a link.
        let mut demo = (link.entry.build)(&link.values, context).map_err(|e| match e.code {
            Code::BadCommand => Error { code: Code::BadLink, ..e },
            _ => e,
        })?;
        let altered = file.as_ref().is_some_and(|f| f.text("altered").unwrap_or(false));
        if let Some(file) = &file {
            demo.load(file)?;
        }
        // Only now is what ran before given up: a bad link or file leaves it as it was.
        self.open = Some(Open { entry: link.entry, values: link.values, demo, altered });
        device::release(&device);
        link.notes.into_iter().for_each(|note| self.host.emit(note));
        (self.status, self.remaining, self.fresh, self.rate) = (Status::Paused, None, true, Rate::default());
        self.describe()?;
        self.prepare().await?;
        self.show().await?;
        // What was queued for the run before has ended with this readback: its memory is given back, too.
        device::release(&device);
        Ok(())
    }

    /// Lets the demo get ready where nothing runs: it pauses again when all is here, and no training step is taken.
    async fn prepare(&mut self) -> Result<()> {
        if self.status == Status::Paused && matches!(self.opened()?.demo.prepare().await?, Poll::Pending(_)) {
            (self.status, self.remaining, self.next_step) = (Status::Loading, Some(0), 0.0);
        }
        Ok(())
    }

    fn go(&mut self, steps: Option<u32>) {
        if self.open.is_some() && steps != Some(0) {
            self.status = Status::Running;
            self.remaining = steps;
            self.next_step = 0.0;
            self.rate = Rate::since(self.host.now());
        }
    }

    async fn set(&mut self, key: &str, value: &Value) -> Result<()> {
        let open = self.opened()?;
        let schema = (open.entry.config.schema)();
        let targets = link::targets(&schema, key);
        if targets.is_empty() {
            return Err(Error::bad_command(format!("This demo has no setting {key:?}.")));
        }
        let mut changed = Values::new();
        for (target, property) in targets {
            if property.get("x-live") != Some(&Value::Bool(true)) {
                return Err(Error::bad_command(format!("{key:?} cannot change while it runs: open a link with it.")));
            }
            let (value, note) = link::coerce(property, value)
                .map_err(|why| Error::bad_command(format!("{key:?} was not set: {why}.")))?;
            if let Some(what) = note {
                self.host.emit(link::changed(key, &what));
            }
            changed.insert(target, value);
        }
        self.change(changed).await
    }

    /// Takes over changed values: live ones at once, others by building the demo anew.
    async fn change(&mut self, changed: Values) -> Result<()> {
        let open = self.opened()?;
        let schema = (open.entry.config.schema)();
        link::fits(&schema, &changed)?;
        let live =
            |key: &String| link::property(&schema, key).and_then(|p| p.get("x-live")) == Some(&Value::Bool(true));
        let replayed =
            |key: &String| link::property(&schema, key).and_then(|p| p.get("x-replayed")) == Some(&Value::Bool(true));
        let altered = changed.iter().any(|(key, value)| !replayed(key) && open.values.get(key) != Some(value));
        let restart = changed.iter().any(|(key, value)| !live(key) && open.values.get(key) != Some(value));
        if restart {
            let values = link::with(open.entry, &open.values, changed);
            let (text, running) = (link::canonical(open.entry, &values), self.status == Status::Running);
            self.open(&text, None).await?;
            if running {
                self.go(None);
            }
            return Ok(());
        }
        // Values, link and demo change together.
        let mut values = open.values.clone();
        values.extend(changed);
        open.demo.set(&values)?;
        open.altered |= altered && open.demo.steps() > 0;
        open.values = values;
        self.describe()?;
        self.prepare().await?;
        if self.status == Status::Paused {
            self.show().await?;
        }
        Ok(())
    }

    pub(super) fn opened(&mut self) -> Result<&mut Open> {
        self.open.as_mut().ok_or_else(|| Error::bad_command("Nothing is open."))
    }
}

/// Steps a second, over windows of at least half a second.
#[derive(Default)]
pub(super) struct Rate {
    since: f64,
    steps: u32,
    pub(super) value: f32,
}

impl Rate {
    pub(super) fn since(now: f64) -> Self {
        Self { since: now, ..Self::default() }
    }

    /// Counts one step.
    pub(super) fn count(&mut self, now: f64) {
        self.steps += 1;
        let seconds = (now - self.since) / 1000.0;
        if seconds >= 0.5 {
            *self = Rate { since: now, steps: 0, value: (f64::from(self.steps) / seconds) as f32 };
        }
    }
}
