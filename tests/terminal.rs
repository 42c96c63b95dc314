//! The terminal runs the same session and writes what it says.

use kiln::weights::Checkpoint;
use std::path::Path;
use std::process::{Command, Output};

fn kiln(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kiln")).args(args).output().expect("it starts")
}

fn folder(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    path.display().to_string()
}

fn read(path: &str) -> Checkpoint {
    Checkpoint::from_bytes(&std::fs::read(path).expect("it was written")).expect("it reads")
}

#[test]
fn train_writes_metrics_samples_and_a_model_that_sample_opens() {
    let out = folder("train");
    let run =
        kiln(&["train", "dcgan?seed=3&width=4&batch=8&evaluate=20", "--device", "cpu", "--steps", "25", "--out", &out]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let metrics = std::fs::read_to_string(format!("{out}/metrics.jsonl")).expect("metrics");
    let lines: Vec<serde_json::Value> = metrics.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines.iter().filter(|l| l.get("generator").is_some()).count(), 25);
    assert!(lines.iter().any(|l| l["step"] == 20 && l["distance"].as_f64().is_some_and(|d| d > 0.0)));
    assert!(std::fs::read(format!("{out}/samples.png")).expect("a picture").starts_with(b"\x89PNG"));
    let samples = read(&format!("{out}/samples.safetensors"));
    let samples = samples.find("samples").expect("samples");
    assert_eq!(samples.shape, vec![64, 1, 28, 28]);
    assert!(samples.values.iter().all(|v| (-1.0..=1.0).contains(v)));

    let again = format!("{out}/again.safetensors");
    let model = format!("{out}/model.safetensors");
    assert!(kiln(&["sample", &model, "--n", "64", "--seed", "1", "--out", &again]).status.success());
    assert_eq!(read(&again).find("samples"), Some(samples));
    assert!(kiln(&["sample", &model, "--n", "3", "--seed", "2", "--out", &again]).status.success());
    assert_eq!(read(&again).find("samples").expect("samples").shape, vec![3, 1, 28, 28]);
}

#[test]
fn train_goes_on_from_a_model() {
    let (whole, half, rest) = (folder("whole"), folder("half"), folder("rest"));
    let link = "gan2d?seed=4&width=8";
    let train = |steps: &str, out: &str, more: &[&str]| {
        let args = [&["train", link, "--device", "cpu", "--steps", steps, "--out", out], more].concat();
        assert!(kiln(&args).status.success());
        std::fs::read(format!("{out}/model.safetensors")).expect("a model")
    };
    let undisturbed = train("60", &whole, &[]);
    train("25", &half, &[]);
    assert!(train("35", &rest, &["--resume", &format!("{half}/model.safetensors")]) == undisturbed);
}

#[test]
fn devices_proves_the_cpu_and_says_what_is_with_webgpu() {
    let run = kiln(&["devices"]);
    let text = String::from_utf8_lossy(&run.stdout).to_string();
    assert!(run.status.success() && text.contains("cpu") && text.contains("webgpu"), "{text}");
}

#[test]
fn mistakes_end_with_an_error_that_says_what_to_do() {
    let out = folder("mistakes");
    for (args, says) in [
        (vec!["train", "gan9", "--steps", "1", "--out", &out], "Choose one of"),
        (vec!["sample", "no-such-file", "--out", &out], "Check the path"),
        (vec!["sample", "README.md", "--out", &out], "Choose a whole file"),
        (vec!["--root", "nowhere", "train", "dcgan", "--device", "cpu", "--steps", "1", "--out", &out], "--root"),
    ] {
        let run = kiln(&args);
        let text = String::from_utf8_lossy(&run.stderr).to_string();
        assert!(!run.status.success() && text.contains(says), "{args:?}: {text}");
    }
}

#[test]
fn generate_prints_one_line_of_json_and_writes_the_logits_of_each_step() {
    let out = folder("generate");
    std::fs::create_dir_all(&out).expect("a folder");
    let logits = format!("{out}/logits.safetensors");
    let model = "tests/fixtures/text/tiny-llama-q8_0.gguf";
    let args = ["generate", "--model", model, "--prompt", "Once upon", "--max-tokens", "6", "--json"];
    let run = kiln(&[&args[..], &["--greedy", "--logits", &logits]].concat());
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for key in ["prompt_ids", "ids", "text", "stop", "tokens_per_second"] {
        assert!(line.get(key).is_some(), "no {key} in {line}");
    }
    let ids: Vec<u64> = line["ids"].as_array().expect("ids").iter().filter_map(|v| v.as_u64()).collect();
    let file = read(&logits);
    let logits = file.find("logits").expect("logits");
    assert_eq!(logits.shape, [ids.len(), 320]);
    for (row, id) in logits.values.chunks(320).zip(&ids) {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("a largest").0;
        assert_eq!(best as u64, *id, "greedy takes the largest logit");
    }
    let seeded = |seed: &str| kiln(&[&args[..], &["--seed", seed, "--temperature", "1.5"]].concat()).stdout;
    let strip = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).split("tokens_per_second").next().map(String::from);
    assert_eq!(strip(seeded("1")), strip(seeded("1")));
    assert_ne!(strip(seeded("1")), strip(seeded("2")));
}

#[test]
fn generate_runs_a_folder_and_chats_and_refuses_what_is_no_model() {
    let folder = "tests/fixtures/text/qwen2";
    let run = kiln(&["generate", "--model", folder, "--prompt", "Hi", "--max-tokens", "3", "--json"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let gguf = "tests/fixtures/text/tiny-llama-q8_0.gguf";
    let run = kiln(&["generate", "--model", gguf, "--prompt", "Hi", "--chat", "--max-tokens", "3"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let run = kiln(&["generate", "--model", "Cargo.toml", "--prompt", "Hi"]);
    assert!(!run.status.success() && String::from_utf8_lossy(&run.stderr).starts_with("error: "));
}

#[test]
fn inspect_prints_the_header_of_both_kinds_of_file() {
    for (file, tensor) in [
        ("tests/fixtures/text/tiny-llama-q8_0.gguf", "token_embd.weight"),
        ("tests/fixtures/text/llama/model.safetensors", "model.embed_tokens.weight"),
    ] {
        let run = kiln(&["inspect", file]);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let text = String::from_utf8(run.stdout).expect("UTF-8");
        assert!(text.contains(tensor), "{text}");
    }
    assert!(!kiln(&["inspect", "README.md"]).status.success());
}
