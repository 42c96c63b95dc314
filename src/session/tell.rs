//! What a session tells and gives: views, schema and link, status, errors; checkpoints, samples and figures.

use super::link;
use super::protocol::{Event, Status};
use super::run::Session;
use crate::demos::{Figure, Samples};
use crate::device;
use crate::error::{Code, Error, Result};

/// Views take at most a fifth of the time.
const VIEW_SHARE: f64 = 4.0;

impl Session {
    /// Sends the views, and decides when the next ones are due.
    pub(super) async fn show(&mut self) -> Result<()> {
        if self.host.view_interval().is_infinite() {
            self.next_view = f64::INFINITY;
            return Ok(());
        }
        let (began, fresh) = (self.host.now(), self.fresh);
        let open = self.opened()?;
        let panels = open.demo.views(fresh).await?;
        let step = open.demo.steps();
        // Before there is anything to show, the page has nothing that could be continued.
        self.fresh &= panels.is_empty();
        self.host.emit(Event::Views { step, panels });
        let ended = self.host.now();
        self.next_view = ended + self.host.view_interval().max(VIEW_SHARE * (ended - began));
        Ok(())
    }

    /// What is open: its settings, their values, its link.
    pub(super) fn describe(&mut self) -> Result<()> {
        let open = self.opened()?;
        let schema = Event::Schema {
            demo: open.entry.name.into(),
            schema: (open.entry.config.schema)(),
            values: open.values.clone(),
            actions: (open.entry.actions)(),
            begins: open.demo.begins(),
        };
        let link = Event::Link { link: link::canonical(open.entry, &open.values), altered: open.altered };
        self.host.emit(schema);
        self.host.emit(link);
        Ok(())
    }

    /// Tells how the run is.
    pub(super) fn tell(&self) {
        self.report(false);
    }

    /// `ended`: it has just come to an end of its own.
    pub(super) fn report(&self, ended: bool) {
        self.host.emit(Event::Status {
            status: self.status,
            ended,
            step: self.open.as_ref().map_or(0, |o| o.demo.steps()),
            steps_per_second: if self.status == Status::Running { self.rate.value } else { 0.0 },
            wasm_bytes: self.host.memory(),
            gpu_bytes: self.device.as_ref().map_or(0.0, |d| device::reserved_bytes(&d.device)),
            threads: device::threads(),
        });
    }

    /// Something was refused (`stops` is false), or the run has failed.
    pub(super) fn fail(&mut self, error: Error, stops: bool) {
        let step = self.open.as_ref().map_or(0, |o| o.demo.steps());
        let fatal = matches!(error.code, Code::DeviceLost | Code::NoGpu | Code::WrongArithmetic);
        if fatal || stops {
            self.status = if self.open.is_some() { Status::Paused } else { Status::Idle };
            self.remaining = None;
        }
        self.host.emit(Event::error(error, step, fatal));
        self.tell();
    }

    /// The run as a file, with its link and step.
    pub async fn checkpoint(&mut self) -> Result<(String, u32, Vec<u8>)> {
        let open = self.opened()?;
        let mut file = open.demo.save().await?;
        let text = link::canonical(open.entry, &open.values);
        file.set_text("link", &text);
        // A link leaves defaults out, and they may be others by the time that this is opened.
        file.set_text("values", serde_json::to_string(&open.values).map_err(Error::internal)?);
        file.set_text("altered", open.altered);
        Ok((text, open.demo.steps(), file.to_bytes()?))
    }

    /// Files that stand beside the run's: by their names, in JSON.
    pub fn companions(&mut self) -> Result<Vec<(&'static str, serde_json::Value)>> {
        Ok(self.opened()?.demo.companions())
    }

    /// Draws samples from the open model.
    pub async fn sample(&mut self, n: usize, seed: u64) -> Result<Samples> {
        self.opened()?.demo.sample(n, seed).await
    }

    /// How good the open model is on everything that was held out.
    pub async fn measure(&mut self) -> Result<Vec<Figure>> {
        self.opened()?.demo.measure().await
    }
}
