//! Headers of model files that lie about what follows: each lie is found, at once and without memory for it.

#[path = "common/files.rs"]
mod files;
#[allow(dead_code)]
#[path = "../src/bin/kiln/inspect.rs"]
mod inspect;
#[path = "common/measure.rs"]
mod measure;

use files::{GgufFile, file, list, llama, safetensors, text};
use kiln::error::Code;
use kiln::weights::{Bytes, Gguf, SafetensorsHeader};
use measure::{BESIDES, PATIENCE, TIMES, look, measured, open, open_gguf};

/// What is done to a right file.
type Lie = Box<dyn Fn(&mut GgufFile)>;

#[test]
fn gguf_headers_that_lie_are_refused() {
    let lies: Vec<(&str, Code, Lie)> = vec![
        ("version 1", Code::Unsupported, Box::new(|g| g.version = 1)),
        ("version 4", Code::Unsupported, Box::new(|g| g.version = 4)),
        ("big-endian", Code::Unsupported, Box::new(|g| g.version = 3u32.swap_bytes())),
        ("2^64 tensors", Code::BadFile, Box::new(|g| g.tensor_count = Some(u64::MAX))),
        ("2^63 tensors", Code::BadFile, Box::new(|g| g.tensor_count = Some(1 << 63))),
        ("60,000 tensors", Code::BadFile, Box::new(|g| g.tensor_count = Some(60_000))),
        ("2^64 keys", Code::BadFile, Box::new(|g| g.key_count = Some(u64::MAX))),
        ("60,000 keys", Code::BadFile, Box::new(|g| g.key_count = Some(60_000))),
        ("no keys", Code::BadFile, Box::new(|g| g.key_count = Some(0))),
        ("no tensors", Code::BadFile, Box::new(|g| g.tensors.clear())),
        ("a key twice", Code::BadFile, Box::new(|g| g.metadata.push(g.metadata[0].clone()))),
        ("a key that is not UTF-8", Code::BadFile, Box::new(|g| g.metadata[0].0 = vec![0xff, 0xfe])),
        ("a text that is not UTF-8", Code::BadFile, Box::new(|g| g.metadata[0].2 = text(&[0xc3, 0x28]))),
        (
            "half a character",
            Code::BadFile,
            Box::new(|g| {
                // Together they are one character.
                g.value("tokenizer.ggml.tokens", 9, list(8, &[text(&[0xc3]), text(&[0xa9])]));
            }),
        ),
        ("a text of 2^64 bytes", Code::BadFile, Box::new(|g| g.metadata[0].2 = u64::MAX.to_le_bytes().into())),
        ("a text of 2^63 bytes", Code::BadFile, Box::new(|g| g.metadata[0].2 = (1u64 << 63).to_le_bytes().into())),
        ("a value of no type", Code::BadFile, Box::new(|g| g.metadata[0].1 = 13)),
        (
            "a list of no type",
            Code::BadFile,
            Box::new(|g| {
                g.value("x", 9, list(77, &[]));
            }),
        ),
        (
            "a list of 2^61 numbers",
            Code::BadFile,
            Box::new(|g| {
                g.value("x", 9, [10u32.to_le_bytes().to_vec(), (1u64 << 61).to_le_bytes().into()].concat());
            }),
        ),
        (
            "a list of 2^60 texts",
            Code::BadFile,
            Box::new(|g| {
                g.value("x", 9, [8u32.to_le_bytes().to_vec(), (1u64 << 60).to_le_bytes().into()].concat());
            }),
        ),
        (
            "lists in lists",
            Code::Unsupported,
            Box::new(|g| {
                let inner = list(9, &[list(9, &[list(4, &[])])]);
                g.value("x", 9, inner);
            }),
        ),
        (
            "a flag of 2",
            Code::BadFile,
            Box::new(|g| {
                g.value("x", 7, vec![2]);
            }),
        ),
        (
            "flags of 3",
            Code::BadFile,
            Box::new(|g| {
                g.value("x", 9, list(7, &[vec![1], vec![3]]));
            }),
        ),
        (
            "alignment 0",
            Code::BadFile,
            Box::new(|g| {
                g.u32("general.alignment", 0);
            }),
        ),
        (
            "alignment 48",
            Code::BadFile,
            Box::new(|g| {
                g.u32("general.alignment", 48);
            }),
        ),
        (
            "alignment 2^31",
            Code::BadFile,
            Box::new(|g| {
                g.u32("general.alignment", 1 << 31);
            }),
        ),
        (
            "an alignment of text",
            Code::BadFile,
            Box::new(|g| {
                g.text("general.alignment", "32");
            }),
        ),
        (
            "another alignment than it has",
            Code::BadFile,
            Box::new(|g| {
                g.u32("general.alignment", 4096);
            }),
        ),
        ("an offset beyond the end", Code::BadFile, Box::new(|g| g.tensors[3].offset = Some(1 << 40))),
        ("an offset that overflows", Code::BadFile, Box::new(|g| g.tensors[3].offset = Some(u64::MAX - 31))),
        (
            "offsets that are not aligned",
            Code::BadFile,
            Box::new(|g| {
                g.alignment = 8;
                g.tensors.last_mut().expect("there are some").data.extend([0; 64]);
            }),
        ),
        ("two tensors in one place", Code::BadFile, Box::new(|g| g.tensors[3].offset = Some(0))),
        ("a tensor that begins inside another", Code::BadFile, Box::new(|g| g.tensors[3].offset = Some(32))),
        ("a tensor twice", Code::BadFile, Box::new(|g| g.tensors[3].name = g.tensors[2].name.clone())),
        ("no dimensions", Code::BadFile, Box::new(|g| g.tensors[3].shape.clear())),
        ("five dimensions", Code::BadFile, Box::new(|g| g.tensors[3].shape = vec![1, 1, 1, 1, 32])),
        ("a dimension of 0", Code::BadFile, Box::new(|g| g.tensors[3].shape = vec![0, 32])),
        ("a shape that overflows", Code::BadFile, Box::new(|g| g.tensors[3].shape = vec![1 << 32, 1 << 32])),
        ("bytes that overflow", Code::BadFile, Box::new(|g| g.tensors[3].shape = vec![1 << 30, 1 << 33])),
        ("rows that cannot be cut in blocks", Code::BadFile, Box::new(|g| g.tensors[3].shape = vec![32, 33])),
        ("a number format of 4", Code::Unsupported, Box::new(|g| g.tensors[3].kind = 4)),
        ("a number format of 2^32", Code::Unsupported, Box::new(|g| g.tensors[3].kind = u32::MAX)),
        (
            "a larger matrix",
            Code::ShapeMismatch,
            Box::new(|g| {
                let extra = g.named("blk.0.attn_q.weight");
                (extra.shape, extra.data) = (vec![64, 32], extra.data.repeat(2));
            }),
        ),
    ];
    for (what, code, lie) in lies {
        let mut gguf = llama();
        lie(&mut gguf);
        let bytes = gguf.bytes().0;
        // These are only lies about a llama.
        let whole = ["no tensors", "a larger matrix"].contains(&what);
        assert_eq!(Gguf::read(&bytes).is_ok(), whole, "{what}");
        look(&bytes);
        assert_eq!(open(&[file("model.gguf", bytes)]), Some(code), "{what}");
    }
}

#[test]
fn absurd_architectures_are_refused() {
    for (key, value) in [
        ("embedding_length", 0),
        ("embedding_length", u32::MAX),
        ("embedding_length", 33),
        ("block_count", 0),
        ("block_count", 3),
        ("block_count", 4_000_000_000),
        ("feed_forward_length", 0),
        ("feed_forward_length", u32::MAX),
        ("context_length", 0),
        ("context_length", u32::MAX),
        ("attention.head_count", 0),
        ("attention.head_count", 5),
        ("attention.head_count", u32::MAX),
        ("attention.head_count_kv", 0),
        ("attention.head_count_kv", 3),
        ("attention.head_count_kv", 1),
        ("attention.key_length", 0),
        ("attention.key_length", u32::MAX),
        ("attention.value_length", 7),
        ("expert_count", 8),
        ("rope.dimension_count", 0),
        ("rope.dimension_count", 7),
        ("rope.dimension_count", 16),
    ] {
        let mut gguf = llama();
        gguf.u32(&format!("llama.{key}"), value);
        let code = open_gguf(&gguf);
        let right = [Code::BadFile, Code::ShapeMismatch, Code::Unsupported].map(Some).contains(&code);
        assert!(right, "{key} {value}: {code:?}");
    }
    for (key, values) in [
        ("attention.layer_norm_rms_epsilon", vec![0.0, -1.0, f32::NAN, f32::INFINITY]),
        ("rope.freq_base", vec![0.0, -1.0, f32::NAN, f32::INFINITY]),
    ] {
        for value in values {
            let mut gguf = llama();
            gguf.f32(&format!("llama.{key}"), value);
            assert_eq!(open_gguf(&gguf), Some(Code::BadFile), "{key} {value}");
        }
    }
    for factor in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut gguf = llama();
        gguf.tensor("rope_freqs.weight", &[4], 0, factor.to_le_bytes().repeat(4));
        assert_eq!(open_gguf(&gguf), Some(Code::BadFile), "a frequency divided by {factor}");
    }
    for (key, value) in [("general.architecture", "mamba"), ("llama.rope.scaling.type", "yarn")] {
        let mut gguf = llama();
        gguf.text(key, value);
        assert_eq!(open_gguf(&gguf), Some(Code::Unsupported), "{key} {value}");
    }
    let mut gguf = llama();
    gguf.value("tokenizer.ggml.tokens", 9, list(8, &vec![text(b"x"); 13]));
    assert_eq!(open_gguf(&gguf), Some(Code::BadFile), "more tokens than rows");
}

#[test]
fn a_header_of_many_small_things_takes_no_more_than_the_file() {
    for (what, kind, items) in [("texts", 8, text(b"")), ("bytes", 0, vec![7]), ("flags", 7, vec![1])] {
        let mut gguf = GgufFile::default();
        let n = (4 << 20) / items.len();
        gguf.value(
            "x",
            9,
            [u32::to_le_bytes(kind).to_vec(), (n as u64).to_le_bytes().into(), items.repeat(n)].concat(),
        );
        let bytes = gguf.bytes().0;
        let (gguf, taken, took) = measured(|| Gguf::read(&bytes));
        assert!(gguf.is_ok(), "{what}");
        assert!(taken <= bytes.len() + BESIDES && took < PATIENCE, "{what}: {taken} for {}, {took:?}", bytes.len());
    }
    let entries: Vec<String> =
        (0..60_000).map(|i| format!(r#""{i}":{{"dtype":"U8","shape":[],"data_offsets":[{i},{}]}}"#, i + 1)).collect();
    let bytes = safetensors(&format!("{{{}}}", entries.join(",")), &vec![0; 60_000]);
    let (shard, taken, took) = measured(|| SafetensorsHeader::read(&bytes));
    assert_eq!(shard.expect("it is right").tensors.len(), 60_000);
    assert!(taken <= TIMES * bytes.len() && took < PATIENCE, "{taken} for {}, {took:?}", bytes.len());
}

#[test]
fn safetensors_headers_that_lie_are_refused() {
    let a =
        |shape: &str, from: u64, to: u64| format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#);
    let data = [0; 32];
    let right = format!(r#"{{"a":{},"b":{}}}"#, a("[4]", 0, 16), a("[2,2]", 16, 32));
    SafetensorsHeader::read(&safetensors(&right, &data)).expect("this one is right");
    for (what, header) in [
        ("not JSON", "{".to_string()),
        ("a list", "[]".to_string()),
        ("too deep", "[".repeat(100_000)),
        ("a hole", format!(r#"{{"a":{},"b":{}}}"#, a("[3]", 0, 12), a("[2,2]", 16, 32))),
        ("an overlap", format!(r#"{{"a":{},"b":{}}}"#, a("[5]", 0, 20), a("[2,2]", 16, 32))),
        ("two in one place", format!(r#"{{"a":{},"b":{}}}"#, a("[8]", 0, 32), a("[8]", 0, 32))),
        ("two in one place, nothing in another", format!(r#"{{"a":{},"b":{}}}"#, a("[4]", 0, 16), a("[4]", 0, 16))),
        ("data left over", format!(r#"{{"a":{}}}"#, a("[4]", 0, 16))),
        ("beyond the end", format!(r#"{{"a":{},"b":{}}}"#, a("[4]", 0, 16), a("[8]", 16, 48))),
        ("backwards", format!(r#"{{"a":{},"b":{}}}"#, a("[4]", 0, 16), a("[4]", 32, 16))),
        ("a shape of another size", format!(r#"{{"a":{},"b":{}}}"#, a("[5]", 0, 16), a("[4]", 16, 32))),
        ("a shape that overflows", format!(r#"{{"a":{}}}"#, a("[4294967296,4294967296,4294967296]", 0, 32))),
        ("an offset of 2^64", format!(r#"{{"a":{}}}"#, a("[8]", 0, u64::MAX))),
        ("a negative length", format!(r#"{{"a":{}}}"#, a("[-8]", 0, 32))),
        ("many dimensions", format!(r#"{{"a":{}}}"#, a(&format!("[8{}]", ",1".repeat(1_000)), 0, 32))),
        ("a name twice", format!(r#"{{"a":{},"a":{}}}"#, a("[4]", 0, 16), a("[4]", 16, 32))),
        ("the same twice", format!(r#"{{"a":{},"a":{}}}"#, a("[8]", 0, 32), a("[8]", 0, 32))),
        ("an unknown type", right.replace("F32", "F31\\u001b[2J")),
        ("not UTF-8 escapes", right.replace("\"a\"", "\"\\ud800\"")),
    ] {
        let bytes = safetensors(&header, &data);
        let (shard, taken, took) = measured(|| SafetensorsHeader::read(&bytes));
        let error = shard.map(|_| ()).expect_err(what);
        assert_eq!(error.code, Code::BadFile, "{what}");
        assert!(!error.message.chars().any(char::is_control), "{what}: {:?}", error.message);
        assert!(taken <= TIMES * bytes.len() + BESIDES && took < PATIENCE, "{what}");
        look(&bytes);
    }
    for length in [0, 1, u64::MAX, u64::MAX - 7, 1 << 40] {
        let bytes = [&u64::to_le_bytes(length)[..], &[b'{'; 64]].concat();
        assert_eq!(SafetensorsHeader::read(&bytes).map(|_| ()).expect_err("a lie").code, Code::BadFile, "{length}");
    }
}

/// A large file that begins as given and goes on with spaces.
struct Large(Vec<u8>);

impl Bytes for Large {
    fn len(&self) -> u64 {
        1 << 40
    }

    fn read(&self, at: u64, out: &mut [u8]) -> kiln::error::Result<()> {
        out.iter_mut().zip(at as usize..).for_each(|(byte, at)| *byte = self.0.get(at).copied().unwrap_or(b' '));
        Ok(())
    }
}

#[test]
fn a_header_beyond_the_limit_is_not_read_however_large_the_file() {
    let long = (65u64 << 20).to_le_bytes();
    let mut gguf = GgufFile::default();
    gguf.value("x", 8, long.into());
    let mut texts = GgufFile::default();
    texts.value("x", 9, [&8u32.to_le_bytes()[..], &long].concat());
    for bytes in [gguf.bytes().0, texts.bytes().0] {
        let (result, taken, took) = measured(|| Gguf::read(&Large(bytes)).map(|_| ()));
        assert_eq!(result.expect_err("too long").code, Code::BadFile);
        assert!(taken < BESIDES && took < PATIENCE, "{taken} bytes, {took:?}");
    }
    let (result, taken, _) = measured(|| SafetensorsHeader::read(&Large(long.into())).map(|_| ()));
    assert_eq!(result.expect_err("too long").code, Code::BadFile);
    assert!(taken < BESIDES, "{taken} bytes");
}
