//! Hostile model files: what it takes to open and to look at them.
#![allow(dead_code)]

use super::files::{GgufFile, file};
use super::inspect;
use kiln::error::Code;
use kiln::models::transformer::Tensors;
use kiln::text::Tokenizer;
use kiln::weights::{ModelFile, Pretrained};
use std::time::Duration;

#[path = "counting.rs"]
mod counting;
pub use counting::measured;

/// What all of the tests hold: memory for parsed headers is within a few times the file, and there is always an answer.
pub const TIMES: usize = 4;
pub const BESIDES: usize = 1 << 17;
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Opens a model and reads all of it. Returns what was wrong.
pub fn open(files: &[ModelFile]) -> Option<Code> {
    let size: usize = files.iter().map(|f| f.bytes.len() as usize).sum();
    let (model, bytes, took) = measured(|| Pretrained::open(files));
    assert!(bytes <= TIMES * size + BESIDES, "{bytes} bytes were taken to open a file of {size}");
    assert!(took < PATIENCE, "it took {took:?}");
    let model = match model {
        Ok(model) => model,
        Err(error) => return Some(error.code),
    };
    for name in model.names() {
        let (matrix, bytes, _) = measured(|| model.matrix(name).map(|m| m.rows * m.cols));
        assert!(matrix.is_ok_and(|n| n > 0), "{name}");
        assert!(bytes <= TIMES * size + BESIDES, "{bytes} bytes were taken for {name} in a file of {size}");
    }
    let (tokenizer, _, took) = measured(|| Tokenizer::new(model.vocabulary));
    assert!(took < PATIENCE, "the tokenizer took {took:?}");
    tokenizer.err().map(|error| error.code)
}

pub fn open_gguf(gguf: &GgufFile) -> Option<Code> {
    open(&[file("model.gguf", gguf.bytes().0)])
}

/// Looks at a file as `kiln inspect` does: what it prints is text without control characters.
pub fn look(bytes: &Vec<u8>) {
    let (text, taken, took) = measured(|| inspect::describe(bytes));
    // Padded columns are wider than a header that is all names.
    assert!(taken <= 16 * bytes.len() + BESIDES && took < PATIENCE, "{taken} bytes for {}, {took:?}", bytes.len());
    let text = text.unwrap_or_else(|e| e.to_string());
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}
