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
        (vec!["sample", "README.md", "--out", &out], "safetensors"),
        (vec!["--root", "nowhere", "train", "dcgan", "--device", "cpu", "--steps", "1", "--out", &out], "--root"),
    ] {
        let run = kiln(&args);
        let text = String::from_utf8_lossy(&run.stderr).to_string();
        assert!(!run.status.success() && text.contains(says), "{args:?}: {text}");
    }
}
