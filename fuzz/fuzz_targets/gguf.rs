//! A GGUF file of any bytes: opened, and where it opens read to its end and made a tokenizer of.
#![no_main]

use kiln::models::transformer::Tensors;
use kiln::text::Tokenizer;
use kiln::weights::{ModelFile, Pretrained};
use libfuzzer_sys::fuzz_target;
use std::rc::Rc;

fuzz_target!(|bytes: &[u8]| {
    let file = ModelFile { name: "model.gguf".into(), bytes: Rc::new(bytes.to_vec()) };
    if let Ok(model) = Pretrained::open(&[file]) {
        for name in model.names() {
            let matrix = model.matrix(name).expect("what was checked when it was opened can be read");
            matrix.row(0, &mut vec![0.0; matrix.cols]);
        }
        if let Ok(tokenizer) = Tokenizer::new(model.vocabulary) {
            let _ = tokenizer.encode("a b\u{e9} 12", true);
        }
    }
});
