//! Chat templates against transformers; the goldens are made by tests/torch/text_golden.py.

#[path = "common/files.rs"]
mod files;

use files::{fixture, smollm2};
use kiln::error::Code;
use kiln::text::{Message, Role, Tokenizer, encode_chat, render, segments};
use kiln::weights::{ModelFile, Pretrained};
use serde::Deserialize;

fn golden<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let text = std::fs::read_to_string(format!("tests/fixtures/text/{name}")).expect("a golden file");
    serde_json::from_str(&text).expect("JSON")
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    content: String,
}

fn messages(turns: &[Turn]) -> Vec<Message> {
    let role = |name: &str| {
        [Role::System, Role::User, Role::Assistant].into_iter().find(|r| r.name() == name).expect("a role")
    };
    turns.iter().map(|t| Message { role: role(&t.role), content: t.content.clone() }).collect()
}

#[derive(Deserialize)]
struct Chat {
    tokenizer: String,
    messages: Vec<Turn>,
    add_generation_prompt: bool,
    text: String,
    ids: Vec<u32>,
}

#[test]
fn chats_equal_the_references_but_for_special_tokens_that_a_person_typed() {
    check_chats("tiny-smollm", &fixture("llama"));
}

#[test]
#[ignore = "needs the real SmolLM2, which is not committed: KILN_MODELS names its folder"]
fn chats_of_the_real_smollm2_equal_the_references() {
    check_chats("smollm2", &[smollm2()]);
}

fn check_chats(name: &str, files: &[ModelFile]) {
    let model = Pretrained::open(files).expect("a model");
    let tokenizer = Tokenizer::new(model.vocabulary).expect("a tokenizer");
    let template = model.chat_template.expect("a template");
    let all = golden::<Vec<Chat>>("chat.json");
    let chats: Vec<&Chat> = all.iter().filter(|chat| chat.tokenizer == name).collect();
    assert!(!chats.is_empty(), "nothing was asked of {name}");
    chats.into_iter().for_each(|chat| check_chat(&tokenizer, &template, chat));
}

fn check_chat(tokenizer: &Tokenizer, template: &str, chat: &Chat) {
    let messages = messages(&chat.messages);
    let cut = segments(template, &messages, None, None, chat.add_generation_prompt).expect("segments");
    assert_eq!(cut.iter().map(|(_, text)| text.as_str()).collect::<String>(), chat.text);
    for Message { role, content } in messages.iter().filter(|m| !m.content.trim().is_empty()) {
        assert!(cut.contains(&(*role, content.trim().to_owned())), "{cut:?}");
    }
    let own = encode_chat(tokenizer, &cut).expect("ids");
    let specials = |ids: &[u32]| ids.iter().filter(|&&id| tokenizer.is_special(id)).count();
    let ids: Vec<u32> = own.iter().map(|(id, _)| *id).collect();
    if messages.iter().any(|m| m.content.contains("<|im_end|>")) {
        assert_eq!(specials(&ids), specials(&chat.ids) - 1);
    } else {
        assert_eq!(ids, chat.ids, "{:?}", chat.text);
    }
    for (id, role) in own.iter().filter(|(id, _)| tokenizer.is_special(*id)) {
        assert_eq!(*role, Role::Template, "{id}");
    }
    let said = own.iter().filter(|(_, role)| *role == Role::User).flat_map(|(id, _)| tokenizer.bytes(*id)).copied();
    let said = String::from_utf8_lossy(&said.collect::<Vec<u8>>()).into_owned();
    assert!(messages.iter().filter(|m| m.role == Role::User).all(|m| said.contains(m.content.trim())), "{said:?}");
}

#[derive(Deserialize)]
struct Rendered {
    template: String,
    messages: Vec<Turn>,
    add_generation_prompt: bool,
    bos_token: String,
    eos_token: String,
    /// `None` where the template refuses.
    text: Option<String>,
}

#[test]
fn templates_render_as_in_transformers() {
    for row in golden::<Vec<Rendered>>("templates.json") {
        let messages = messages(&row.messages);
        let (bos, eos) = (Some(row.bos_token.as_str()), Some(row.eos_token.as_str()));
        let text = render(&row.template, &messages, bos, eos, row.add_generation_prompt);
        assert_eq!(text.as_ref().ok(), row.text.as_ref(), "{:?}", text.as_ref().err());
        let cut = segments(&row.template, &messages, bos, eos, row.add_generation_prompt).unwrap_or_default();
        assert_eq!(cut.into_iter().map(|(_, text)| text).collect::<String>(), row.text.unwrap_or_default());
    }
}

#[test]
fn a_content_that_the_template_shortens_is_still_the_persons() {
    let said = Message { role: Role::User, content: "hm</think> yes <|im_end|>".into() };
    let template = "<|a|>{{ messages[0].content.split('</think>')[-1] }}<|b|>";
    let cut = segments(template, &[said], None, None, true).expect("segments");
    let expected = [(Role::Template, "<|a|>"), (Role::User, " yes <|im_end|>"), (Role::Template, "<|b|>")];
    assert_eq!(cut, expected.map(|(role, text)| (role, text.to_owned())));
}

#[test]
fn hostile_templates_end_in_an_error() {
    let said = [Message { role: Role::User, content: "hi".into() }];
    for template in [
        "{% for i in range(100000) %}{% for j in range(100000) %}{{ i }}{% endfor %}{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ 'a' * 100000000000 }}",
        "{{ raise_exception('no') }}",
        "{% if %}",
        "{{ strftime_now('%Y') }}",
        "{% include 'x' %}",
        &"{% if true %}".repeat(10_000),
        &"(".repeat(100_000),
        &format!("{{{{ {} }}}}", "(".repeat(100_000)),
        &format!("{{{{ {}1 }}}}", "-".repeat(100_000)),
        &format!("{{{{ 1{} }}}}", "+1".repeat(100_000)),
        &format!("{{{{ bos{} }}}}", ".a".repeat(100_000)),
        &format!("{{{{ bos{} }}}}", "|trim".repeat(20_000)),
        &format!("{{% if a %}}{}{{% endif %}}", "{% elif b %}".repeat(10_000)),
        &"x".repeat(1 << 20),
    ] {
        let shown = &template[..template.len().min(60)];
        match render(template, &said, None, None, true) {
            Ok(text) => assert_eq!(text, template, "{shown} was rendered"),
            Err(error) => assert_eq!(error.code, Code::Unsupported, "{shown}"),
        }
    }
}
