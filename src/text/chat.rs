//! Chats: which parts of a rendered template are whose, and their token ids.

use super::message::{Message, Role};
use super::template::render;
use super::tokenizer::Tokenizer;
use crate::error::Result;

/// The rendering by [`render`], divided by author; the concatenation is the rendering.
///
/// Each content is rendered between two private-use characters of its own. They stand inside its outer white space, so that templates
/// that trim still do; white space around a content therefore counts as the template's. If the marks change what the template writes,
/// the contents are searched for in order instead; a content that is not found counts as the template's.
pub fn segments(
    template: &str,
    messages: &[Message],
    bos: Option<&str>,
    eos: Option<&str>,
    add_generation_prompt: bool,
) -> Result<Vec<(Role, String)>> {
    let plain = render(template, messages, bos, eos, add_generation_prompt)?;
    let Some(base) = free_characters(template, messages) else { return Ok(searched(&plain, messages)) };
    // Bytes of each trimmed content before its first mark.
    let mut skipped = vec![0; messages.len()];
    for _ in 0..ROUNDS {
        // A template that refuses only the marked messages looks into them.
        let marked = marked(messages, &skipped, base);
        let Ok(marked) = render(template, &marked, bos, eos, add_generation_prompt) else { break };
        let (cut, lost) = unmark(&marked, messages, base);
        let same = cut.iter().map(|(_, text)| text.as_str()).collect::<String>() == plain;
        if same && lost.is_empty() {
            return Ok(cut);
        }
        // The template drops the beginning of a content with its mark, as some do with the thoughts of a model. The mark is moved to
        // where the rest begins: not before the text that still precedes the second mark.
        let mut moved = false;
        for (index, Message { content, .. }) in messages.iter().enumerate() {
            let (core, at) = (content.trim(), skipped[index]);
            let next = core[at..].chars().next().map_or(at, |c| at + c.len_utf8());
            let kept = lost.iter().find(|(message, _)| *message == index).map(|&(_, kept)| core.len() - kept);
            skipped[index] = match kept {
                Some(kept) => kept.max(next),
                // The mark is inside something that the template looks for.
                None if !same && at > 0 => next,
                None => at,
            };
            moved |= skipped[index] > at;
        }
        if !moved {
            break;
        }
    }
    Ok(searched(&plain, messages))
}

/// Authors and texts, in order.
type Segments = Vec<(Role, String)>;

/// How often marks are moved.
const ROUNDS: usize = 32;

fn marked(messages: &[Message], skipped: &[usize], base: u32) -> Vec<Message> {
    let mark = |index: usize| char::from_u32(base + index as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    let each = messages.iter().zip(skipped).enumerate().map(|(index, (Message { role, content }, &skipped))| {
        let end = content.trim_end().len();
        let start = content.len() - content.trim_start().len() + skipped;
        let content = match content.trim() {
            // A template may test whether a content is empty.
            "" => content.clone(),
            _ => {
                let (begin, finish) = (mark(2 * index), mark(2 * index + 1));
                format!("{}{begin}{}{finish}{}", &content[..start], &content[start..end], &content[end..])
            }
        };
        Message { role: *role, content }
    });
    each.collect()
}

/// The marked text, divided at its marks and without them; and the messages whose first mark is lost, each with the number of bytes
/// before the second mark that agree with the content.
fn unmark(marked: &str, messages: &[Message], base: u32) -> (Segments, Vec<(usize, usize)>) {
    let index = |c: char| (c as u32).checked_sub(base).map(|i| i as usize).filter(|&i| i < 2 * messages.len());
    let (mut cut, mut lost) = (Segments::new(), Vec::new());
    let (mut rest, mut open) = (marked, Role::Template);
    while let Some((at, c, found)) = rest.char_indices().find_map(|(at, c)| Some((at, c, index(c)?))) {
        let (message, begins) = (&messages[found / 2], found % 2 == 0);
        if !begins && open == Role::Template {
            lost.push((found / 2, common_end(&rest[..at], message.content.trim())));
        }
        push(&mut cut, open, &rest[..at]);
        open = if begins { message.role } else { Role::Template };
        rest = &rest[at + c.len_utf8()..];
    }
    // A content without a second mark reaches to the end, so that none of its text counts as marks.
    push(&mut cut, open, rest);
    (cut, lost)
}

fn push(cut: &mut Vec<(Role, String)>, role: Role, text: &str) {
    match cut.last_mut() {
        Some((last, joined)) if *last == role && role == Role::Template => joined.push_str(text),
        _ if text.is_empty() => {}
        _ => cut.push((role, text.to_owned())),
    }
}

/// The first of a range of unused private-use characters, two for each message.
fn free_characters(template: &str, messages: &[Message]) -> Option<u32> {
    const EACH: u32 = 0xFFFE;
    let texts = || messages.iter().map(|m| m.content.as_str()).chain([template]);
    let free = |base: u32| !texts().any(|t| t.chars().any(|c| (base..base + EACH).contains(&(c as u32))));
    [0x10_0000, 0xF_0000].into_iter().find(|&base| free(base)).filter(|_| messages.len() <= EACH as usize / 2)
}

/// Bytes of the longest common suffix.
fn common_end(a: &str, b: &str) -> usize {
    a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

fn searched(plain: &str, messages: &[Message]) -> Vec<(Role, String)> {
    let mut cut = Vec::new();
    let mut rest = plain;
    for Message { role, content } in messages {
        let core = content.trim();
        if let Some((before, after)) = rest.split_once(core).filter(|_| !core.is_empty()) {
            push(&mut cut, Role::Template, before);
            push(&mut cut, *role, core);
            rest = after;
        }
    }
    push(&mut cut, Role::Template, rest);
    cut
}

/// The token ids of a chat, each with its author.
///
/// The whole text is tokenised at once, as `transformers` does, since a token may cross the border of a content (a newline before it
/// and one inside it). Unlike there, special tokens are recognised only in the text of the template: a person who types `<|im_end|>`
/// writes seven ordinary tokens and ends no turn.
pub fn encode_chat(tokenizer: &Tokenizer, segments: &[(Role, String)]) -> Result<Vec<(u32, Role)>> {
    let parts: Vec<(&str, bool)> =
        segments.iter().map(|(role, text)| (text.as_str(), *role == Role::Template)).collect();
    let ids = tokenizer.encode_parts(&parts)?;
    Ok(ids.into_iter().map(|(id, part)| (id, segments.get(part).map_or(Role::Template, |s| s.0))).collect())
}

/// The token ids of a chat rendered by its template, up to where the next answer begins; each with its author.
///
/// # Errors
/// As [`render`].
pub fn chat_ids(tokenizer: &Tokenizer, template: &str, messages: &[Message]) -> Result<Vec<(u32, Role)>> {
    let word = |id: Option<u32>| id.map(|id| String::from_utf8_lossy(tokenizer.bytes(id)).into_owned());
    let end = word(tokenizer.ends().first().copied());
    let segments = segments(template, messages, word(tokenizer.bos()).as_deref(), end.as_deref(), true)?;
    encode_chat(tokenizer, &segments)
}
