//! Pretrained weights come out of their files as the reference says: number formats, names, layouts, sizes.

#[path = "common/files.rs"]
mod files;

use files::{GgufFile, file, fixture, smollm2};
use kiln::compare::worst_at;
use kiln::models::transformer::{Family, Tensors};
use kiln::nn::engine::{Data, Matrix};
use kiln::weights::{Format, MatrixBuilder, ModelFile, Pretrained, SafetensorsHeader};

/// All that is not plainly f32.
const FORMATS: [(&str, Format); 10] = [
    ("F16", Format::F16),
    ("BF16", Format::Bf16),
    ("Q4_0", Format::Q4_0),
    ("Q4_1", Format::Q4_1),
    ("Q5_0", Format::Q5_0),
    ("Q5_1", Format::Q5_1),
    ("Q8_0", Format::Q8_0),
    ("Q4_K", Format::Q4K),
    ("Q5_K", Format::Q5K),
    ("Q6_K", Format::Q6K),
];

fn open(name: &str) -> Pretrained {
    Pretrained::open(&fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A matrix as plain numbers.
fn values(matrix: &Matrix) -> Vec<f32> {
    let mut out = vec![0.0; matrix.rows * matrix.cols];
    out.chunks_exact_mut(matrix.cols).enumerate().for_each(|(row, out)| matrix.row(row, out));
    out
}

#[test]
fn every_number_format_is_read_as_the_gguf_package_reads_it() {
    let fixture = fixture("blocks.safetensors").remove(0);
    let shard = SafetensorsHeader::read(&*fixture.bytes).expect("safetensors");
    let tensor = |name: String| {
        let t = shard.tensors.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("{name} is in the fixture"));
        (t.shape.clone(), fixture.bytes.take(t.at, t.bytes).expect("bytes"))
    };
    for (name, format) in FORMATS {
        let (shape, expected) = tensor(format!("{name}.values"));
        let (_, raw) = tensor(format!("{name}.raw"));
        let (rows, cols) = (shape[0], shape[1]);
        let mut incoming = MatrixBuilder::new(format, rows, cols).expect("whole blocks");
        let (_, size) = format.block();
        // In two pieces, as a file comes.
        let cut = raw.len() / size / 2 * size;
        incoming.push(&raw[..cut]);
        incoming.push(&raw[cut..]);
        let matrix = incoming.finish().expect("all blocks");
        assert!(matrix.bytes() <= 2 * raw.len(), "{name} takes {} bytes of {}", matrix.bytes(), raw.len());
        let values = values(&matrix);
        let worst = worst_at(values.iter().zip(expected.chunks_exact(4)).map(|(v, e)| {
            let e = f32::from_le_bytes([e[0], e[1], e[2], e[3]]);
            if *v == e { 0.0 } else { (v - e).abs() / e.abs().max(f32::MIN_POSITIVE) }
        }));
        println!("{name}: {} weights, worst relative error {:.1e} at {}", rows * cols, worst.1, worst.0);
        assert!(worst.1 <= f32::EPSILON, "{name}: weight {} is off by {}", worst.0, worst.1);
    }
}

#[test]
fn a_tensor_that_ends_early_is_refused() {
    for (_, format) in FORMATS {
        let mut incoming = MatrixBuilder::new(format, 2, 256).expect("whole blocks");
        incoming.push(&vec![0; 256 / format.block().0 * format.block().1]);
        assert!(incoming.finish().is_err(), "{format:?}");
        assert!(format.block().0 == 1 || MatrixBuilder::new(format, 2, 40).is_err(), "{format:?}");
    }
}

#[test]
fn every_fixture_opens_as_the_network_that_it_is() {
    for (name, family, layers, tied) in [
        ("llama", Family::Llama, 2, true),
        ("llama-f16", Family::Llama, 2, true),
        ("llama-sharded", Family::Llama, 2, true),
        ("llama-untied", Family::Llama, 1, false),
        ("gpt2", Family::Gpt2, 2, true),
        ("gpt2-bare", Family::Gpt2, 2, true),
        ("gpt_neox", Family::NeoX, 2, false),
        ("qwen2", Family::Qwen2, 2, true),
        ("qwen3", Family::Qwen3, 2, true),
        ("tiny-llama-f32.gguf", Family::Llama, 2, true),
        ("tiny-llama-k.gguf", Family::Llama, 1, true),
        ("tiny-gpt2-f16.gguf", Family::Gpt2, 2, true),
        ("tiny-qwen2-q8_0.gguf", Family::Qwen2, 2, true),
        ("tiny-qwen3-q8_0.gguf", Family::Qwen3, 2, true),
    ] {
        let model = open(name);
        let a = &model.architecture;
        println!("{name}: {a:?}");
        assert_eq!((a.family, a.tied), (family, tied), "{name}");
        assert!(a.layers == layers || a.layers > 0, "{name}");
        for tensor in model.names() {
            let matrix = model.matrix(tensor).unwrap_or_else(|e| panic!("{name}: {tensor}: {e}"));
            assert!(values(&matrix).iter().all(|v| v.is_finite()), "{name}: {tensor}");
            assert!(matrix.rows > 1 || matches!(matrix.data, Data::F32(_)), "{name}: {tensor} is a vector");
        }
        let interleaved = name.starts_with("tiny-llama");
        assert_eq!(a.rope.as_ref().map(|r| r.interleaved), (family != Family::Gpt2).then_some(interleaved), "{name}");
    }
}

/// Both models have the same tensors with the same numbers, to a relative tolerance.
fn same(a: &Pretrained, b: &Pretrained, tolerance: f32) {
    assert_eq!(a.names().collect::<Vec<_>>(), b.names().collect::<Vec<_>>());
    for name in a.names() {
        let (x, y) = (a.matrix(name).expect(name), b.matrix(name).expect(name));
        assert_eq!((x.rows, x.cols), (y.rows, y.cols), "{name}");
        let close = |(x, y): (&f32, &f32)| (x - y).abs() <= tolerance * x.abs();
        assert!(values(&x).iter().zip(&values(&y)).all(close), "{name}");
    }
}

#[test]
fn the_same_model_is_the_same_in_shards_with_a_prefix_and_as_gguf() {
    same(&open("llama-bf16"), &open("llama-sharded"), 0.0);
    assert_eq!(open("llama-bf16").architecture, open("llama-sharded").architecture);
    same(&open("gpt2"), &open("gpt2-bare"), 0.0);
    // There the vectors are f32, and half precision in the folder.
    same(&open("gpt2"), &open("tiny-gpt2-f16.gguf"), 1e-3);
}

#[test]
fn llama_3_scaling_of_positions_is_the_one_that_the_converter_writes() {
    let factors = |name: &str| open(name).architecture.rope.expect("rotary positions").factors;
    let (computed, written) = (factors("llama-scaled"), factors("tiny-llama-scaled-q8_0.gguf"));
    assert_eq!(computed.len(), written.len());
    assert!(computed.iter().any(|&f| f != 1.0), "{computed:?}");
    for (a, b) in computed.iter().zip(&written) {
        assert!((a - b).abs() <= 1e-5 * b, "{computed:?} {written:?}");
    }
}

#[test]
fn queries_keys_and_values_of_a_neox_gguf_lie_as_in_safetensors() {
    let folder = open("gpt_neox");
    let a = &folder.architecture;
    let (heads, dim, width) = (a.heads.heads, a.heads.head_dim, a.width);
    let mut gguf = GgufFile::default();
    gguf.text("general.architecture", "gptneox");
    for (key, value) in [
        ("embedding_length", width),
        ("block_count", a.layers),
        ("feed_forward_length", a.hidden),
        ("context_length", a.context),
        ("attention.head_count", heads),
        ("rope.dimension_count", a.rope.as_ref().expect("rotary positions").dims),
    ] {
        gguf.u32(&format!("gptneox.{key}"), value as u32);
    }
    gguf.text("tokenizer.ggml.model", "gpt2");
    gguf.f32("gptneox.attention.layer_norm_epsilon", a.eps);
    for name in folder.names() {
        let matrix = folder.matrix(name).expect(name);
        let numbers = values(&matrix);
        let mut rows: Vec<&[f32]> = numbers.chunks_exact(if matrix.rows == 1 { 1 } else { matrix.cols }).collect();
        if name.contains("query_key_value") {
            // As the converter does: all queries, then all keys, then all values.
            let from = |row: usize| (row / dim % heads * 3 + row / dim / heads) * dim + row % dim;
            rows = (0..rows.len()).map(|row| rows[from(row)]).collect();
        }
        let shape = if matrix.rows == 1 { vec![matrix.cols] } else { vec![matrix.rows, matrix.cols] };
        let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        let data = rows.concat().iter().flat_map(|v| v.to_le_bytes()).collect();
        gguf.tensor(&gguf_name(name), &shape, 0, data);
    }
    let model = Pretrained::open(&[file("neox.gguf", gguf.bytes().0)]).expect("a model");
    same(&folder, &model, 0.0);
    assert_eq!(folder.architecture, model.architecture);
}

/// GPT-NeoX's names, as the converter maps them.
fn gguf_name(name: &str) -> String {
    [
        ("gpt_neox.embed_in", "token_embd"),
        ("gpt_neox.final_layer_norm", "output_norm"),
        ("embed_out", "output"),
        ("gpt_neox.layers", "blk"),
        ("post_attention_layernorm", "ffn_norm"),
        ("input_layernorm", "attn_norm"),
        ("attention.query_key_value", "attn_qkv"),
        ("attention.dense", "attn_output"),
        ("mlp.dense_h_to_4h", "ffn_up"),
        ("mlp.dense_4h_to_h", "ffn_down"),
    ]
    .iter()
    .fold(name.to_string(), |name, (from, to)| name.replace(from, to))
}

#[test]
#[ignore = "needs the real SmolLM2, which is not committed: KILN_MODELS names its folder"]
fn the_real_smollm2_opens() {
    let model = Pretrained::open(&[smollm2()]).expect("SmolLM2");
    let a = &model.architecture;
    assert_eq!((a.family, a.vocab, a.width, a.layers, a.hidden), (Family::Llama, 49_152, 576, 30, 1_536));
    assert_eq!((a.heads.heads, a.heads.kv_heads, a.heads.head_dim), (9, 3, 64));
    assert!(a.tied);
    let rope = a.rope.as_ref().expect("rotary positions");
    assert_eq!((rope.base, rope.dims, rope.interleaved, rope.factors.len()), (100_000.0, 64, true, 0));
    let count = |format| model.names().filter(|n| model.format(n) == Some(format)).count();
    assert_eq!((count(Format::Q4_1), count(Format::Q8_0), count(Format::F32)), (210, 1, 61));
    let parameters: usize = model.names().map(|n| model.matrix(n).map(|m| m.rows * m.cols).expect(n)).sum();
    assert_eq!(parameters, 134_515_008);
}

#[test]
fn a_tensor_of_another_shape_or_type_is_named() {
    let refused = |change: &dyn Fn(&mut GgufFile)| {
        let mut gguf = files::llama();
        change(&mut gguf);
        let files: [ModelFile; 1] = [file("llama.gguf", gguf.bytes().0)];
        match Pretrained::open(&files) {
            Ok(_) => panic!("it opened"),
            Err(error) => (format!("{:?}", error.code), error.message),
        }
    };
    let (code, message) = refused(&|g| g.named("blk.1.ffn_up.weight").shape = vec![32, 64]);
    assert!(code == "ShapeMismatch" && message.contains("blk.1.ffn_up.weight"), "{message}");
    let (code, message) = refused(&|g| g.tensors.retain(|t| t.name != "blk.1.attn_v.weight"));
    assert!(code == "BadFile" && message.contains("blk.1.attn_v.weight"), "{message}");
    let (code, message) = refused(&|g| g.named("output_norm.weight").kind = 26);
    assert!(code == "Unsupported" && message.contains("I32"), "{message}");
    let (code, message) = refused(&|g| g.named("output_norm.weight").name = "blk.0.attn_sinks.weight".into());
    assert!(code == "BadFile" && message.contains("output_norm.weight"), "{message}");
    let (code, message) = refused(&|g| {
        g.tensor("blk.0.attn_sinks.weight", &[4], 0, vec![0; 16]);
    });
    assert!(code == "Unsupported" && message.contains("attn_sinks"), "{message}");
}
