//! `kiln generate`: a pretrained model writes.

use crate::Choice;
use crate::files::{file_error, write};
use clap::Args;
use kiln::device;
use kiln::error::{Error, Result};
use kiln::generate::{SamplerConfig, TextGenerator};
use kiln::models::language_model::LanguageModelLoader;
use kiln::models::pretrained;
use kiln::nn::engine;
use kiln::text::{self, Message, Role, StopStrings, Tokenizer, Utf8Decoder};
use kiln::weights::{Checkpoint, DiskFile, ModelFile, Pretrained};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

#[derive(Args)]
pub struct Generate {
    /// A .gguf file, or a folder with config.json, tokenizer.json and .safetensors files.
    #[arg(long)]
    model: PathBuf,
    #[arg(long)]
    prompt: String,
    /// Puts the prompt in the form in which the model was taught to answer.
    #[arg(long)]
    chat: bool,
    /// With --chat: who the model is told to be.
    #[arg(long, requires = "chat")]
    system: Option<String>,
    #[arg(long, default_value_t = 128)]
    max_tokens: usize,
    /// Positions of the cache.
    #[arg(long, default_value_t = 1024)]
    context: usize,
    /// Always the likeliest token.
    #[arg(long, conflicts_with = "seed")]
    greedy: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value_t = 0.7)]
    temperature: f32,
    #[arg(long, default_value_t = 40)]
    top_k: usize,
    #[arg(long, default_value_t = 0.95)]
    top_p: f32,
    #[arg(long, default_value_t = 0.0)]
    min_p: f32,
    #[arg(long, default_value_t = 1.0)]
    repetition_penalty: f32,
    /// Ends where this text appears; may be given several times.
    #[arg(long)]
    stop: Vec<String>,
    #[arg(long, value_enum, default_value = "cpu")]
    device: Choice,
    /// One line of JSON instead of the text: prompt_ids, ids, text, stop, tokens_per_second.
    #[arg(long)]
    json: bool,
    /// A .safetensors file for the logits after the prompt and after each token, `logits` [n, vocabulary].
    #[arg(long)]
    logits: Option<PathBuf>,
}

pub async fn run(args: Generate) -> Result<()> {
    let files = Pretrained::open(&files(&args.model)?)?;
    let tokenizer = Tokenizer::new(files.vocabulary.clone())?;
    let mut loader = open(&args, &files).await?;
    while {
        let (done, total) = loader.load(&files)?;
        done < total
    } {}
    let prompt = prompt(&args, &files, &tokenizer)?;
    let knobs = SamplerConfig {
        greedy: args.greedy,
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        min_p: args.min_p,
        repetition_penalty: args.repetition_penalty,
        seed: args.seed,
    };
    let (mut writer, mut utf8, mut stops) =
        (TextGenerator::new(loader.finish()?), Utf8Decoder::new(), StopStrings::new(&args.stop));
    let (mut text, mut logits, mut stop) = (String::new(), Vec::new(), "length");
    writer.set(prompt.clone());
    let mut began = None;
    for _ in 0..args.max_tokens {
        while writer.pending() > 0 {
            writer.prefill().await?;
        }
        if args.logits.is_some() {
            logits.extend_from_slice(writer.logits());
        }
        if writer.is_full() {
            stop = "context";
            break;
        }
        let id = writer.sample_next(&knobs, None, 0)?.token.id;
        began.get_or_insert_with(Instant::now);
        if tokenizer.ends().contains(&id) {
            stop = "end";
            break;
        }
        let shown = stops.push(&utf8.push(tokenizer.bytes(id)));
        say(&mut text, &shown.text, args.json)?;
        if shown.stopped.is_some() {
            stop = "string";
            break;
        }
    }
    if stop != "string" {
        let rest = stops.push(&utf8.finish()).text + &stops.finish();
        say(&mut text, &rest, args.json)?;
    }
    let ids = &writer.ids()[prompt.len()..];
    // Between the first token and the last: the prompt is not counted.
    let seconds = began.map_or(0.0, |b| b.elapsed().as_secs_f64());
    let rate = if ids.len() > 1 { (ids.len() - 1) as f64 / seconds } else { 0.0 };
    match args.json {
        false => println!(),
        true => println!(
            "{}",
            serde_json::json!({
                "prompt_ids": prompt, "ids": ids, "text": text, "stop": stop, "tokens_per_second": rate,
            })
        ),
    }
    if let Some(path) = &args.logits {
        let (vocab, mut file) = (writer.model().architecture().vocab, Checkpoint::default());
        file.push("logits", &[logits.len() / vocab, vocab], logits);
        write(path, &file.to_bytes()?)?;
    }
    Ok(())
}

/// Adds to the text; shows it at once unless JSON comes at the end.
fn say(text: &mut String, more: &str, json: bool) -> Result<()> {
    text.push_str(more);
    if json {
        return Ok(());
    }
    print!("{more}");
    std::io::stdout().flush().map_err(Error::internal)
}

/// A file, or all files of a folder.
fn files(path: &Path) -> Result<Vec<ModelFile>> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let paths = match path.is_dir() {
        false => vec![path.to_path_buf()],
        true => {
            let entries = std::fs::read_dir(path).map_err(|e| file_error(path, e))?;
            entries.filter_map(|e| Some(e.ok()?.path()).filter(|p| p.is_file())).collect()
        }
    };
    paths.iter().map(|p| Ok(ModelFile { name: name(p), bytes: Rc::new(DiskFile::open(p)?) })).collect()
}

async fn open(args: &Generate, files: &Pretrained) -> Result<Box<dyn LanguageModelLoader>> {
    let architecture = files.architecture.clone();
    match args.device {
        Choice::Webgpu => {
            let opened = device::open_webgpu(true).await?;
            #[cfg(feature = "gpu")]
            return pretrained::open(engine::Gpu::new(&opened.device), architecture, args.context);
            #[cfg(not(feature = "gpu"))]
            Err(Error::internal(format!("This build does not run on {}.", opened.name)))
        }
        Choice::Cpu | Choice::Auto => pretrained::open(engine::Cpu, architecture, args.context),
    }
}

fn prompt(args: &Generate, files: &Pretrained, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
    if !args.chat {
        let ids = tokenizer.encode(&args.prompt, true)?;
        return Ok(tokenizer.first(ids.is_empty()).into_iter().chain(ids).collect());
    }
    let template =
        files.chat_template.as_deref().ok_or_else(|| Error::unsupported("The model has no chat template."))?;
    let system = args.system.iter().map(|text| Message { role: Role::System, content: text.clone() });
    let user = Message { role: Role::User, content: args.prompt.clone() };
    let messages: Vec<Message> = system.chain([user]).collect();
    let ids = text::chat_ids(tokenizer, template, &messages)?;
    Ok(ids.into_iter().map(|(id, _)| id).collect())
}
