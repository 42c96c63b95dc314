//! A tokenizer.json of any text: what it makes of a text, it can write back.
#![no_main]

use kiln::text::{TokenizerSource, Tokenizer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|tokenizer: &str| {
    let spec = TokenizerSource::Json { tokenizer: tokenizer.into(), config: None, generation: None };
    if let Ok(tokenizer) = Tokenizer::new(spec)
        && let Ok(ids) = tokenizer.encode("a b\u{e9}\0 12", true)
    {
        ids.iter().for_each(|&id| _ = tokenizer.bytes(id));
    }
});
