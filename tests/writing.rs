//! The text demo as a person drives it: prompt, knobs, stop, go on, branch, regenerate, chat, links. On a tiny random model.

mod common;

use common::Driver;
use kiln::demos::{Token, View};
use kiln::generate::{SamplerConfig, sample};
use kiln::session::Next;
use kiln::session::protocol::Command;
use serde_json::json;

const MODEL: &str = "model=tests/fixtures/text/tiny-llama-q8_0.gguf&prompt=Once%20upon%20a%20time&max_tokens=24";

/// A session that shows what it does, after writing to the end.
fn write(link: &str) -> Driver {
    let mut driver = Driver::new(true);
    driver.load(link, None);
    run(&mut driver);
    driver
}

fn run(driver: &mut Driver) {
    driver.send(Command::Run);
    while pollster::block_on(driver.session.tick()) != Next::Sleep {}
    assert!(driver.errors().is_empty(), "{:?}", driver.messages());
}

fn act(driver: &mut Driver, name: &str, args: serde_json::Value) {
    driver.send(Command::Act { name: name.into(), args });
    assert!(driver.errors().is_empty(), "{:?}", driver.messages());
}

/// The tokens that the page holds: each view replaces what lies from its beginning on.
fn tokens(driver: &Driver) -> (Vec<Token>, String) {
    let events = driver.desk.events.borrow();
    let (mut held, mut why) = (Vec::new(), String::new());
    for event in events.iter() {
        let kiln::session::protocol::Event::Views { panels, .. } = event else { continue };
        for view in panels.iter().flat_map(|p| &p.views) {
            if let View::Tokens { from, tokens, stop, .. } = view {
                held.truncate(*from as usize);
                held.extend(tokens.iter().cloned());
                why.clone_from(stop);
            }
        }
    }
    (held, why)
}

fn ids(driver: &Driver) -> Vec<u32> {
    tokens(driver).0.iter().map(|t| t.id).collect()
}

fn text(driver: &Driver) -> String {
    tokens(driver).0.iter().map(|t| t.text.as_str()).collect()
}

/// Indices of the tokens that the model wrote.
fn written(driver: &Driver) -> Vec<usize> {
    tokens(driver).0.iter().enumerate().filter(|(_, t)| t.raw.is_some()).map(|(i, _)| i).collect()
}

#[test]
fn the_same_link_writes_the_same_text_and_another_seed_another() {
    let link = format!("text?{MODEL}&chat=false&temperature=1");
    let (a, b) = (write(&link), write(&link));
    assert_eq!(ids(&a), ids(&b));
    assert_eq!(tokens(&a).1, "length");
    assert_eq!(written(&a).len(), 24);
    assert_ne!(ids(&a), ids(&write(&format!("{link}&seed=2"))));
}

#[test]
fn a_pause_changes_nothing() {
    let link = format!("text?{MODEL}&chat=false&temperature=1");
    let whole = write(&link);
    let mut parts = Driver::new(true);
    parts.load(&link, None);
    parts.step(3);
    parts.step(1);
    assert_eq!(written(&parts).len(), 4);
    run(&mut parts);
    assert_eq!(ids(&whole), ids(&parts));
}

#[test]
fn going_on_after_the_length_gives_what_a_longer_answer_gives() {
    let short = format!("text?{MODEL}&chat=false&temperature=1");
    let mut driver = write(&short);
    run(&mut driver);
    assert_eq!(written(&driver).len(), 48);
    assert_eq!(ids(&driver), ids(&write(&short.replace("max_tokens=24", "max_tokens=48"))));
}

#[test]
fn a_branch_keeps_what_came_before_and_its_link_writes_it_again() {
    let mut driver = write(&format!("text?{MODEL}&chat=false&temperature=1"));
    let (before, at) = (ids(&driver), written(&driver)[5]);
    let other =
        tokens(&driver).0[at].candidates.iter().map(|c| c.id).find(|id| *id != before[at]).expect("a candidate");
    act(&mut driver, "branch", json!({ "at": at, "id": other }));
    run(&mut driver);
    let after = ids(&driver);
    assert_eq!(after[..at], before[..at]);
    assert_eq!(after[at], other);
    assert!(tokens(&driver).0[at].forced);
    assert_eq!(written(&driver).len(), 24);
    assert_eq!(ids(&write(&driver.link())), after, "{}", driver.link());
}

#[test]
fn regenerating_writes_something_else_and_its_link_writes_it_again() {
    let mut driver = write(&format!("text?{MODEL}&temperature=1"));
    let before = ids(&driver);
    act(&mut driver, "regenerate", json!({}));
    run(&mut driver);
    assert_ne!(ids(&driver), before);
    assert_eq!(ids(&write(&driver.link())), ids(&driver));
}

#[test]
fn a_chat_of_several_turns_is_written_again_from_its_link() {
    let mut driver = write(&format!("text?{MODEL}&temperature=1"));
    act(&mut driver, "send", json!({ "text": "And 然后?" }));
    run(&mut driver);
    // The answer to the second turn anew, with the first kept.
    act(&mut driver, "regenerate", json!({}));
    run(&mut driver);
    let roles: Vec<String> = tokens(&driver).0.iter().map(|t| t.role.clone()).collect();
    for role in ["template", "system", "user", "assistant"] {
        assert!(role == "system" || roles.iter().any(|r| r == role), "no {role} in {roles:?}");
    }
    assert!(text(&driver).contains("And 然后?"), "{}", text(&driver));
    assert_eq!(ids(&write(&driver.link())), ids(&driver), "{}", driver.link());
}

#[test]
fn an_answer_that_was_cut_by_the_next_turn_is_cut_there_again() {
    let mut driver = Driver::new(true);
    driver.load(&format!("text?{MODEL}&temperature=1"), None);
    driver.step(5);
    act(&mut driver, "send", json!({ "text": "Stop" }));
    run(&mut driver);
    assert_eq!(ids(&write(&driver.link())), ids(&driver), "{}", driver.link());
}

#[test]
fn a_saved_text_goes_on_as_if_it_had_never_stopped() {
    let link = format!("text?{MODEL}&temperature=1");
    let whole = write(&link);
    let mut first = Driver::new(true);
    first.load(&link, None);
    first.step(7);
    let saved = first.bytes();
    let mut second = Driver::new(true);
    second.load("", Some(saved));
    assert_eq!(second.steps(), 7);
    run(&mut second);
    assert_eq!(ids(&second), ids(&whole));
}

#[test]
fn a_text_that_had_stopped_when_it_was_saved_does_not_grow_by_being_opened() {
    let mut first = write(&format!("text?{MODEL}&temperature=1"));
    let saved = first.bytes();
    let mut second = Driver::new(true);
    second.load("", Some(saved));
    run(&mut second);
    assert_eq!(ids(&second), ids(&first));
    run(&mut second);
    assert!(ids(&second).len() > ids(&first).len(), "asked again, it goes on");
}

#[test]
fn a_new_prompt_gives_what_a_fresh_link_gives() {
    let link = format!("text?{MODEL}&chat=false&temperature=1");
    let mut driver = write(&link);
    act(&mut driver, "send", json!({ "text": "Once upon a mountain" }));
    run(&mut driver);
    assert_eq!(ids(&driver), ids(&write(&link.replace("time", "mountain"))));
}

#[test]
fn a_model_without_a_chat_template_takes_what_is_sent_as_its_prompt() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("without-template");
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(format!("tests/fixtures/text/gpt2-bare/{name}"), folder.join(name)).expect("a copy");
    }
    let mut driver = write(&format!("text?model={}&prompt=Hello&max_tokens=4", folder.display()));
    act(&mut driver, "send", json!({ "text": "Good morning" }));
    run(&mut driver);
    assert!(text(&driver).starts_with("Good morning"), "{}", text(&driver));
}

#[test]
fn a_text_too_long_for_a_link_is_refused_and_nothing_is_lost() {
    let mut driver = write(&format!("text?{MODEL}"));
    let before = ids(&driver);
    driver.send(Command::Act { name: "send".into(), args: json!({ "text": "word ".repeat(2_000) }) });
    assert!(driver.messages().iter().any(|m| m.contains("longer than a link can hold")), "{:?}", driver.messages());
    assert_eq!(ids(&driver), before);
}

#[test]
fn writing_ends_at_a_stop_string_and_at_the_end_of_the_context() {
    let link = format!("text?{MODEL}&chat=false&temperature=1");
    let driver = write(&link);
    let whole = text(&driver);
    let from = whole.char_indices().nth(whole.chars().count() - 6).expect("some text").0;
    let stop: String = whole[from..].chars().take(2).map(|c| c.to_string()).collect();
    let escaped: String = stop.bytes().map(|b| format!("%{b:02X}")).collect();
    let stopped = write(&format!("{link}&stop={escaped}"));
    assert_eq!(tokens(&stopped).1, "string", "{stop:?} in {whole:?}");
    assert!(written(&stopped).len() <= 24);
    let full = write(&format!("{link}&context=16&max_tokens=100"));
    assert_eq!(tokens(&full).1, "context");
    assert_eq!(tokens(&full).0.len(), 16);
}

#[test]
fn a_sliding_window_goes_on_beyond_the_context() {
    let attentive = write(&format!("text?{MODEL}&chat=false&context=32&full=slide&max_tokens=60&attention=true"));
    let panels = attentive.last_panels();
    let attention = panels.iter().flat_map(|p| &p.views).find_map(|v| match v {
        View::Attention { token, heads, weights, .. } => {
            Some((*token as usize + 1, *heads as usize, weights.0.clone()))
        }
        _ => None,
    });
    let (tokens_seen, heads, weights) = attention.expect("attention");
    assert_eq!(weights.len(), heads * tokens_seen);
    assert_eq!(weights[0], 0.0, "a token that was forgotten has no weight");
    let driver = write(&format!("text?{MODEL}&chat=false&temperature=1&context=32&full=slide&max_tokens=100"));
    assert_eq!(written(&driver).len(), 100);
    assert_eq!(tokens(&driver).1, "length");
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_and_says_so() {
    let mut driver = Driver::new(true);
    driver.load(&format!("text?{MODEL}&context=16&prompt={}", "word%20".repeat(60)), None);
    driver.step_to_the_end(1);
    assert!(driver.messages().iter().any(|m| m.contains("longer than the 16 tokens")), "{:?}", driver.messages());
}

#[test]
fn attention_and_lens_are_there_only_while_they_are_shown() {
    let mut driver = write(&format!("text?{MODEL}"));
    let kinds = |driver: &Driver| {
        let views = driver.last_panels().into_iter().flat_map(|p| p.views);
        let kind = |v: View| match v {
            View::Attention { weights, heads, token, .. } => {
                assert_eq!(weights.0.len() as u32, heads * (token + 1));
                let sum: f32 = weights.0[..token as usize + 1].iter().sum();
                assert!((sum - 1.0).abs() < 1e-4, "{sum}");
                "attention"
            }
            View::Lens { layers, .. } => {
                assert_eq!(layers.len(), 3, "the embedding and two layers");
                "lens"
            }
            _ => "",
        };
        views.map(kind).filter(|k| !k.is_empty()).collect::<Vec<_>>()
    };
    assert!(kinds(&driver).is_empty());
    for key in ["attention", "lens"] {
        driver.send(Command::Set { key: key.into(), value: true.into() });
    }
    assert_eq!(kinds(&driver), ["attention", "lens"]);
    // The lens of the last layer says what the model said.
    let at = *written(&driver).last().expect("a token") - 1;
    act(&mut driver, "choose", json!({ "token": at }));
    let said = tokens(&driver).0[at + 1].candidates.iter().max_by(|a, b| a.raw.total_cmp(&b.raw)).map(|c| c.id);
    let panels = driver.last_panels();
    let lens = panels.iter().flat_map(|p| &p.views).find_map(|v| match v {
        View::Lens { layers, .. } => layers.last().map(|l| l[0].id),
        _ => None,
    });
    assert_eq!(lens, said);
}

const KNOBS: SamplerConfig = SamplerConfig {
    greedy: false,
    temperature: 1.0,
    top_k: 0,
    top_p: 1.0,
    min_p: 0.0,
    repetition_penalty: 1.0,
    seed: 1,
};

#[test]
fn tokens_are_drawn_as_often_as_their_probabilities_say() {
    let logits = [2.0, 1.0, 0.0, -1.0, -3.0];
    let sum: f32 = logits.iter().map(|l: &f32| l.exp()).sum();
    const DRAWS: usize = 20_000;
    let mut counts = [0.0; 5];
    for position in 0..DRAWS {
        counts[sample(&logits, &[], &KNOBS, position, None, 0).expect("a token").token.id as usize] += 1.0;
    }
    for (logit, count) in logits.iter().zip(counts) {
        let p = logit.exp() / sum;
        let spread = (p * (1.0 - p) / DRAWS as f32).sqrt();
        assert!((count / DRAWS as f32 - p).abs() < 4.0 * spread, "{p} was drawn {count} times");
    }
}

#[test]
fn each_knob_keeps_the_tokens_that_its_definition_keeps() {
    // Probabilities 0.5, 0.3, 0.15, 0.05.
    let logits: Vec<f32> = [0.5f32, 0.3, 0.15, 0.05].iter().map(|p| p.ln()).collect();
    let after = |knobs: SamplerConfig, seen: &[u32]| -> Vec<f32> {
        let choice = sample(&logits, seen, &knobs, 0, None, 4).expect("a token");
        (0..4).map(|id| choice.candidates.iter().find(|c| c.id == id).expect("all four").p).collect()
    };
    let close = |a: Vec<f32>, b: [f32; 4]| {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} is not {b:?}");
    };
    close(after(KNOBS, &[]), [0.5, 0.3, 0.15, 0.05]);
    close(after(SamplerConfig { top_k: 2, ..KNOBS }, &[]), [0.625, 0.375, 0.0, 0.0]);
    close(after(SamplerConfig { top_p: 0.79, ..KNOBS }, &[]), [0.625, 0.375, 0.0, 0.0]);
    close(after(SamplerConfig { top_p: 0.81, ..KNOBS }, &[]), [0.526_316, 0.315_789, 0.157_895, 0.0]);
    close(after(SamplerConfig { min_p: 0.29, ..KNOBS }, &[]), [0.526_316, 0.315_789, 0.157_895, 0.0]);
    close(after(SamplerConfig { greedy: true, ..KNOBS }, &[]), [1.0, 0.0, 0.0, 0.0]);
    // Half the temperature squares the probabilities.
    close(after(SamplerConfig { temperature: 0.5, ..KNOBS }, &[]), [0.684_931, 0.246_575, 0.061_644, 0.006_849]);
    // All logits are negative: a penalty of 2 doubles token 0's, which squares its weight: 0.25, 0.3, 0.15, 0.05.
    close(after(SamplerConfig { repetition_penalty: 2.0, ..KNOBS }, &[0, 0]), [0.333_333, 0.4, 0.2, 0.066_667]);
}

#[test]
fn each_candidate_says_which_filter_left_it_out_and_whether_it_was_penalised() {
    use kiln::generate::Filter::{Greedy, MinP, TopK, TopP};
    // Probabilities 0.5, 0.3, 0.15, 0.05.
    let logits: Vec<f32> = [0.5f32, 0.3, 0.15, 0.05].iter().map(|p| p.ln()).collect();
    let reasons = |knobs: SamplerConfig, seen: &[u32], show: usize| {
        let choice = sample(&logits, seen, &knobs, 0, None, show).expect("a token");
        assert!(choice.candidates.iter().all(|c| (c.p > 0.0) == c.filter.is_none()), "{:?}", choice.candidates);
        let by_id = |id| choice.candidates.iter().find(|c| c.id == id).map(|c| (c.filter, c.penalised));
        (0..show as u32).filter_map(by_id).collect::<Vec<_>>()
    };
    let filters = |knobs: SamplerConfig| reasons(knobs, &[], 4).into_iter().map(|r| r.0).collect::<Vec<_>>();
    assert_eq!(filters(KNOBS), [None; 4]);
    assert_eq!(filters(SamplerConfig { top_k: 2, ..KNOBS }), [None, None, Some(TopK), Some(TopK)]);
    assert_eq!(filters(SamplerConfig { top_p: 0.79, ..KNOBS }), [None, None, Some(TopP), Some(TopP)]);
    assert_eq!(filters(SamplerConfig { min_p: 0.29, ..KNOBS }), [None, None, None, Some(MinP)]);
    assert_eq!(filters(SamplerConfig { greedy: true, ..KNOBS }), [None, Some(Greedy), Some(Greedy), Some(Greedy)]);
    assert_eq!(filters(SamplerConfig { temperature: 0.0, ..KNOBS })[1], Some(Greedy));
    // The first that leaves it out is named: top-k before top-p, top-p before min-p.
    let all = SamplerConfig { top_k: 3, top_p: 0.79, min_p: 0.9, ..KNOBS };
    assert_eq!(filters(all), [None, Some(MinP), Some(TopP), Some(TopK)]);
    assert_eq!(sample(&logits, &[], &all, 0, None, 0).expect("a token").token.p, 1.0, "however many are shown");
    let penalised = reasons(SamplerConfig { repetition_penalty: 2.0, top_k: 3, ..KNOBS }, &[0, 3], 4);
    assert_eq!(penalised, [(None, true), (None, false), (None, false), (Some(TopK), true)]);
    // A token that the person puts there is told as the others are.
    let forced =
        |id| sample(&logits, &[], &SamplerConfig { top_k: 2, ..KNOBS }, 0, Some(id), 4).expect("a token").token;
    assert_eq!([forced(1), forced(3)].map(|t| (t.id, t.filter)), [(1, None), (3, Some(TopK))]);
    assert!((forced(1).p - 0.375).abs() < 1e-5 && forced(3).p == 0.0);
}

/// The lesson's first link: temperature alone bends the probabilities. A link that names a penalty keeps it.
#[test]
fn no_token_is_penalised_unless_a_link_asks_for_it() {
    let penalised = |penalty: &str| {
        let driver = write(&format!("text?{MODEL}&chat=false&greedy=true{penalty}"));
        tokens(&driver).0.iter().flat_map(|t| &t.candidates).filter(|c| c.penalised).count()
    };
    assert_eq!(penalised(""), 0);
    assert!(penalised("&repetition_penalty=1.1") > 0);
}

#[test]
fn logits_that_are_no_numbers_are_an_error_and_no_token() {
    assert!(sample(&[0.0, f32::NAN], &[], &KNOBS, 0, None, 1).is_err());
    assert!(sample(&[f32::INFINITY, 0.0], &[], &KNOBS, 0, None, 1).is_err());
}
