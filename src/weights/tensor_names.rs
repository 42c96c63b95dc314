//! The tensors of each family: their names in the checkpoints of `transformers`, in GGUF files, and their shapes.

use crate::models::transformer::{Architecture, Family};

/// A dimension of a tensor.
#[derive(Clone, Copy)]
enum Dim {
    Vocab,
    Width,
    Hidden,
    Context,
    /// The queries of all heads; the keys of all heads; one head.
    Queries,
    Keys,
    Head,
    /// Queries, keys and values of as many heads.
    Qkv,
}

/// Whether a tensor is required, and how it is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TensorRole {
    Required,
    /// Used if it exists.
    Optional,
    /// Required unless the head is the embedding.
    Head,
    /// Required; safetensors have it as `[inputs, outputs]` (GPT-2's Conv1D).
    Conv1d,
    /// Required; GGUF files have all queries, then all keys, then all values, where safetensors have query, key and value of each head
    /// together.
    PerHead,
}

/// A tensor of a network.
pub(super) struct Tensor {
    pub name: String,
    pub gguf: String,
    pub shape: Vec<usize>,
    pub role: TensorRole,
}

type Row = (&'static str, &'static str, &'static [Dim], TensorRole);

use Dim::{Context, Head as HeadDim, Hidden, Keys, Qkv, Queries, Vocab, Width};
use TensorRole::{Conv1d, Head, Optional, PerHead, Required};

/// `{}` is the layer's number.
const LLAMA: &[Row] = &[
    ("model.embed_tokens.weight", "token_embd.weight", &[Vocab, Width], Required),
    ("model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", &[Width], Required),
    ("model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", &[Queries, Width], Required),
    ("model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", &[Keys, Width], Required),
    ("model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight", &[Keys, Width], Required),
    ("model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight", &[Width, Queries], Required),
    ("model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", &[Width], Required),
    ("model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight", &[Hidden, Width], Required),
    ("model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight", &[Hidden, Width], Required),
    ("model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight", &[Width, Hidden], Required),
    ("model.norm.weight", "output_norm.weight", &[Width], Required),
    ("lm_head.weight", "output.weight", &[Vocab, Width], Head),
];

const LLAMA_BIASES: &[Row] = &[
    ("model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", &[Queries], Optional),
    ("model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", &[Keys], Optional),
    ("model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias", &[Keys], Optional),
    ("model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias", &[Width], Optional),
];

const QWEN2_BIASES: &[Row] = &[
    ("model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", &[Queries], Required),
    ("model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", &[Keys], Required),
    ("model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias", &[Keys], Required),
];

const QWEN3_NORMS: &[Row] = &[
    ("model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight", &[HeadDim], Required),
    ("model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight", &[HeadDim], Required),
];

const GPT2: &[Row] = &[
    ("wte.weight", "token_embd.weight", &[Vocab, Width], Required),
    ("wpe.weight", "position_embd.weight", &[Context, Width], Required),
    ("h.{}.ln_1.weight", "blk.{}.attn_norm.weight", &[Width], Required),
    ("h.{}.ln_1.bias", "blk.{}.attn_norm.bias", &[Width], Required),
    ("h.{}.attn.c_attn.weight", "blk.{}.attn_qkv.weight", &[Qkv, Width], Conv1d),
    ("h.{}.attn.c_attn.bias", "blk.{}.attn_qkv.bias", &[Qkv], Required),
    ("h.{}.attn.c_proj.weight", "blk.{}.attn_output.weight", &[Width, Width], Conv1d),
    ("h.{}.attn.c_proj.bias", "blk.{}.attn_output.bias", &[Width], Required),
    ("h.{}.ln_2.weight", "blk.{}.ffn_norm.weight", &[Width], Required),
    ("h.{}.ln_2.bias", "blk.{}.ffn_norm.bias", &[Width], Required),
    ("h.{}.mlp.c_fc.weight", "blk.{}.ffn_up.weight", &[Hidden, Width], Conv1d),
    ("h.{}.mlp.c_fc.bias", "blk.{}.ffn_up.bias", &[Hidden], Required),
    ("h.{}.mlp.c_proj.weight", "blk.{}.ffn_down.weight", &[Width, Hidden], Conv1d),
    ("h.{}.mlp.c_proj.bias", "blk.{}.ffn_down.bias", &[Width], Required),
    ("ln_f.weight", "output_norm.weight", &[Width], Required),
    ("ln_f.bias", "output_norm.bias", &[Width], Required),
    ("lm_head.weight", "output.weight", &[Vocab, Width], Head),
];

const NEOX: &[Row] = &[
    ("gpt_neox.embed_in.weight", "token_embd.weight", &[Vocab, Width], Required),
    ("gpt_neox.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", &[Width], Required),
    ("gpt_neox.layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias", &[Width], Required),
    ("gpt_neox.layers.{}.attention.query_key_value.weight", "blk.{}.attn_qkv.weight", &[Qkv, Width], PerHead),
    ("gpt_neox.layers.{}.attention.query_key_value.bias", "blk.{}.attn_qkv.bias", &[Qkv], PerHead),
    ("gpt_neox.layers.{}.attention.dense.weight", "blk.{}.attn_output.weight", &[Width, Width], Required),
    ("gpt_neox.layers.{}.attention.dense.bias", "blk.{}.attn_output.bias", &[Width], Required),
    ("gpt_neox.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", &[Width], Required),
    ("gpt_neox.layers.{}.post_attention_layernorm.bias", "blk.{}.ffn_norm.bias", &[Width], Required),
    ("gpt_neox.layers.{}.mlp.dense_h_to_4h.weight", "blk.{}.ffn_up.weight", &[Hidden, Width], Required),
    ("gpt_neox.layers.{}.mlp.dense_h_to_4h.bias", "blk.{}.ffn_up.bias", &[Hidden], Required),
    ("gpt_neox.layers.{}.mlp.dense_4h_to_h.weight", "blk.{}.ffn_down.weight", &[Width, Hidden], Required),
    ("gpt_neox.layers.{}.mlp.dense_4h_to_h.bias", "blk.{}.ffn_down.bias", &[Width], Required),
    ("gpt_neox.final_layer_norm.weight", "output_norm.weight", &[Width], Required),
    ("gpt_neox.final_layer_norm.bias", "output_norm.bias", &[Width], Required),
    ("embed_out.weight", "output.weight", &[Vocab, Width], Head),
];

/// Suffixes of tensors that are not needed: masks, and frequencies that are computed or read elsewhere.
const IGNORED: [&str; 5] =
    [".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"];

/// The frequency factors of a Llama 3 GGUF file, which become part of the architecture.
pub(super) const ROPE_FACTORS: &str = "rope_freqs.weight";

/// Whether a tensor does not affect the result.
pub(super) fn is_ignored(name: &str) -> bool {
    name == ROPE_FACTORS || IGNORED.iter().any(|ending| name.ends_with(ending))
}

/// The name of the head in `transformers` and in GGUF files.
pub(super) fn head(family: Family) -> [&'static str; 2] {
    let head = tables(family).iter().flat_map(|t| t.iter()).find(|row| row.3 == Head);
    head.map_or(["", ""], |row| [row.0, row.1])
}

fn tables(family: Family) -> [&'static [Row]; 2] {
    match family {
        Family::Llama => [LLAMA, LLAMA_BIASES],
        Family::Qwen2 => [LLAMA, QWEN2_BIASES],
        Family::Qwen3 => [LLAMA, QWEN3_NORMS],
        Family::Gpt2 => [GPT2, &[]],
        Family::NeoX => [NEOX, &[]],
    }
}

/// All tensors of a network.
pub(super) fn tensors(a: &Architecture) -> impl Iterator<Item = Tensor> {
    let length = move |dim: &Dim| match dim {
        Dim::Vocab => a.vocab,
        Dim::Width => a.width,
        Dim::Hidden => a.hidden,
        Dim::Context => a.context,
        Dim::Queries => a.heads.heads * a.heads.head_dim,
        Dim::Keys => a.heads.kv_heads * a.heads.head_dim,
        Dim::Head => a.heads.head_dim,
        Dim::Qkv => 3 * a.heads.heads * a.heads.head_dim,
    };
    tables(a.family).into_iter().flatten().flat_map(move |&(name, gguf, shape, role)| {
        let copies = if name.contains("{}") { a.layers } else { 1 };
        (0..copies).map(move |layer| {
            let fill = |name: &str| name.replace("{}", &layer.to_string());
            Tensor { name: fill(name), gguf: fill(gguf), shape: shape.iter().map(length).collect(), role }
        })
    })
}
