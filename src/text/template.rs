//! Chat templates: a model's Jinja template, rendered as by `apply_chat_template` of `transformers`.

use super::message::Message;
use crate::error::{Code, Error, Result};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, Value, context};
use serde::Serialize;

/// Bytes of the longest template that is accepted; the longest on the hub have about 20,000.
const MAX_TEMPLATE: usize = 1 << 18;
/// Instructions for a template and for each message: many times what the largest templates need.
const FUEL: u64 = 20_000;
const FUEL_A_MESSAGE: u64 = 5_000;
/// Symbols and words in one `{{ }}` or `{% %}`, and `elif`s in all. minijinja limits the nesting of brackets and blocks, but not the
/// length of chains (`- - 1`, `a.b.c`, `1 + 1 + 1`), which overflow the stack.
const MAX_TAG: usize = 600;
const MAX_ELIFS: usize = 200;
/// The recursion limit, where blocks count one and macros about ten: small enough for the stack of a worker.
const DEPTH: usize = 200;

/// Renders a chat. With `add_generation_prompt` it ends where the next answer begins.
///
/// As in `transformers`, `tools` and `documents` are none, and there is a function `raise_exception`. There is no `strftime_now`, because
/// there is no clock here; templates test whether it is defined.
///
/// # Errors
/// `Unsupported` where the template is invalid, refuses these messages, or takes too long. Its memory is limited only by the number of
/// its instructions.
pub fn render(
    template: &str,
    messages: &[Message],
    bos: Option<&str>,
    eos: Option<&str>,
    add_generation_prompt: bool,
) -> Result<String> {
    if template.len() > MAX_TEMPLATE || !shallow(template) {
        let bytes = template.len();
        return Err(Error::unsupported(format!(
            "The model's chat template ({bytes} bytes) is too large or too complicated."
        )));
    }
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(refused)?);
    environment.set_fuel(Some(FUEL + FUEL_A_MESSAGE * messages.len() as u64));
    environment.set_recursion_limit(DEPTH);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", to_json);
    environment.add_function("raise_exception", |message: String| -> std::result::Result<Value, minijinja::Error> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    });
    let token = |token: Option<&str>| token.map_or(Value::UNDEFINED, Value::from);
    let message = |m: &Message| Value::from_pairs([("role", m.role.name()), ("content", &m.content)]);
    let values = context! {
        messages => messages.iter().map(message).collect::<Value>(),
        add_generation_prompt => add_generation_prompt,
        bos_token => token(bos),
        eos_token => token(eos),
        tools => Value::from(()),
        documents => Value::from(()),
    };
    environment.render_str(template, values).map_err(refused)
}

fn refused(error: minijinja::Error) -> Error {
    let reason = match error.kind() {
        ErrorKind::OutOfFuel => "it takes too long".to_owned(),
        _ => error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
    };
    let place = error.line().map_or_else(String::new, |line| format!(" (line {line})"));
    Error::new(
        Code::Unsupported,
        format!("The model's chat template cannot write this chat: {reason}{place}."),
        "Change the messages, for example leave the system prompt empty, or prompt the model without a chat.",
    )
}

/// `json.dumps(value, ensure_ascii=False, indent=indent)`: without HTML escapes and with spaces, unlike Jinja's own filter.
fn to_json(value: &Value, options: minijinja::value::Kwargs) -> std::result::Result<Value, minijinja::Error> {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, to: &mut W, first: bool) -> std::io::Result<()> {
            to.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, to: &mut W, first: bool) -> std::io::Result<()> {
            to.write_all(if first { b"" } else { b", " })
        }
        fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, to: &mut W) -> std::io::Result<()> {
            to.write_all(b": ")
        }
    }
    let bad = |error: serde_json::Error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string());
    let indent = options.get::<Option<usize>>("indent")?.map(|n| " ".repeat(n.min(16)));
    let mut json = Vec::new();
    match indent {
        None => value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, Spaced)),
        Some(indent) => {
            let pretty = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, pretty))
        }
    }
    .map_err(bad)?;
    Ok(Value::from(String::from_utf8_lossy(&json).into_owned()))
}

/// Whether no tag is so long a chain that parsing it overflows the stack.
fn shallow(template: &str) -> bool {
    let mut rest = template;
    while let Some(at) = ["{{", "{%"].iter().filter_map(|tag| rest.find(tag)).min() {
        let (mut quote, mut count, mut word, mut escaped) = (None, 0, false, false);
        let tag = &rest[at + 2..];
        let mut end = tag.len();
        for (at, c) in tag.char_indices() {
            match quote {
                Some(_) if escaped => escaped = false,
                Some(_) if c == '\\' => escaped = true,
                Some(mark) if c == mark => quote = None,
                Some(_) => {}
                None if matches!(c, '}') && tag[..at].ends_with(['}', '%']) => {
                    end = at;
                    break;
                }
                None => {
                    let in_word = c.is_alphanumeric() || c == '_';
                    let goes_on = in_word && word;
                    count += usize::from(!c.is_whitespace() && !goes_on);
                    quote = Some(c).filter(|c| matches!(c, '\'' | '"'));
                    word = in_word;
                }
            }
        }
        if count > MAX_TAG {
            return false;
        }
        rest = &tag[end..];
    }
    template.matches("elif").count() <= MAX_ELIFS
}
