//! The language model that learns: against PyTorch (`tests/torch/gpt.py`), its data, what it learns, and how it goes on.

mod common;

use burn::module::Module;
use burn::tensor::Tensor;
use common::{Driver, fixture};
use kiln::data::Dataset;
use kiln::data::text::{ProblemKind, Problems, SequenceBatch, Text};
use kiln::demos::View;
use kiln::device::open_cpu;
use kiln::error::Code;
use kiln::models::gpt::{Gpt, GptConfig, NormPlace, Positions};
use kiln::models::pretrained;
use kiln::nn::engine;
use kiln::nn::{Activation, AdamOptions, AdamWOptions, Decay, Schedule, upload_ids};
use kiln::rng::{Purpose, Stream};
use kiln::session::link;
use kiln::session::protocol::Command;
use kiln::text::Tokenizer;
use kiln::train::{Reading, TokenBatch, Trainer, language_step};
use kiln::weights::{Checkpoint, DiskFile, ModelFile, Pretrained, load_module, save_module};
use serde_json::json;
use std::collections::BTreeSet;
use std::rc::Rc;

const STEPS: usize = 50;
const ROWS: usize = 4;
const LENGTH: usize = 8;
const VOCABULARY: usize = 13;

const SMALL: GptConfig = GptConfig {
    vocabulary: VOCABULARY,
    context: LENGTH,
    layers: 2,
    heads: 2,
    width: 16,
    positions: Positions::Learned,
    norm: NormPlace::Pre,
    activation: Activation::GeluTanh,
    tied: true,
};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

fn golden() -> Checkpoint {
    Checkpoint::from_bytes(&std::fs::read(fixture("gpt.safetensors")).expect("the fixture")).expect("a checkpoint")
}

fn numbers<'a>(file: &'a Checkpoint, name: &str) -> &'a [f32] {
    &file.find(name).unwrap_or_else(|| panic!("{name} is not in the fixture")).values
}

fn ids(values: &[f32]) -> Vec<i32> {
    values.iter().map(|&v| v as i32).collect()
}

fn batch(file: &Checkpoint, step: usize, device: &burn::tensor::Device) -> TokenBatch {
    let part = step * ROWS * LENGTH..(step + 1) * ROWS * LENGTH;
    let of = |name: &str| ids(&numbers(file, name)[part.clone()]);
    TokenBatch::new(LENGTH, of("inputs"), of("targets"), numbers(file, "weights").to_vec(), &device.clone().inner())
}

fn close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}: {a} instead of {b}");
    }
}

fn loaded(file: &Checkpoint) -> Trainer<Gpt> {
    let device = open_cpu().expect("the CPU opens").device;
    let blank = SMALL.init(&mut Stream::new(0, Purpose::Weights), &device).expect("a network");
    let mut trainer = Trainer::new("transformer", blank, device);
    trainer.load_weights(file).expect("the weights");
    trainer
}

#[test]
fn logits_and_the_gradient_of_every_layer_are_those_of_transformers_gpt2() {
    let (file, device) = (golden(), open_cpu().expect("the CPU opens").device);
    let model = loaded(&file).model;
    let TokenBatch { inputs, targets, weights } = batch(&file, 0, &device);
    let logits = model.forward(inputs, None);
    close(&values(logits.clone()), numbers(&file, "logits"), 1e-5, "logits");
    let loss = (kiln::nn::ops::cross_entropy(logits, targets) * weights.autodiff()).sum();
    let gradients = loss.backward();
    // As a network of gradients, so that none is forgotten.
    struct Gradients<'a>(&'a burn::tensor::Gradients);
    impl burn::module::ModuleMapper for Gradients<'_> {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<Tensor<D>>,
        ) -> burn::module::Param<Tensor<D>> {
            param.map(|weight| Tensor::from_inner(weight.grad(self.0).expect("a gradient")))
        }
    }
    let mut found = Checkpoint::default();
    pollster::block_on(save_module(&model.map(&mut Gradients(&gradients)), None, "d.transformer", &mut found))
        .expect("saved");
    assert_eq!(found.tensors.len(), 28);
    for gradient in &found.tensors {
        close(&gradient.values, numbers(&file, &gradient.name), 1e-5, &gradient.name);
    }
}

#[test]
fn fifty_steps_from_equal_weights_have_the_losses_of_pytorch() {
    let (file, mut trainer) = (golden(), loaded(&golden()));
    let device = open_cpu().expect("the CPU opens").device;
    let schedule = Schedule { decay: Decay::Cosine, warmup: 10, steps: STEPS as u32, floor: 0.1 };
    for step in 0..STEPS {
        let adam = AdamOptions { lr: 0.01 * schedule.factor(step as u32), beta1: 0.9, beta2: 0.99 };
        let options = AdamWOptions { adam, decay: 0.1, clip: Some(1.0) };
        for (name, reading) in language_step(&mut trainer, options, batch(&file, step, &device), None) {
            let Reading::Value(found) = reading else { panic!("{name} was not measured") };
            let expected = numbers(&file, if name == "loss" { "losses" } else { "norms" })[step];
            let found = values(*found)[0];
            assert!((found - expected).abs() < 1e-3, "step {step}, {name}: {found} instead of {expected}");
        }
    }
    assert!(
        numbers(&file, "losses")[STEPS - 1] < 0.7 * numbers(&file, "losses")[0],
        "nothing was learnt in the fixture"
    );
}

/// Whatever stands behind a token changes nothing before it, and whatever stands before it does.
#[test]
fn no_token_sees_what_comes_after_it_whatever_the_positions_and_norms() {
    let device = open_cpu().expect("the CPU opens").device.inner();
    for positions in [Positions::Learned, Positions::Rotary, Positions::None] {
        for (norm, tied) in [(NormPlace::Pre, true), (NormPlace::Post, false)] {
            let config = GptConfig { positions, norm, tied, ..SMALL };
            let model = config.init(&mut Stream::new(3, Purpose::Weights), &device).expect("a network");
            let rows = |ids: [i32; 6]| values(model.forward(upload_ids(ids.to_vec(), [1, 6], &device), None));
            let (a, b) = (rows([1, 2, 3, 4, 5, 6]), rows([1, 2, 3, 9, 5, 6]));
            let (before, after) = (..3 * VOCABULARY, 5 * VOCABULARY..);
            assert_eq!(a[before], b[before], "{config:?}");
            assert_ne!(a[after.clone()], b[after], "{config:?}");
            let weights = values(model.attention(upload_ids(vec![1, 2, 3, 4, 5, 6], [1, 6], &device), 1));
            for (at, row) in weights.chunks_exact(6).enumerate() {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{config:?}: {row:?}");
                assert!(row[at % 6 + 1..].iter().all(|&w| w == 0.0), "{config:?}: {row:?}");
            }
        }
    }
}

/// With rotary positions attention sees how far apart two tokens are, and nothing else of where they stand.
#[test]
fn rotary_positions_are_relative() {
    let device = open_cpu().expect("the CPU opens").device.inner();
    let config = GptConfig { positions: Positions::Rotary, layers: 1, ..SMALL };
    let model = config.init(&mut Stream::new(3, Purpose::Weights), &device).expect("a network");
    // The same three tokens at the beginning, and after a token that the last of them is made not to see.
    let weights = |ids: Vec<i32>| {
        let n = ids.len();
        values(model.attention(upload_ids(ids, [1, n], &device), 0))
    };
    let (short, long) = (weights(vec![4, 7, 2]), weights(vec![9, 4, 7, 2]));
    let (short, long) = (&short[6..9], &long[13..16]);
    let seen: f32 = long.iter().sum();
    for (a, b) in short.iter().zip(long) {
        assert!((a - b / seen).abs() < 1e-5, "{short:?}, {long:?}");
    }
}

fn all(kind: ProblemKind, size: usize) -> Vec<Problems> {
    (1..=2).map(|seed| Problems::new(kind, size, seed)).collect()
}

#[test]
fn every_problem_has_its_right_answer_and_none_that_is_held_out_is_trained_on() {
    let kinds = [
        (ProblemKind::Copy, 5),
        (ProblemKind::Reverse, 5),
        (ProblemKind::Sort, 6),
        (ProblemKind::Add { backwards: false }, 3),
        (ProblemKind::Add { backwards: true }, 3),
        (ProblemKind::Modular, 2),
        (ProblemKind::Brackets, 7),
    ];
    for (kind, size) in kinds {
        for mut problems in all(kind, size) {
            let characters = problems.characters().expect("characters").ready().expect("at once");
            let length = problems.length();
            let texts = |batch: &SequenceBatch| -> Vec<(String, String)> {
                let row = |row: usize| {
                    let part = row * length..(row + 1) * length;
                    let mut text: String =
                        batch.inputs[part.clone()].iter().map(|&id| characters.character(id as u32)).collect();
                    text.push(characters.character(batch.targets[part.end - 1] as u32));
                    let (question, answer) = text.split_once('=').expect("a question");
                    // What counts is the answer, and all of it.
                    let counted = batch.weights[part].iter().filter(|w| **w == 1.0).count();
                    assert_eq!(counted, answer.len(), "{kind:?}: {text}");
                    (question.to_string(), answer.to_string())
                };
                (0..batch.len()).map(row).collect()
            };
            let trained = texts(&problems.batch(400).expect("a batch").ready().expect("at once"));
            let held_out = texts(&problems.held_out().expect("problems").ready().expect("at once"));
            for (question, answer) in trained.iter().chain(&held_out) {
                assert_eq!(*answer, solved(kind, question), "{kind:?}: {question}");
            }
            let questions: BTreeSet<_> = trained.iter().map(|(q, _)| q).collect();
            assert!(held_out.iter().all(|(q, _)| !questions.contains(q)), "{kind:?}");
        }
    }
}

fn solved(kind: ProblemKind, question: &str) -> String {
    let sum = || question.split('+').map(|part| part.parse::<u32>().expect("a number")).sum::<u32>();
    match kind {
        ProblemKind::Copy => question.into(),
        ProblemKind::Reverse => question.chars().rev().collect(),
        ProblemKind::Sort => {
            let count = |c: char| question.matches(c).count();
            ["0", "1", "2"].map(|c| c.repeat(count(c.chars().next().expect("one")))).concat()
        }
        ProblemKind::Add { backwards: false } => format!("{:04}", sum()),
        ProblemKind::Add { backwards: true } => format!("{:04}", sum()).chars().rev().collect(),
        ProblemKind::Modular => format!("{:02}", sum() % 97),
        ProblemKind::Brackets => {
            let mut rest = question.to_string();
            while rest.contains("()") {
                rest = rest.replace("()", "");
            }
            if rest.is_empty() { "y" } else { "n" }.into()
        }
    }
}

#[test]
fn the_other_settings_follow_the_text_until_they_are_changed() {
    let read = |text: &str| link::parse(text).expect("a link");
    let canonical = |text: &str| {
        let link = read(text);
        link::canonical(link.entry, &link.values)
    };
    assert_eq!(read("gpt").values["width"], json!(64));
    assert_eq!(read("gpt?data=shakespeare").values["width"], json!(128));
    assert_eq!(read("gpt?width=32&data=shakespeare").values["width"], json!(32));
    assert_eq!(canonical("gpt?data=shakespeare&width=128&layers=4"), "gpt?data=shakespeare");
    assert_eq!(canonical("gpt?data=names&width=64"), "gpt");
    assert_eq!(canonical("gpt?width=128"), "gpt?width=128");
    // What was never named follows, what was named stays.
    let entry = read("gpt").entry;
    let changed =
        link::with(entry, &read("gpt?data=sort&batch=7").values, kiln::demos::values(json!({ "data": "add" })));
    assert_eq!(link::canonical(entry, &changed), "gpt?data=add&batch=7");
    assert_eq!(changed["length"], json!(3));
}

/// Its held-out answers after so many steps, by the measures of the last evaluation.
fn learnt(link: &str, steps: u32) -> (f32, f32) {
    let file = Driver::open(link).step(steps).checkpoint();
    let measured = file.find("history.measures").expect("measures");
    let last = measured.values.chunks_exact(measured.shape[1]).next_back().expect("a row");
    (last[1], last[2])
}

/// Share of right answers to problems that it never saw.
#[test]
fn it_learns_to_sort_within_two_hundred_steps() {
    let (_, right) = learnt("gpt?data=sort", 170);
    assert!(right >= 0.99, "{right}");
}

/// Bigrams reach 2.44 nats a letter.
#[test]
fn it_writes_names_better_than_one_who_knows_only_the_letter_before() {
    let (nats, _) = learnt("gpt", 430);
    assert!(nats < 2.3, "{nats} nats");
}

fn panel(driver: &Driver, id: &str) -> Vec<View> {
    driver.last_panels().into_iter().find(|panel| panel.id == id).unwrap_or_else(|| panic!("no panel {id}")).views
}

#[test]
fn a_run_goes_on_from_its_checkpoint_as_if_it_had_not_stopped() {
    for text in ["gpt?data=sort&layers=1&batch=8&evaluate=20&dropout=0.1", "gpt?layers=1&batch=8&evaluate=20&context=8"]
    {
        let whole = Driver::open(text).step(40).bytes();
        let half = Driver::open(text).step(23).bytes();
        let mut resumed = Driver::new(true);
        resumed.load("", Some(half));
        assert_eq!(resumed.step(17).bytes(), whole, "{text}");
    }
}

#[test]
fn it_shows_what_it_writes_with_what_else_was_likely_and_where_it_looks() {
    let mut driver = Driver::new(true);
    driver.load("gpt?layers=2&batch=8&evaluate=20&prompt=mar&layer=1", None);
    driver.step(60);
    // Written before the first step, and at each check by the model of that step; nothing is told twice.
    let written: Vec<u32> = driver
        .all_panels("completions")
        .iter()
        .map(|panel| match &panel.views[..] {
            [View::Texts { step, film: true, .. }] => *step,
            views => panic!("{views:?}"),
        })
        .collect();
    assert_eq!(written[..2], [0, 20], "{written:?}");
    assert!(written.windows(2).all(|pair| pair[0] < pair[1]), "{written:?}");
    let sent = driver.all_panels("completions");
    let [View::Texts { texts, .. }] = &sent[sent.len() - 1].views[..] else { panic!("no texts") };
    assert_eq!(texts.len(), 8);
    assert!(texts.iter().all(|text| text.tokens.iter().filter(|t| t.role == "generated").all(|t| t.raw.is_some())));
    let [View::Tokens { tokens, .. }] = &panel(&driver, "text")[..] else { panic!("no tokens") };
    assert_eq!(tokens[1..4].iter().map(|t| t.piece.as_str()).collect::<String>(), "mar");
    let written = &tokens[4];
    assert_eq!((written.role.as_str(), written.candidates.len()), ("generated", 8));
    driver.send(Command::Act { name: "choose".into(), args: json!({ "token": 3 }) });
    let [View::Attention { token: 3, layer: 1, layers: 2, heads: 4, weights, .. }] = &panel(&driver, "attention")[..]
    else {
        panic!("{:?}", panel(&driver, "attention"))
    };
    for head in weights.0.chunks_exact(4) {
        assert!((head.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{head:?}");
    }
    // A prompt that has nothing of the text's characters is an empty one.
    driver.send(Command::Set { key: "prompt".into(), value: json!("三二一") });
    let [View::Tokens { tokens, .. }] = &panel(&driver, "text")[..] else { panic!("no tokens") };
    assert!(tokens.iter().skip(1).all(|t| t.role == "generated"));
    assert_eq!(driver.errors(), []);
}

#[test]
fn sizes_that_do_not_fit_together_are_refused_with_what_to_do() {
    let mut driver = Driver::new(false);
    driver.load("gpt?width=64&heads=5", None);
    assert_eq!(driver.errors(), [Code::Unsupported]);
    assert!(driver.messages()[0].contains("5 heads"), "{:?}", driver.messages());
}

#[test]
fn a_checkpoint_of_another_text_is_refused() {
    let names = Driver::open("gpt?layers=1&batch=8").step(2).checkpoint();
    let mut other = names.clone();
    other.set_text("characters", "abc");
    let mut driver = Driver::new(false);
    driver.load("", Some(other.to_bytes().expect("bytes")));
    assert_eq!(driver.errors().len(), 1, "{:?}", driver.messages());
    // And its weights are not lost: the whole one opens.
    driver.load("", Some(names.to_bytes().expect("bytes")));
    assert_eq!(driver.errors().len(), 1, "{:?}", driver.messages());
}

/// The same tensors, config and tokenizer, read as a pretrained GPT-2 by the engine that `text` and `kiln generate` run.
#[test]
fn what_it_learnt_opens_as_a_gpt2_and_says_the_same() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("gpt2");
    std::fs::create_dir_all(&folder).expect("a folder");
    for text in ["gpt?layers=2&batch=8&context=12", "gpt?data=sort&batch=8&tied=false"] {
        let mut driver = Driver::open(text);
        let bytes = driver.step(12).bytes();
        std::fs::write(folder.join("model.safetensors"), &bytes).expect("written");
        let mut names = vec!["model.safetensors"];
        for (name, content) in driver.session.companions().expect("files") {
            std::fs::write(folder.join(name), content.to_string()).expect("written");
            names.push(name);
        }
        let open = |name: &str| ModelFile {
            name: name.into(),
            bytes: Rc::new(DiskFile::open(&folder.join(name)).expect("a file")),
        };
        let files = Pretrained::open(&names.into_iter().map(open).collect::<Vec<_>>()).expect("a model");
        let tokenizer = Tokenizer::new(files.vocabulary.clone()).expect("a tokenizer");
        let (prompt, names) = if text.contains("sort") { ("2102", false) } else { ("maria", true) };
        let mut ids = tokenizer.encode(prompt, true).expect("tokens");
        ids.splice(0..0, tokenizer.first(false));
        assert_eq!(ids.len(), prompt.len() + usize::from(names), "{text}: a name begins after the end of one");
        let mut loader = pretrained::open(engine::Cpu, files.architecture.clone(), 64).expect("a loader");
        while loader.load(&files).expect("loaded").0 <= files.architecture.layers {}
        let mut model = loader.finish().expect("a model");
        let found = pollster::block_on(model.logits(&ids, 0)).expect("logits");
        let device = open_cpu().expect("the CPU opens").device.inner();
        let mut file = Checkpoint::from_bytes(&bytes).expect("a checkpoint");
        kiln::weights::gpt2::turn_conv1d(&mut file);
        let (layers, tied) = if names { (2, true) } else { (3, false) };
        let (heads, width, context) = if names { (4, 64, 12) } else { (3, 48, 12) };
        let config = GptConfig { vocabulary: found.len(), context, layers, heads, width, tied, ..SMALL };
        let blank = config.init(&mut Stream::new(0, Purpose::Weights), &device).expect("a network");
        let learnt = load_module(blank, None, "transformer", &file, &device).expect("the weights");
        let tokens: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let expected = values(learnt.forward(upload_ids(tokens, [1, ids.len()], &device), None));
        close(&found, &expected[expected.len() - found.len()..], 1e-4, text);
    }
}
