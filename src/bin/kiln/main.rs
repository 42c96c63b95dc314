//! The terminal's way in: the same session as in the tab.

mod autoencode;
mod darkroom;
mod files;
mod generate;
mod inspect;
mod pictures;
mod samples;
mod terminal;
mod train;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kiln::device;
use kiln::error::Result;
use kiln::session::protocol::Command;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;
use terminal::Terminal;

/// Generative models that train and run in one browser tab; here in a terminal.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Folder that holds `www/` with data and weights; or name it in KILN_ROOT. Without either Kiln looks in ../share/kiln
    /// beside its program, in the current folder and those above it, and in the repository that it was built from.
    #[arg(long, global = true)]
    root: Option<PathBuf>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Trains a demo from its link, such as "dcgan?seed=7", or continues from a checkpoint.
    Train {
        link: String,
        #[arg(long, value_enum, default_value = "auto")]
        device: Choice,
        /// Training steps to take; by default about two minutes' worth with the demo's own settings.
        #[arg(long)]
        steps: Option<u32>,
        /// Folder for metrics.jsonl, samples.png, samples.safetensors and model.safetensors.
        #[arg(long)]
        out: PathBuf,
        /// A model.safetensors to continue from; one with weights only starts with a fresh optimizer.
        #[arg(long)]
        resume: Option<PathBuf>,
        /// Leave optimizer and curves out of model.safetensors: smaller, and enough to sample and measure.
        #[arg(long)]
        weights_only: bool,
        /// Write the weights in 16 bits: half as large. Only together with --weights-only.
        #[arg(long, requires = "weights_only")]
        half: bool,
        /// A set that `pictures` wrote, for a link with `data=sha256:...`; again for more of them.
        #[arg(long)]
        pictures: Vec<PathBuf>,
    },
    /// Draws samples from a model: a file that `train` wrote or the page saved, or a link with shipped weights.
    Sample {
        model: String,
        #[arg(long, default_value_t = 64)]
        n: usize,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// A .png or .safetensors file.
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Prints how good a model is on all of the held-out data; the model as for `sample`.
    Measure {
        model: String,
        /// Prints one line of JSON instead: the metrics by name.
        #[arg(long)]
        json: bool,
    },
    /// Writes text with a pretrained model.
    Generate(Box<generate::Generate>),
    /// Makes a set of your own pictures: from files, folders and zips.
    Pictures {
        #[arg(required = true)]
        inputs: Vec<PathBuf>,
        /// The side of the square that is cut from the middle of each, in pixels.
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(8..=1024))]
        side: u32,
        /// An .idx file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Encodes a picture into the latent of a pretrained autoencoder.
    Encode(autoencode::Task),
    /// Decodes a latent that `encode` wrote into a picture.
    Decode(autoencode::Task),
    /// Prints the header of a GGUF or safetensors file.
    Inspect { file: PathBuf },
    /// Lists the devices and checks each against the CPU.
    Devices,
}

/// What a diffusion model is to draw, and how: settings that its link has, too.
#[derive(Args)]
struct Wanted {
    /// The class, from 0 on.
    #[arg(long)]
    class: Option<u32>,
    /// What to draw, in English or Chinese.
    #[arg(long)]
    words: Option<String>,
    /// How far the model is pushed toward it: 1 for not at all.
    #[arg(long)]
    guidance: Option<f64>,
    /// Steps from noise to data.
    #[arg(long)]
    steps: Option<u32>,
}

impl Wanted {
    fn settings(self) -> impl Iterator<Item = (&'static str, Value)> {
        let settings = [
            // In the link 0 is for all classes.
            ("class", self.class.map(|class| (u64::from(class) + 1).into())),
            ("words", self.words.map(Value::from)),
            ("guidance", self.guidance.map(Value::from)),
            ("steps", self.steps.map(Value::from)),
        ];
        settings.into_iter().filter_map(|(key, value)| value.map(|value| (key, value)))
    }
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
    let root = files::root(cli.root);
    match cli.task {
        Task::Train { link, device, steps, out, resume, weights_only, half, pictures } => {
            let resume = resume.map(|path| files::read(&path)).transpose()?;
            train::train(&root, train::Job { link, device, steps, out, resume, weights_only, half, pictures }).await
        }
        Task::Sample { model, n, seed, out, wanted } => {
            let mut terminal = Terminal::open_model(&root, &model).await?;
            for (key, value) in wanted.settings() {
                terminal.obey(Command::Set { key: key.into(), value }).await?;
            }
            samples::save_samples(&terminal.session.sample(n, seed).await?, &out)
        }
        Task::Measure { model, json } => {
            let mut terminal = Terminal::open_model(&root, &model).await?;
            let figures = terminal.session.measure().await?;
            if json {
                let line: serde_json::Map<_, _> = figures.into_iter().map(|f| (f.id, f.value.into())).collect();
                println!("{}", serde_json::Value::from(line));
            } else {
                for figure in figures {
                    println!("{:>14.*}  {}", figure.digits as usize, figure.value, figure.title);
                }
            }
            Ok(())
        }
        Task::Generate(args) => generate::run(*args).await,
        Task::Pictures { inputs, side, out } => pictures::run(&inputs, side, &out).await,
        Task::Encode(task) => autoencode::encode(&root, task).await,
        Task::Decode(task) => autoencode::decode(&root, task).await,
        Task::Inspect { file } => inspect::run(&file),
        Task::Devices => devices().await,
    }
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
