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

use clap::{Parser, Subcommand, ValueEnum};
use kiln::device;
use kiln::error::Result;
use kiln::session::protocol::Command;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use terminal::Terminal;

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
        /// A set that `pictures` wrote, for a link with `data=sha256:...`; again for more of them.
        #[arg(long)]
        pictures: Vec<PathBuf>,
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
    /// Prints how good a model is on everything that was held out: a model.safetensors, or a link with shipped weights.
    Measure { model: String },
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
    /// Takes a picture to the latent of a pretrained autoencoder.
    Encode(autoencode::Task),
    /// Makes a picture of a latent that `encode` wrote.
    Decode(autoencode::Task),
    /// Prints the header of a GGUF or safetensors file.
    Inspect { file: PathBuf },
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
        Task::Train { link, device, steps, out, resume, weights_only, pictures } => {
            let resume = resume.map(|path| files::read(&path)).transpose()?;
            train::train(&cli.root, train::Job { link, device, steps, out, resume, weights_only, pictures }).await
        }
        Task::Sample { model, n, seed, out } => {
            let mut session = Terminal::open(&cli.root, Choice::Cpu, Vec::new()).await?;
            session.obey(Command::Open { link: String::new(), checkpoint: Some(files::read(&model)?) }).await?;
            let samples = session.session.sample(n, seed).await?;
            samples::save_samples(&samples, &out)
        }
        Task::Measure { model } => {
            let mut terminal = Terminal::open(&cli.root, Choice::Cpu, Vec::new()).await?;
            let checkpoint = model.ends_with(".safetensors").then(|| files::read(Path::new(&model))).transpose()?;
            let link = if checkpoint.is_some() { String::new() } else { model };
            terminal.obey(Command::Open { link, checkpoint }).await?;
            for figure in terminal.session.measure().await? {
                println!("{:>14.*}  {}", figure.digits as usize, figure.value, figure.title);
            }
            Ok(())
        }
        Task::Generate(args) => generate::run(*args).await,
        Task::Pictures { inputs, side, out } => pictures::run(&inputs, side, &out).await,
        Task::Encode(task) => autoencode::encode(&cli.root, task).await,
        Task::Decode(task) => autoencode::decode(&cli.root, task).await,
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
