//! A link holds a whole experiment: `dcgan?seed=7&lr_g=0.0002`. Defaults are left out; what is unknown is named and
//! dropped; what is out of range is named and clamped.

use super::protocol::Event;
use crate::demos::registry::{DEMOS, PLACES};
use crate::demos::{Entry, Values, WasmModule};
use crate::error::{Code, Error, Result};
use serde_json::{Map, Value};

/// A link that was read.
pub struct Link {
    pub entry: &'static Entry,
    pub values: Values,
    /// A note for everything that was dropped or changed.
    pub notes: Vec<Event>,
}

/// Longest link that is read: every text at its limit, each character twelve bytes long.
const LONGEST: usize = 250_000;

/// The name of a link's demo, and the settings behind it. An empty link is the first demo.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim().trim_start_matches('#');
    let (name, query) = text.split_once('?').unwrap_or((text, ""));
    (if name.is_empty() { PLACES[0].0 } else { name }, query)
}

/// The module that a link's demo lives in, where it is one of ours but none of `demos`.
pub fn elsewhere(demos: &[Entry], text: &str) -> Option<WasmModule> {
    let (name, _) = split(text);
    let (_, module) = PLACES.iter().find(|(other, _)| *other == name)?;
    demos.iter().all(|demo| demo.name != name).then_some(*module)
}

/// Reads a link, with or without its `#`. An empty link is the first demo.
///
/// # Errors
/// As [`parse_among`].
pub fn parse(text: &str) -> Result<Link> {
    parse_among(DEMOS, text)
}

/// The same for a link to one of `demos`.
///
/// # Errors
/// `BadLink` where it is no link at all, `UnknownDemo` where it names none of them.
pub fn parse_among(demos: &'static [Entry], text: &str) -> Result<Link> {
    let (name, query) = split(text);
    if text.len() > LONGEST || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(Error::new(
            Code::BadLink,
            "The link cannot be read.",
            "A link looks like #gan2d?seed=7: a demo, a question mark, then key=value pairs joined by &.",
        ));
    }
    let known = || {
        let elsewhere = PLACES.iter().map(|(name, _)| *name).filter(|name| demos.iter().all(|d| d.name != *name));
        demos.iter().map(|d| d.name).chain(elsewhere).collect::<Vec<_>>().join(", ")
    };
    let entry = demos.iter().find(|d| d.name == name).ok_or_else(|| {
        Error::new(Code::UnknownDemo, format!("There is no demo {name:?}."), format!("Choose one of: {}.", known()))
    })?;
    let (mut given, mut notes) = (Values::new(), Vec::new());
    let schema = (entry.config.schema)();
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            notes.push(dropped(pair, "it has no value"));
            continue;
        };
        let targets = targets(&schema, key);
        if targets.is_empty() {
            notes.push(dropped(key, "this demo has no such setting"));
        }
        for (target, property) in targets {
            match coerce(property, &read(property, value)) {
                Ok((value, note)) => {
                    notes.extend(note.map(|text| changed(key, &text)));
                    given.insert(target, value);
                }
                Err(why) => notes.push(dropped(key, &why)),
            }
        }
    }
    let mut values = complete(entry, given);
    notes.extend((entry.config.settle)(&mut values).map(|note| Event::note(note.code, note.text, &note.args)));
    Ok(Link { entry, values, notes })
}

/// All values of a link that names these.
fn complete(entry: &Entry, given: Values) -> Values {
    let mut values = (entry.config.defaults)(&given);
    values.extend(given);
    values
}

/// The values that a link has to name, in the order of the config.
fn named(entry: &Entry, values: &Values) -> Values {
    let defaults = (entry.config.defaults)(values);
    let differs = |(key, value): &(&String, &Value)| defaults.get(*key) != Some(value);
    values.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Values after some have changed: those that no link had to name follow the new ones.
pub fn with(entry: &Entry, values: &Values, changed: Values) -> Values {
    let mut given = named(entry, values);
    given.extend(changed);
    complete(entry, given)
}

/// Whether a link names this setting.
pub fn names(text: &str, key: &str) -> bool {
    split(text).1.split('&').any(|pair| pair.split('=').next() == Some(key))
}

/// The link of a checkpoint, with the values that it was saved with; those that it does not hold have the defaults of that time.
///
/// # Errors
/// As [`parse_among`]; `BadFile` where the values cannot be read.
pub fn parse_saved(demos: &'static [Entry], text: &str, values: Option<&str>) -> Result<Link> {
    let entry = parse_among(demos, text)?.entry;
    let saved: Option<Values> = values.map(serde_json::from_str).transpose().map_err(bad_values)?;
    let (saved, (_, query)) = (saved.unwrap_or_default(), split(text));
    let unknown = |key: &str| !names(text, key) && !saved.contains_key(key);
    let earlier = entry.config.earlier_defaults.iter().filter(|(key, _)| unknown(key));
    let earlier: Vec<String> = earlier.map(|(key, value)| format!("{key}={value}")).collect();
    let mut link = parse_among(demos, &format!("{}?{}&{query}", entry.name, earlier.join("&")))?;
    let schema = (entry.config.schema)();
    for (key, value) in saved {
        if let Some(Ok((value, _))) = property(&schema, &key).map(|property| coerce(property, &value)) {
            link.values.insert(key, value);
        }
    }
    Ok(link)
}

fn bad_values(error: serde_json::Error) -> Error {
    Error::bad_file(format!("The values: {error}."))
}

/// The shortest link for these values, keys in the order of the config.
pub fn canonical(entry: &Entry, values: &Values) -> String {
    let pair = |(key, value): (&String, &Value)| format!("{key}={}", escape(&write(value)));
    let pairs: Vec<String> = named(entry, values).iter().map(pair).collect();
    if pairs.is_empty() { entry.name.into() } else { format!("{}?{}", entry.name, pairs.join("&")) }
}

/// The schema of one setting.
pub fn property<'a>(schema: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    schema.get("properties")?.get(key)?.as_object()
}

/// The settings that a key stands for: itself, or those of an alias such as `lr` for both learning rates.
pub fn targets<'a>(schema: &'a Value, key: &str) -> Vec<(String, &'a Map<String, Value>)> {
    let alias = schema.get("x-aliases").and_then(|a| a.get(key)).and_then(Value::as_array);
    let keys = alias.map_or(vec![key], |keys| keys.iter().filter_map(Value::as_str).collect());
    keys.into_iter().filter_map(|key| Some((key.to_string(), property(schema, key)?))).collect()
}

/// A value that fits the setting, and what was changed to make it fit.
///
/// # Errors
/// Why it cannot fit.
pub fn coerce(property: &Map<String, Value>, value: &Value) -> std::result::Result<(Value, Option<String>), String> {
    let options = options(property);
    if !options.is_empty() {
        return match options.contains(value) {
            true => Ok((value.clone(), None)),
            false => Err(format!("it is not one of {}", options.iter().map(write).collect::<Vec<_>>().join(", "))),
        };
    }
    match property.get("type").and_then(Value::as_str) {
        Some(kind @ ("integer" | "number")) => {
            let given = value.as_f64().filter(|v| v.is_finite()).ok_or("it is not a number")?;
            let bound = |name: &str| property.get(name).and_then(Value::as_f64);
            let whole = if kind == "integer" { given.round() } else { given };
            let fits = whole.max(bound("minimum").unwrap_or(f64::MIN)).min(bound("maximum").unwrap_or(f64::MAX));
            let value = if kind == "integer" { Value::from(fits as i64) } else { Value::from(fits) };
            let note = (fits != given).then(|| format!("{given} was changed to {fits}"));
            Ok((value, note))
        }
        Some("boolean") => value.as_bool().map(|b| (Value::from(b), None)).ok_or("it is not true or false".into()),
        _ if property.get("x-text") == Some(&Value::Bool(true)) => {
            let text = value.as_str().ok_or("it is not text")?;
            let longest = property.get("maxLength").and_then(Value::as_u64).unwrap_or(4_000) as usize;
            match text.char_indices().nth(longest) {
                None => Ok((value.clone(), None)),
                Some((end, _)) => Ok((Value::from(&text[..end]), Some(format!("it was cut to {longest} characters")))),
            }
        }
        _ => match value.as_str() {
            Some(text) if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') => {
                Ok((Value::from(text), None))
            }
            _ => Err("it contains characters that are not allowed".into()),
        },
    }
}

/// That a link can hold these values: what it would cut could not be opened again.
///
/// # Errors
/// `BadCommand` for the first that is too long or out of range.
pub fn fits(schema: &Value, values: &Values) -> Result<()> {
    let fit = |(key, value): &(&String, &Value)| {
        property(schema, key).is_none_or(|p| matches!(coerce(p, value), Ok((_, None))))
    };
    match values.iter().find(|pair| !fit(pair)) {
        Some((key, _)) => Err(Error::bad_command(format!("{key:?} would be longer than a link can hold."))),
        None => Ok(()),
    }
}

/// The choices of a setting that has some: schemars writes them in either of two ways.
fn options(property: &Map<String, Value>) -> Vec<Value> {
    let list = |key: &str| property.get(key).and_then(Value::as_array);
    match (list("enum"), list("oneOf")) {
        (Some(options), _) => options.clone(),
        (_, Some(options)) => options
            .iter()
            .flat_map(|o| match (o.get("const"), o.get("enum").and_then(Value::as_array)) {
                (Some(value), _) => vec![value.clone()],
                (_, Some(values)) => values.clone(),
                _ => Vec::new(),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Text of a link as a value of the setting's type.
fn read(property: &Map<String, Value>, text: &str) -> Value {
    match property.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => text.parse::<f64>().map_or(Value::Null, Value::from),
        Some("boolean") => text.parse::<bool>().map_or(Value::Null, Value::from),
        _ => unescape(text).map_or(Value::Null, Value::from),
    }
}

/// Text as it may stand in a link: what has a meaning there, and what browsers would rewrite, as `%` and two digits.
fn escape(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-_.,:/~!*'()".contains(&b);
    text.bytes().fold(String::new(), |mut out, b| {
        match keep(b) {
            true => out.push(char::from(b)),
            false => out.push_str(&format!("%{b:02X}")),
        }
        out
    })
}

/// The text behind [`escape`]; `None` where it is no UTF-8. A `+` is a space, as people type it.
fn unescape(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = match (first, tail) {
            (b'%', [a, b, ..]) => digit(*a).zip(digit(*b)).map(|(a, b)| (16 * a + b) as u8),
            _ => None,
        };
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).ok()
}

fn write(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn dropped(key: &str, why: &str) -> Event {
    let args = [("key", key.to_string()), ("why", why.to_string())];
    Event::note("link-dropped", format!("{key:?} in the link was ignored: {why}."), &args)
}

/// The note for a value that was moved into its range.
pub fn changed(key: &str, what: &str) -> Event {
    let args = [("key", key.to_string()), ("what", what.to_string())];
    Event::note("link-clamped", format!("{key:?} was out of range: {what}."), &args)
}
