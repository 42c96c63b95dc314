//! Model files from outside: whatever they hold, there is an error or a model; never a panic, a hang, or more memory than
//! the file is worth.

#[path = "common/files.rs"]
mod files;
#[allow(dead_code)]
#[path = "../src/bin/kiln/inspect.rs"]
mod inspect;
#[path = "common/measure.rs"]
mod measure;

use files::{file, fixture, llama, safetensors};
use kiln::error::Code;
use kiln::rng::{Purpose, Stream};
use kiln::text::Tokenizer;
use kiln::weights::ModelFile;
use measure::{look, open, open_gguf};

/// Numbers below `n`.
fn picks(stream: &mut Stream, n: usize) -> usize {
    (stream.unit() * n as f64) as usize % n.max(1)
}

/// The bytes of a safetensors header.
fn header(file: &[u8]) -> usize {
    8 + u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize
}

#[test]
fn the_files_that_the_others_are_made_from_are_right() {
    assert_eq!(open_gguf(&llama()), None);
    for name in ["tiny-llama-q4_1.gguf", "tiny-gpt2-f16.gguf", "llama", "llama-sharded", "gpt2", "gpt_neox"] {
        assert_eq!(open(&fixture(name)), None, "{name}");
    }
    let mut second = llama();
    second.version = 2;
    assert_eq!(open_gguf(&second), None);
}

#[test]
fn a_gguf_file_cut_anywhere_is_refused() {
    let (whole, header) = llama().bytes();
    for end in (0..=header).chain((header..whole.len()).step_by(331)).chain([whole.len() - 1]) {
        let cut = whole[..end].to_vec();
        look(&cut);
        let code = open(&[file("model.gguf", cut)]);
        assert_eq!(code, Some(Code::BadFile), "cut at {end} of {}", whole.len());
    }
}

#[test]
fn a_safetensors_file_cut_anywhere_is_refused() {
    let files = fixture("llama-bf16");
    let at = files.iter().position(|f| f.name == "model.safetensors").expect("the weights");
    let whole = files[at].bytes.take(0, files[at].bytes.len()).expect("bytes");
    for end in (0..=header(&whole)).chain((0..whole.len()).step_by(9_973)).chain([whole.len() - 1]) {
        let mut files = files.clone();
        files[at] = file("model.safetensors", whole[..end].to_vec());
        assert_eq!(open(&files), Some(Code::BadFile), "cut at {end}");
    }
}

#[test]
fn bytes_changed_in_a_gguf_header_never_panic() {
    let (small, small_header) = llama().bytes();
    let tiny = fixture("tiny-llama-q4_0.gguf").remove(0);
    let tiny = tiny.bytes.take(0, tiny.bytes.len()).expect("bytes");
    let tiny_header = tiny.len().min(16_384);
    let mut stream = Stream::new(1, Purpose::Data);
    let (mut refused, mut accepted) = (0, 0);
    for (bytes, header, rounds) in [(&small, small_header, 6_000), (&tiny, tiny_header, 300)] {
        for round in 0..rounds {
            let mut bad = bytes.clone();
            for _ in 0..1 + round % 4 {
                let at = picks(&mut stream, header);
                bad[at] = match picks(&mut stream, 4) {
                    0 => 0,
                    1 => 0xff,
                    2 => bad[at] ^ 1 << picks(&mut stream, 8),
                    _ => picks(&mut stream, 256) as u8,
                };
            }
            look(&bad);
            match open(&[file("model.gguf", bad)]) {
                Some(code) => {
                    assert!([Code::BadFile, Code::Unsupported, Code::ShapeMismatch].contains(&code), "{code:?}");
                    refused += 1;
                }
                None => accepted += 1,
            }
        }
    }
    println!("{refused} refused, {accepted} accepted");
    assert!(refused > 1_000 && accepted > 100, "{refused} refused, {accepted} accepted");
}

#[test]
fn bytes_changed_in_the_json_of_a_model_never_panic() {
    let files = fixture("llama-sharded");
    let mut stream = Stream::new(2, Purpose::Data);
    let (mut refused, mut accepted) = (0, 0);
    for round in 0..3_000 {
        // Of all files, the tokenizer's own seldom: building it takes longest.
        let at = picks(&mut stream, files.len());
        if files[at].name == "tokenizer.json" && round % 8 > 0 {
            continue;
        }
        let mut bad = files[at].bytes.take(0, files[at].bytes.len()).expect("bytes");
        let end = if files[at].name.ends_with(".safetensors") { header(&bad) } else { bad.len() };
        for _ in 0..1 + round % 3 {
            let place = picks(&mut stream, end);
            const LIKELY: &[u8] = b"0123456789-.eE\"[]{},:\\ \n\0\x1b\xff";
            bad[place] = LIKELY[picks(&mut stream, LIKELY.len())];
        }
        if files[at].name.ends_with(".safetensors") {
            look(&bad);
        }
        let mut files = files.clone();
        files[at] = file(&files[at].name, bad);
        match open(&files) {
            Some(code) => {
                assert!([Code::BadFile, Code::Unsupported, Code::ShapeMismatch].contains(&code), "{code:?}");
                refused += 1;
            }
            None => accepted += 1,
        }
    }
    println!("{refused} refused, {accepted} accepted");
    assert!(refused > 500 && accepted > 100, "{refused} refused, {accepted} accepted");
}

#[test]
fn a_model_in_pieces_that_do_not_fit_is_refused() {
    let files = fixture("llama-sharded");
    let without = |name: &str| files.iter().filter(|f| f.name != name).cloned().collect::<Vec<_>>();
    let with = |name: &str, change: &dyn Fn(String) -> String| {
        let mut files = files.clone();
        let at = files.iter().position(|f| f.name == name).expect("a file of that name");
        let text = files[at].bytes.take(0, files[at].bytes.len()).expect("bytes");
        files[at] = file(name, change(String::from_utf8(text).expect("UTF-8")).into());
        files
    };
    const INDEX: &str = "model.safetensors.index.json";
    assert_eq!(open(&without("model-00002-of-00003.safetensors")), Some(Code::BadFile), "a shard is missing");
    assert_eq!(open(&without("config.json")), Some(Code::BadFile));
    assert_eq!(open(&without("tokenizer.json")), Some(Code::BadFile));
    let elsewhere = with(INDEX, &|t| t.replace("model-00002", "model-00001"));
    assert_eq!(open(&elsewhere), Some(Code::BadFile), "the index points elsewhere");
    let more = with(INDEX, &|t| {
        t.replace("\"weight_map\": {", "\"weight_map\": {\"x\": \"model-00001-of-00003.safetensors\",")
    });
    assert_eq!(open(&more), Some(Code::BadFile), "the index names what is not there");
    let up = with(INDEX, &|t| t.replace("model-00001-of-00003", "../../etc/passwd"));
    assert_eq!(open(&up), Some(Code::BadFile), "the index names a file outside");
    let mut twice = fixture("llama-bf16");
    let again = twice.iter().find(|f| f.name == "model.safetensors").expect("the weights").bytes.clone();
    twice.push(ModelFile { name: "again.safetensors".into(), bytes: again });
    assert_eq!(open(&twice), Some(Code::BadFile), "tensors are there twice");
    let int = with("config.json", &|t| t.replace("\"hidden_size\": 64", "\"hidden_size\": 18446744073709551615"));
    assert_eq!(open(&int), Some(Code::BadFile));
    for (from, to, code) in [
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", Code::Unsupported),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", Code::BadFile),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": -2", Code::BadFile),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", Code::BadFile),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 1", Code::ShapeMismatch),
        ("\"vocab_size\": 320", "\"vocab_size\": 321", Code::ShapeMismatch),
        ("\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 1e999", Code::BadFile),
        ("\"rope_theta\": 10000.0", "\"rope_theta\": 0", Code::BadFile),
        ("\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0}", Code::Unsupported),
        ("\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0.0}", Code::BadFile),
        ("\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 4.0}", Code::BadFile),
        ("\"hidden_act\": \"silu\"", "\"hidden_act\": \"relu\"", Code::Unsupported),
        ("\"model_type\": \"llama\"", "\"model_type\": \"gemma3\"", Code::Unsupported),
        ("\"model_type\": \"llama\"", "\"model_type\": \"gpt2\"", Code::Unsupported),
    ] {
        assert_eq!(open(&with("config.json", &|t| t.replace(from, to))), Some(code), "{to}");
    }
}

#[test]
fn files_of_another_kind_are_refused() {
    let png = b"\x89PNG\r\n\x1a\n and then some more bytes".to_vec();
    for bytes in [Vec::new(), b"GGUF".to_vec(), png, vec![0; 4_096], vec![0xff; 4_096]] {
        for name in ["model.gguf", "model.safetensors", "x"] {
            assert_eq!(open(&[file(name, bytes.clone())]), Some(Code::BadFile), "{name}, {} bytes", bytes.len());
        }
        look(&bytes);
    }
    assert_eq!(open(&[]), Some(Code::BadFile));
}

#[test]
fn what_inspect_prints_cannot_steer_a_terminal() {
    let mut gguf = llama();
    gguf.text("general.name", "\x1b]0;owned\x07 \u{202e}gpj.exe \u{9b}2J");
    gguf.text("\x1b[31mkey", &"long ".repeat(10_000));
    gguf.tensors[0].name = "evil\r\n\x1b[2Jname".into();
    let text = inspect::describe(&gguf.bytes().0).expect("it is a right file");
    assert!(!text.contains(['\x1b', '\r', '\x07', '\u{202e}', '\u{9b}']), "{text:?}");
    assert!(text.contains("\\u{1b}") && text.contains("more bytes") && text.len() < 10_000, "{text:?}");
}

/// The corpus that cargo-fuzz starts from; `KILN_BLESS=1 cargo test --profile fast --test hostile_models` writes its first
/// files anew. What a fuzzer found is put beside them.
#[test]
fn every_file_of_the_fuzzing_corpus_gets_an_answer() {
    let root = std::path::Path::new("fuzz/corpus");
    let tensors = r#"{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]}}"#;
    let tokenizer =
        r#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}"#;
    if std::env::var_os("KILN_BLESS").is_some() {
        let mut scaled = llama();
        scaled.tensor("rope_freqs.weight", &[4], 0, 1f32.to_le_bytes().repeat(4));
        let mut second = llama();
        second.version = 2;
        for (target, name, bytes) in [
            ("gguf", "llama", llama().bytes().0),
            ("gguf", "version-2", second.bytes().0),
            ("gguf", "scaled", scaled.bytes().0),
            ("safetensors", "two", safetensors(tensors, &[0; 12])),
            ("safetensors", "empty", safetensors("{}", &[])),
            ("tokenizer", "bpe", tokenizer.as_bytes().to_vec()),
        ] {
            std::fs::create_dir_all(root.join(target)).expect("a folder");
            std::fs::write(root.join(target).join(name), bytes).expect("a file");
        }
    }
    let mut seen = 0;
    for target in ["gguf", "safetensors", "tokenizer"] {
        for entry in std::fs::read_dir(root.join(target)).expect("the corpus") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
            match target {
                "gguf" => _ = open(&[file("model.gguf", bytes)]),
                "safetensors" => look(&bytes),
                _ => {
                    let tokenizer = String::from_utf8_lossy(&bytes).into_owned();
                    let spec = kiln::text::TokenizerSource::Json { tokenizer, config: None, generation: None };
                    _ = Tokenizer::new(spec).map(|t| t.encode("ab \u{e9}\0", true));
                }
            }
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} files");
}
