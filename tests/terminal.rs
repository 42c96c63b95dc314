//! The terminal runs the same session and writes what it says.

use kiln::weights::Checkpoint;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn kiln(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kiln")).args(args).output().expect("it starts")
}

/// What a call said on standard output, where it went well.
fn said(command: &mut Command) -> String {
    let run = command.output().expect("it starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("UTF-8")
}

/// What `measure --json` prints.
fn measured(model: &str) -> Value {
    let text = said(Command::new(env!("CARGO_BIN_EXE_kiln")).args(["measure", model, "--json"]));
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).expect("JSON")
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
fn a_file_of_weights_alone_is_sampled_and_measured_as_the_whole_file_is() {
    for (name, link, steps) in [
        ("gan2d", "gan2d?seed=4&width=8", "50"),
        ("dcgan", "dcgan?width=4&batch=8&evaluate=20", "20"),
        ("vae", "vae?start=scratch&width=4&batch=8&latent=2", "20"),
        ("classifier", "classifier?batch=8&evaluate=50", "50"),
    ] {
        let (whole, weights) = (folder(&format!("whole-{name}")), folder(&format!("weights-{name}")));
        let train = ["train", link, "--device", "cpu", "--steps", steps, "--out"];
        assert!(kiln(&[&train[..], &[&whole]].concat()).status.success());
        assert!(kiln(&[&train[..], &[&weights, "--weights-only"]].concat()).status.success());
        let model = |out: &str| format!("{out}/model.safetensors");
        let only = read(&model(&weights));
        assert!(only.tensors.iter().all(|t| !t.name.starts_with("optimizer.") && !t.name.starts_with("history.")));
        assert_eq!(measured(&model(&weights)), measured(&model(&whole)), "{name}");
        let drawn = |out: &str| {
            let to = format!("{out}/again.safetensors");
            kiln(&["sample", &model(out), "--n", "3", "--out", &to]).status.success().then(|| read(&to))
        };
        assert_eq!(drawn(&weights), drawn(&whole), "{name}");
        assert_eq!(drawn(&weights).is_some(), name != "classifier", "{name}");
        // It goes on from there, with a fresh optimizer, at the step that it had.
        let on = format!("{weights}/on");
        let more = ["train", link, "--device", "cpu", "--steps", "2", "--resume", &model(&weights), "--out", &on];
        assert!(kiln(&more).status.success());
        let at = steps.parse::<u32>().expect("a number") + 2;
        assert_eq!(read(&model(&on)).text::<u32>("step"), Ok(at), "{name}");
    }
}

#[test]
fn the_weights_that_ship_are_sampled_and_measured() {
    let out = folder("shipped");
    std::fs::create_dir_all(&out).expect("a folder");
    let drawn = |model: &str| {
        let to = format!("{out}/samples.safetensors");
        said(Command::new(env!("CARGO_BIN_EXE_kiln")).args(["sample", model, "--n", "4", "--out", &to]));
        read(&to)
    };
    let (digits, emoji) = ([4, 1, 28, 28], [4, 3, 32, 32]);
    for (name, link, shape) in [
        ("mnist-2", "vae?latent=2", digits),
        ("mnist-8", "vae?latent=8", digits),
        ("mnist-16", "vae?latent=16", digits),
        ("mnist-32", "vae?latent=32", digits),
        ("emoji-64", "vae?data=emoji&latent=64&likelihood=gaussian", emoji),
    ] {
        let of_file = drawn(&format!("www/weights/vae-{name}.safetensors"));
        assert_eq!(of_file.find("samples").expect("samples").shape, shape);
        assert_eq!(of_file, drawn(link), "the file and the link {link} are one model");
    }
    let accuracy = measured("www/weights/digits-classifier.safetensors")["accuracy"].as_f64().expect("a number");
    assert!((0.985..1.0).contains(&accuracy), "{accuracy}");
}

/// What `measure` finds is what the run wrote down at the same step, under the same names.
#[test]
fn a_measure_has_one_value_wherever_it_is_told() {
    for (name, link, steps) in [
        ("gan2d", "gan2d?seed=4&width=8", "50"),
        ("dcgan", "dcgan?width=4&batch=8&evaluate=20", "20"),
        ("classifier", "classifier?batch=8&evaluate=50", "50"),
    ] {
        let out = folder(&format!("one-value-{name}"));
        assert!(kiln(&["train", link, "--device", "cpu", "--steps", steps, "--out", &out]).status.success());
        let metrics = std::fs::read_to_string(format!("{out}/metrics.jsonl")).expect("metrics");
        let mut rows = metrics.lines().map(|l| serde_json::from_str::<Value>(l).expect("JSON"));
        let quality = |row: &Value| ["divergence", "distance", "accuracy"].iter().any(|key| row.get(key).is_some());
        let row = rows.rfind(quality).expect("it was measured");
        assert_eq!(row["step"].to_string(), steps);
        let figures = measured(&format!("{out}/model.safetensors"));
        for (key, value) in row.as_object().expect("a row").iter().filter(|(key, _)| *key != "step") {
            assert_eq!(&figures[key], value, "{name}: {key}");
        }
    }
}

#[test]
fn every_demo_that_trains_has_its_own_number_of_steps_and_takes_it() {
    use kiln::demos::registry::DEMOS;
    let trains: Vec<&str> = DEMOS.iter().filter(|d| d.steps.is_some()).map(|d| d.name).collect();
    assert_eq!(trains, ["gan2d", "dcgan", "vae", "diffusion2d", "diffusion", "realnvp", "gpt", "classifier"]);
    let out = folder("own-steps");
    let own = DEMOS.iter().find(|d| d.name == QUICKEST.0).and_then(|d| d.steps).expect("a number");
    let said =
        said(Command::new(env!("CARGO_BIN_EXE_kiln")).args(["train", QUICKEST.1, "--device", "cpu", "--out", &out]));
    assert!(said.starts_with(&format!("{own} steps on")), "{said}");
    let refused = kiln(&["train", "text", "--out", &out]);
    let text = String::from_utf8_lossy(&refused.stderr).to_string();
    assert!(!refused.status.success() && text.contains("does not train"), "{text}");
}

/// A demo and a link of its smallest model.
const QUICKEST: (&str, &str) = ("gan2d", "gan2d?width=4&depth=1&latent=1&batch=8&noise=0");

#[test]
fn the_data_are_found_from_any_folder() {
    let out = folder("from-anywhere");
    let elsewhere = format!("{out}/prefix");
    for made in ["bin", "share/kiln/www/weights"] {
        std::fs::create_dir_all(format!("{elsewhere}/{made}")).expect("a folder");
    }
    let program = env!("CARGO_BIN_EXE_kiln");
    let train = |program: &str, folder: &str, root: Option<&str>| {
        let mut command = Command::new(program);
        command.args(["train", "classifier?batch=8", "--device", "cpu", "--steps", "1", "--out", &out]);
        command.current_dir(folder).env_remove("KILN_ROOT").envs(root.map(|root| ("KILN_ROOT", root)));
        command.output().expect("it starts")
    };
    let text = |run: Output| String::from_utf8_lossy(&run.stderr).to_string();
    for folder in ["tests/fixtures", std::env::temp_dir().to_str().expect("a path")] {
        let run = train(program, folder, None);
        assert!(run.status.success(), "in {folder}: {}", text(run));
    }
    assert!(train(program, "tests", Some(env!("CARGO_MANIFEST_DIR"))).status.success());
    let lost = train(program, ".", Some("nowhere"));
    assert!(!lost.status.success());
    let lost = text(lost);
    assert!(lost.contains("nowhere") && lost.contains("--root") && lost.contains("KILN_ROOT"), "{lost}");
    // An installed program has its data beside it, whatever lies around the current folder.
    let installed = format!("{elsewhere}/bin/kiln");
    std::fs::copy(program, &installed).expect("it is copied");
    std::fs::copy("www/weights/models.json", format!("{elsewhere}/share/kiln/www/weights/models.json"))
        .expect("a copy");
    let run = train(&installed, ".", None);
    assert!(!run.status.success(), "there are no digits beside it");
    assert!(text(run).contains("share/kiln/www/data"));
}

/// Each stands there once, but for two runs of `train`.
#[test]
fn the_readme_lists_every_command_with_options_that_it_has() {
    let readme = std::fs::read_to_string("README.md").expect("text");
    let lines: Vec<&str> =
        readme.lines().filter_map(|l| l.strip_prefix("cargo run --profile fast --bin kiln -- ")).collect();
    let mut tasks: Vec<&str> = lines.iter().filter_map(|l| l.split(' ').next()).collect();
    for (task, line) in tasks.iter().zip(&lines) {
        let help = said(Command::new(env!("CARGO_BIN_EXE_kiln")).args([task, "--help"]));
        for option in line.split(' ').filter(|word| word.starts_with("--")) {
            assert!(
                help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")),
                "{task} has no {option}"
            );
        }
    }
    tasks.sort_unstable();
    let all = "decode devices encode generate inspect measure pictures sample train train";
    assert_eq!(tasks.join(" "), all);
    let help = said(Command::new(env!("CARGO_BIN_EXE_kiln")).arg("help"));
    assert!(all.split(' ').all(|task| help.contains(task)) && help.matches("\n  ").count() >= 9, "{help}");
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
        (vec!["measure", "no-such-file.safetensors"], "Check the path"),
        (vec!["measure", "gan9?seed=1"], "Choose one of"),
        (vec!["measure", "dcgan?data=emoji"], "no classifier"),
        (vec!["sample", "README.md", "--out", &out], "Choose a complete file"),
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
