//! Model files, written by hand: small ones that are right, and the same ones with whatever is to be wrong.
#![allow(dead_code)]

use kiln::weights::{Bytes, DiskFile, ModelFile};
use std::path::Path;
use std::rc::Rc;

/// A GGUF file in the making. Numbers of types are those of its specification.
#[derive(Clone)]
pub struct GgufFile {
    pub version: u32,
    pub alignment: u64,
    /// Key, type of the value, the value's bytes.
    pub metadata: Vec<(Vec<u8>, u32, Vec<u8>)>,
    pub tensors: Vec<GgufTensor>,
    /// What the file says, where it is not the truth.
    pub tensor_count: Option<u64>,
    pub key_count: Option<u64>,
}

#[derive(Clone)]
pub struct GgufTensor {
    pub name: String,
    /// Outermost first.
    pub shape: Vec<u64>,
    pub kind: u32,
    pub data: Vec<u8>,
    /// What the file says, where it is not the truth.
    pub offset: Option<u64>,
}

/// A text as GGUF has it: its length before it.
pub fn text(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text].concat()
}

/// A list as GGUF has it: its type, its length, its items.
pub fn list(kind: u32, items: &[Vec<u8>]) -> Vec<u8> {
    [kind.to_le_bytes().to_vec(), (items.len() as u64).to_le_bytes().to_vec(), items.concat()].concat()
}

impl Default for GgufFile {
    fn default() -> Self {
        let (metadata, tensors) = (Vec::new(), Vec::new());
        Self { version: 3, alignment: 32, metadata, tensors, tensor_count: None, key_count: None }
    }
}

impl GgufFile {
    pub fn value(&mut self, key: &str, kind: u32, bytes: Vec<u8>) -> &mut Self {
        self.metadata.retain(|(k, _, _)| k != key.as_bytes());
        self.metadata.push((key.into(), kind, bytes));
        self
    }

    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.value(key, 8, text(value.as_bytes()))
    }

    pub fn u32(&mut self, key: &str, value: u32) -> &mut Self {
        self.value(key, 4, value.to_le_bytes().into())
    }

    pub fn f32(&mut self, key: &str, value: f32) -> &mut Self {
        self.value(key, 6, value.to_le_bytes().into())
    }

    pub fn tensor(&mut self, name: &str, shape: &[u64], kind: u32, data: Vec<u8>) -> &mut Self {
        self.tensors.push(GgufTensor { name: name.into(), shape: shape.into(), kind, data, offset: None });
        self
    }

    /// The tensor of that name.
    pub fn named(&mut self, name: &str) -> &mut GgufTensor {
        self.tensors.iter_mut().find(|t| t.name == name).expect("a tensor of that name")
    }

    /// The file, and the bytes of its header.
    pub fn bytes(&self) -> (Vec<u8>, usize) {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend(self.tensor_count.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        out.extend(self.key_count.unwrap_or(self.metadata.len() as u64).to_le_bytes());
        for (key, kind, value) in &self.metadata {
            out.extend([text(key), kind.to_le_bytes().into(), value.clone()].concat());
        }
        let mut data = Vec::new();
        for tensor in &self.tensors {
            data.resize(data.len().next_multiple_of(self.alignment as usize), 0);
            out.extend(text(tensor.name.as_bytes()));
            out.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor.shape.iter().rev().for_each(|dim| out.extend(dim.to_le_bytes()));
            out.extend(tensor.kind.to_le_bytes());
            out.extend(tensor.offset.unwrap_or(data.len() as u64).to_le_bytes());
            data.extend(&tensor.data);
        }
        let header = out.len();
        out.resize(header.next_multiple_of(self.alignment as usize), 0);
        out.extend(data);
        (out, header)
    }
}

/// A llama of two layers, width 32, with Q8_0 matrices.
pub fn llama() -> GgufFile {
    let mut file = GgufFile::default();
    file.text("general.architecture", "llama");
    for (key, value) in [
        ("embedding_length", 32),
        ("block_count", 2),
        ("feed_forward_length", 64),
        ("context_length", 128),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
        ("rope.dimension_count", 8),
    ] {
        file.u32(&format!("llama.{key}"), value);
    }
    file.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
    let matrix = |file: &mut GgufFile, name: &str, rows: u64, cols: u64| {
        let block = [[0, 0x3c].as_slice(), &(0..32).collect::<Vec<u8>>()].concat();
        file.tensor(name, &[rows, cols], 8, block.repeat((rows * cols / 32) as usize));
    };
    let vector = |file: &mut GgufFile, name: &str| {
        file.tensor(name, &[32], 0, 1f32.to_le_bytes().repeat(32));
    };
    matrix(&mut file, "token_embd.weight", 12, 32);
    for layer in 0..2 {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        vector(&mut file, &name("attn_norm"));
        vector(&mut file, &name("ffn_norm"));
        for (part, rows, cols) in [
            ("attn_q", 32, 32),
            ("attn_k", 16, 32),
            ("attn_v", 16, 32),
            ("attn_output", 32, 32),
            ("ffn_gate", 64, 32),
            ("ffn_up", 64, 32),
            ("ffn_down", 32, 64),
        ] {
            matrix(&mut file, &name(part), rows, cols);
        }
    }
    vector(&mut file, "output_norm.weight");
    let tokens: Vec<Vec<u8>> = (b'a'..=b'l').map(|c| text(&[c])).collect();
    file.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "smollm");
    file.value("tokenizer.ggml.tokens", 9, list(8, &tokens));
    file.value("tokenizer.ggml.token_type", 9, list(5, &vec![1i32.to_le_bytes().into(); tokens.len()]));
    file.value("tokenizer.ggml.merges", 9, list(8, &[]));
    file.u32("tokenizer.ggml.eos_token_id", 0);
    file
}

/// A safetensors file with this header.
pub fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A file in memory.
pub fn file(name: &str, bytes: Vec<u8>) -> ModelFile {
    ModelFile { name: name.into(), bytes: Rc::new(bytes) }
}

/// The files of a fixture: one file, or a folder.
pub fn fixture(name: &str) -> Vec<ModelFile> {
    let path = Path::new("tests/fixtures/text").join(name);
    let mut paths = vec![path.clone()];
    if path.is_dir() {
        paths = std::fs::read_dir(&path).expect("a folder").map(|e| e.expect("an entry").path()).collect();
        paths.sort();
    }
    let name = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned()).expect("a name");
    paths.iter().map(|p| file(&name(p), std::fs::read(p).expect("the fixture"))).collect()
}

/// The real SmolLM2 file: for tests that are run by `cargo test -- --ignored` alone.
pub fn smollm2() -> ModelFile {
    let folder = std::env::var("KILN_MODELS").unwrap_or_else(|_| "../shared/models".into());
    let name = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let bytes = DiskFile::open(&Path::new(&folder).join(name)).expect("the real model; KILN_MODELS names its folder");
    ModelFile { name: name.into(), bytes: Rc::new(bytes) as Rc<dyn Bytes> }
}
