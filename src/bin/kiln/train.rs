//! `kiln train`: a demo from its link, and what came of it as files.

use crate::Choice;
use crate::files::{file_error, write};
use crate::samples::save_samples;
use crate::terminal::Terminal;
use kiln::error::{Code, Error, Result};
use kiln::session::link;
use kiln::session::protocol::Command;
use kiln::weights::Checkpoint;
use std::path::{Path, PathBuf};

pub struct Job {
    pub link: String,
    pub device: Choice,
    /// As many as the demo takes by default where none are named.
    pub steps: Option<u32>,
    pub out: PathBuf,
    pub resume: Option<Vec<u8>>,
    pub weights_only: bool,
    pub half: bool,
    pub pictures: Vec<PathBuf>,
}

pub async fn train(root: &Path, job: Job) -> Result<()> {
    let steps = job.steps.map_or_else(|| default_steps(&job.link), Ok)?;
    let link = if job.resume.is_some() { job.link } else { from_scratch(job.link)? };
    let mut terminal = Terminal::open(root, job.device, job.pictures).await?;
    terminal.obey(Command::Open { link, checkpoint: job.resume }).await?;
    std::fs::create_dir_all(&job.out).map_err(|e| file_error(&job.out, e))?;
    terminal.host.bar.set_length(u64::from(steps));
    terminal.host.mark_start();
    terminal.obey(Command::Step { n: steps }).await?;
    let outcome = terminal.pump().await;
    terminal.host.bar.finish();
    outcome?;

    let (_, step, bytes) = terminal.session.checkpoint().await?;
    let mut file = Checkpoint::from_bytes(&bytes)?;
    write(&job.out.join("metrics.jsonl"), metrics(&file).as_bytes())?;
    if job.weights_only {
        file.keep_weights_alone();
    }
    let model = if job.half { file.to_half_bytes()? } else { file.to_bytes()? };
    write(&job.out.join("model.safetensors"), &model)?;
    for (name, content) in terminal.session.companions()? {
        write(&job.out.join(name), content.to_string().as_bytes())?;
    }
    // A classifier draws nothing; every generator of pictures or points does.
    if let Ok(samples) = terminal.session.sample(64, 1).await {
        save_samples(&samples, &job.out.join("samples.png"))?;
        save_samples(&samples, &job.out.join("samples.safetensors"))?;
    }
    println!("{} steps on {}, written to {}", step, terminal.device, job.out.display());
    Ok(())
}

/// Training begins from scratch, unless the link says that it begins with the weights that ship.
fn from_scratch(text: String) -> Result<String> {
    let parsed = link::parse(&text)?;
    if parsed.values.get("start").is_none_or(|start| start == "scratch") || link::names(&text, "start") {
        return Ok(text);
    }
    println!("Training begins from scratch; start=pretrained in the link goes on from the weights that ship.");
    let joint = if text.contains('?') { '&' } else { '?' };
    Ok(format!("{text}{joint}start=scratch"))
}

/// # Errors
/// `BadCommand` for a demo that does not train.
fn default_steps(text: &str) -> Result<u32> {
    let entry = link::parse(text)?.entry;
    entry.steps.ok_or_else(|| {
        let help = "Name --steps, or train another demo.";
        Error::new(Code::BadCommand, format!("The demo {:?} does not train.", entry.name), help)
    })
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
            // What was not measured at a step, or was not there, is left out.
            line.extend(
                names.iter().zip(&row[1..]).filter(|(_, v)| v.is_finite()).map(|(n, v)| (n.clone(), (*v).into())),
            );
            lines += &serde_json::Value::from(line).to_string();
            lines.push('\n');
        }
    }
    lines
}
