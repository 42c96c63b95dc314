//! The terminal's way in: the same session as in the tab.

use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use kiln::data::Source;
use kiln::demos::Samples;
use kiln::device;
use kiln::error::{Code, Error, Result};
use kiln::session::protocol::{Command, DeviceKind, Event};
use kiln::session::{Host, Next, Session};
use kiln::weights::Checkpoint;
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

/// Generative models that train and run in one browser tab; here in a terminal.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Folder that holds `www/` with data and weights.
    #[arg(long, global = true, default_value = ".")]
    root: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Trains a demo from its link, such as "dcgan?seed=7", or goes on from a checkpoint.
    Train {
        link: String,
        #[arg(long, value_enum, default_value = "auto")]
        device: Choice,
        /// Training steps to take.
        #[arg(long)]
        steps: u32,
        /// Folder for metrics.jsonl, samples.png, samples.safetensors and model.safetensors.
        #[arg(long)]
        out: PathBuf,
        /// A model.safetensors to go on from.
        #[arg(long)]
        resume: Option<PathBuf>,
        /// Leave optimizer and curves out of model.safetensors: smaller, but it cannot be resumed.
        #[arg(long)]
        weights_only: bool,
    },
    /// Draws samples from a model that `train` wrote or the page saved.
    Sample {
        model: PathBuf,
        #[arg(long, default_value_t = 64)]
        n: usize,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A .png or .safetensors file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Lists the devices and holds each against the CPU.
    Devices,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    Auto,
    Cpu,
    Webgpu,
}

fn main() -> ExitCode {
    match pollster::block_on(run(Cli::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    match cli.task {
        Task::Train { link, device, steps, out, resume, weights_only } => {
            let resume = resume.map(|path| read(&path)).transpose()?;
            train(&cli.root, Job { link, device, steps, out, resume, weights_only }).await
        }
        Task::Sample { model, n, seed, out } => {
            let mut session = Terminal::open(&cli.root, Choice::Cpu).await?;
            session.obey(Command::Open { link: String::new(), checkpoint: Some(read(&model)?) }).await?;
            let samples = session.session.sample(n, seed).await?;
            save_samples(&samples, &out)
        }
        Task::Devices => devices().await,
    }
}

struct Job {
    link: String,
    device: Choice,
    steps: u32,
    out: PathBuf,
    resume: Option<Vec<u8>>,
    weights_only: bool,
}

async fn train(root: &Path, job: Job) -> Result<()> {
    let mut terminal = Terminal::open(root, job.device).await?;
    terminal.obey(Command::Open { link: job.link, checkpoint: job.resume }).await?;
    std::fs::create_dir_all(&job.out).map_err(|e| file_error(&job.out, e))?;
    terminal.host.bar.set_length(u64::from(job.steps));
    terminal.host.mark_start();
    terminal.obey(Command::Step { n: job.steps }).await?;
    let outcome = terminal.pump().await;
    terminal.host.bar.finish();
    outcome?;

    let (_, step, bytes) = terminal.session.checkpoint().await?;
    let mut file = Checkpoint::from_bytes(&bytes)?;
    write(&job.out.join("metrics.jsonl"), metrics(&file).as_bytes())?;
    if job.weights_only {
        file.tensors.retain(|t| !t.name.starts_with("optimizer.") && !t.name.starts_with("history."));
    }
    write(&job.out.join("model.safetensors"), &file.to_bytes()?)?;
    // A classifier draws nothing; every generator does.
    if let Ok(samples) = terminal.session.sample(64, 1).await {
        save_samples(&samples, &job.out.join("samples.png"))?;
        save_samples(&samples, &job.out.join("samples.safetensors"))?;
    }
    println!("{} steps on {}, written to {}", step, terminal.device, job.out.display());
    Ok(())
}

async fn devices() -> Result<()> {
    let cpu = device::open_cpu()?;
    println!("cpu     {} (difference from the reference: {:.1e})", cpu.name, device::probe::verify(&cpu.device).await?);
    match device::open_webgpu(true).await {
        Ok(gpu) => match device::probe::verify(&gpu.device).await {
            Ok(worst) => println!("webgpu  {} (difference from the CPU: {worst:.1e})", gpu.name),
            Err(error) => println!("webgpu  {}: {error}", gpu.name),
        },
        Err(error) => println!("webgpu  {error}"),
    }
    Ok(())
}

/// A session with the terminal as its host.
struct Terminal {
    host: Rc<Screen>,
    session: Session,
    device: String,
}

/// Progress on standard error; events that the caller asks about.
struct Screen {
    root: PathBuf,
    began: Instant,
    bar: ProgressBar,
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
    async fn open(root: &Path, choice: Choice) -> Result<Self> {
        let kinds: &[DeviceKind] = match choice {
            Choice::Cpu => &[DeviceKind::Cpu],
            Choice::Webgpu => &[DeviceKind::Webgpu],
            Choice::Auto => &[DeviceKind::Webgpu, DeviceKind::Cpu],
        };
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} steps, {per_sec}, {eta} left {msg}");
        let bar = ProgressBar::new(0).with_style(style.map_err(Error::internal)?);
        let host = Rc::new(Screen { root: root.into(), began: Instant::now(), bar, watch: RefCell::default() });
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

    /// Carries out a command; an error event becomes an error.
    async fn obey(&mut self, command: Command) -> Result<()> {
        self.session.handle(command).await;
        self.host.take_error()
    }

    async fn pump(&mut self) -> Result<()> {
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
    fn mark_start(&self) {
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
    fn poll(&self, path: &str) -> Option<Result<Vec<u8>>> {
        Some(read(&self.0.join(path)))
    }

    fn progress(&self, _path: &str) -> (f64, f64) {
        (0.0, 0.0)
    }
}

/// The curves of a checkpoint, one JSON object a step and curve.
fn metrics(file: &Checkpoint) -> String {
    let mut lines = String::new();
    for entry in file.tensors.iter().filter(|t| t.name.starts_with("history.") && t.shape.len() == 2) {
        let names: Vec<String> = file
            .text::<String>(&format!("{}.series", entry.name))
            .map_or_else(|_| Vec::new(), |s| s.split(',').map(String::from).collect());
        for row in entry.values.chunks_exact(entry.shape[1]) {
            let mut line = serde_json::Map::from_iter([("step".into(), serde_json::Value::from(row[0] as u32))]);
            // NaN stands for what was not measured at a step.
            line.extend(
                names.iter().zip(&row[1..]).filter(|(_, v)| !v.is_nan()).map(|(n, v)| (n.clone(), (*v).into())),
            );
            lines += &serde_json::Value::from(line).to_string();
            lines.push('\n');
        }
    }
    lines
}

/// Writes samples as a picture or as a tensor named `samples`, by the file's ending.
fn save_samples(samples: &Samples, path: &Path) -> Result<()> {
    if path.extension().is_some_and(|e| e == "safetensors") {
        let mut file = Checkpoint::default();
        file.push("samples", &samples.shape, samples.values.clone());
        return write(path, &file.to_bytes()?);
    }
    let (width, height, pixels) = match samples.shape[..] {
        [n, 1, h, w] => mosaic(&samples.values, n, h, w),
        _ => scatter(&samples.values),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().and_then(|mut w| w.write_image_data(&pixels)).map_err(Error::internal)?;
    write(path, &bytes)
}

/// Pictures in rows of eight.
fn mosaic(values: &[f32], n: usize, h: usize, w: usize) -> (usize, usize, Vec<u8>) {
    let (columns, rows) = (n.clamp(1, 8), n.div_ceil(8).max(1));
    let mut pixels = vec![0; columns * w * rows * h];
    for (i, value) in values.iter().enumerate() {
        let (k, y, x) = (i / (h * w), i / w % h, i % w);
        pixels[((k / columns * h + y) * columns + k % columns) * w + x] = ((value + 1.0) * 127.5).round() as u8;
    }
    (columns * w, rows * h, pixels)
}

/// Points as black dots on a white square of 6 x 6 units.
fn scatter(values: &[f32]) -> (usize, usize, Vec<u8>) {
    const SIDE: usize = 300;
    let mut pixels = vec![255; SIDE * SIDE];
    let at = |v: f32| (((v / 3.0 + 1.0) / 2.0 * SIDE as f32) as usize).min(SIDE - 1);
    for p in values.chunks_exact(2) {
        pixels[(SIDE - 1 - at(p[1])) * SIDE + at(p[0])] = 0;
    }
    (SIDE, SIDE, pixels)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| file_error(path, e))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::File::create(path).and_then(|mut f| f.write_all(bytes)).map_err(|e| file_error(path, e))
}

fn file_error(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        Code::Fetch,
        format!("{}: {error}.", path.display()),
        "Check the path; --root names the folder that holds www/.",
    )
}
