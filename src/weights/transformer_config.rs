//! The configuration of a transformer, from the `config.json` of `transformers` or from the metadata of a GGUF file. Sizes beyond those
//! of any model are refused.

use super::gguf::Gguf;
use super::quoted::quoted;
use crate::error::{Error, Result};
use crate::models::transformer::{Architecture, Family, RopeConfig};
use crate::nn::engine::Heads;
use serde::Deserialize;

/// A `config.json`. Missing keys have the defaults of `transformers`.
#[derive(Deserialize)]
pub(super) struct Config {
    model_type: String,
    vocab_size: u64,
    #[serde(alias = "n_embd")]
    hidden_size: u64,
    #[serde(alias = "n_layer")]
    num_hidden_layers: u64,
    #[serde(alias = "n_head")]
    num_attention_heads: u64,
    #[serde(alias = "n_positions")]
    max_position_embeddings: u64,
    #[serde(alias = "n_inner")]
    intermediate_size: Option<u64>,
    num_key_value_heads: Option<u64>,
    head_dim: Option<u64>,
    #[serde(alias = "layer_norm_eps", alias = "layer_norm_epsilon")]
    rms_norm_eps: Option<f64>,
    #[serde(alias = "activation_function")]
    hidden_act: Option<String>,
    tie_word_embeddings: Option<bool>,
    sliding_window: Option<u64>,
    use_sliding_window: Option<bool>,
    rope_theta: Option<f64>,
    rotary_emb_base: Option<f64>,
    rotary_pct: Option<f64>,
    rope_scaling: Option<Scaling>,
    rope_parameters: Option<Scaling>,
    use_parallel_residual: Option<bool>,
    scale_attn_weights: Option<bool>,
    scale_attn_by_inverse_layer_idx: Option<bool>,
}

/// `rope_scaling`, or `rope_parameters` of `transformers` 5, which also has the base.
#[derive(Deserialize, Clone, Default)]
struct Scaling {
    rope_type: Option<String>,
    r#type: Option<String>,
    rope_theta: Option<f64>,
    partial_rotary_factor: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<u64>,
}

impl Config {
    /// The architecture, with `tied` as the file states it.
    ///
    /// # Errors
    /// `Unsupported` for a network or a variant that Kiln does not run, `BadFile` for impossible sizes.
    pub fn architecture(&self) -> Result<Architecture> {
        let (family, activation, tied) = match self.model_type.as_str() {
            "llama" | "mistral" => (Family::Llama, "silu", false),
            "qwen2" => (Family::Qwen2, "silu", false),
            "qwen3" => (Family::Qwen3, "silu", false),
            "gpt2" => (Family::Gpt2, "gelu_new", true),
            "gpt_neox" => (Family::NeoX, "gelu", false),
            other => return Err(unknown(other)),
        };
        if let Some(other) = self.hidden_act.as_deref().filter(|a| *a != activation) {
            return Err(Error::unsupported(format!("The model's activation is {}, not {activation}.", quoted(other))));
        }
        if self.scale_attn_weights == Some(false) || self.scale_attn_by_inverse_layer_idx == Some(true) {
            return Err(Error::unsupported("The model uses an unsupported scaling of attention."));
        }
        let (width, heads) = (size(self.hidden_size)?, size(self.num_attention_heads)?);
        // Inside one window, sliding-window attention is full attention.
        let sliding = self.sliding_window.filter(|_| self.use_sliding_window != Some(false));
        let context = self.max_position_embeddings.min(sliding.unwrap_or(u64::MAX));
        let head_dim = match self.head_dim {
            Some(n) => size(n)?,
            None if family == Family::Qwen3 => 128,
            None => share(width, heads)?,
        };
        let architecture = Architecture {
            family,
            vocab: size(self.vocab_size)?,
            width,
            layers: size(self.num_hidden_layers)?,
            heads: Heads { heads, kv_heads: self.num_key_value_heads.map_or(Ok(heads), size)?, head_dim },
            hidden: self.intermediate_size.map_or(Ok(4 * width), size)?,
            context: size(context)?,
            eps: self.rms_norm_eps.unwrap_or(if fused(family) { 1e-5 } else { 1e-6 }) as f32,
            rope: self.rope(family, head_dim)?,
            tied: self.tie_word_embeddings.unwrap_or(tied),
            parallel: family == Family::NeoX && self.use_parallel_residual.unwrap_or(true),
        };
        checked(architecture)
    }

    fn rope(&self, family: Family, head_dim: usize) -> Result<Option<RopeConfig>> {
        if family == Family::Gpt2 {
            return Ok(None);
        }
        let scaling = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref()).cloned().unwrap_or_default();
        let base = scaling.rope_theta.or(self.rope_theta).or(self.rotary_emb_base).unwrap_or(10_000.0);
        let default = if family == Family::NeoX { 0.25 } else { 1.0 };
        let part = scaling.partial_rotary_factor.or(self.rotary_pct).unwrap_or(default);
        let mut rope = RopeConfig {
            base: base as f32,
            dims: (head_dim as f64 * part) as usize,
            interleaved: false,
            factors: Vec::new(),
        };
        // Before lists as long as `dims` are allocated.
        check_rope(&rope, head_dim)?;
        rope.factors = match scaling.rope_type.as_deref().or(scaling.r#type.as_deref()) {
            None | Some("default") => Vec::new(),
            Some("linear") => vec![scaling.factor.unwrap_or(1.0) as f32; rope.dims / 2],
            Some("llama3") => scaling.llama3(&rope)?,
            Some(other) => {
                return Err(Error::unsupported(format!(
                    "The model scales its positions by {}, which is not supported.",
                    quoted(other)
                )));
            }
        };
        Ok(Some(rope))
    }
}

impl Scaling {
    /// The scaling of Llama 3.1: low frequencies are divided by `factor`, high ones stay, those between are interpolated
    /// (`_compute_llama3_parameters` of `transformers`).
    fn llama3(&self, rope: &RopeConfig) -> Result<Vec<f32>> {
        let (Some(factor), Some(low), Some(high), Some(trained)) =
            (self.factor, self.low_freq_factor, self.high_freq_factor, self.original_max_position_embeddings)
        else {
            return Err(Error::bad_file("The model's position scaling is incomplete."));
        };
        let divisor = |pair: usize| {
            let wavelength = std::f64::consts::TAU * f64::from(rope.base).powf(2.0 * pair as f64 / rope.dims as f64);
            let turns = trained as f64 / wavelength;
            match turns {
                t if t < low => factor,
                t if t > high => 1.0,
                t => {
                    let smooth = (t - low) / (high - low);
                    1.0 / ((1.0 - smooth) / factor + smooth)
                }
            }
        };
        Ok((0..rope.dims / 2).map(|pair| divisor(pair) as f32).collect())
    }
}

/// The architecture in the metadata of a GGUF file, without frequency factors; `vocab` are the rows of its embedding.
///
/// # Errors
/// As [`Config::architecture`].
pub(super) fn of_gguf(gguf: &Gguf, vocab: usize) -> Result<Architecture> {
    let name =
        gguf.text("general.architecture").ok_or_else(|| Error::bad_file("The file does not name its network."))?;
    let family = match name {
        "llama" => Family::Llama,
        "qwen2" => Family::Qwen2,
        "qwen3" => Family::Qwen3,
        "gpt2" => Family::Gpt2,
        "gptneox" => Family::NeoX,
        other => return Err(unknown(other)),
    };
    let maybe = |key: &str| -> Result<Option<usize>> {
        let key = format!("{name}.{key}");
        match (gguf.metadata.get(&key), gguf.unsigned(&key)) {
            (None, _) => Ok(None),
            (Some(_), Some(n)) => size(n).map(Some),
            (Some(_), None) => Err(Error::unsupported(format!("The file's {key} is not an integer."))),
        }
    };
    let sized =
        |key: &str| maybe(key)?.ok_or_else(|| Error::bad_file(format!("The file does not say its {name}.{key}.")));
    let number = |key: &str| gguf.number(&format!("{name}.{key}"));
    if maybe("expert_count")?.is_some_and(|n| n > 0) {
        return Err(Error::unsupported("The model is a mixture of experts."));
    }
    let (width, heads) = (sized("embedding_length")?, sized("attention.head_count")?);
    let head_dim = maybe("attention.key_length")?.map_or_else(|| share(width, heads), Ok)?;
    if maybe("attention.value_length")?.is_some_and(|n| n != head_dim) {
        return Err(Error::unsupported("The model's values and keys have different lengths."));
    }
    let eps = number(if fused(family) { "attention.layer_norm_epsilon" } else { "attention.layer_norm_rms_epsilon" });
    let rope = if family == Family::Gpt2 {
        None
    } else {
        let dims = maybe("rope.dimension_count")?.unwrap_or(head_dim);
        let base = number("rope.freq_base").unwrap_or(10_000.0) as f32;
        let mut rope = RopeConfig { base, dims, interleaved: family == Family::Llama, factors: Vec::new() };
        check_rope(&rope, head_dim)?;
        match gguf.text(&format!("{name}.rope.scaling.type")) {
            None | Some("none") => {}
            Some("linear") => rope.factors = vec![number("rope.scaling.factor").unwrap_or(1.0) as f32; dims / 2],
            Some(other) => {
                return Err(Error::unsupported(format!(
                    "The model scales its positions by {}, which is not supported.",
                    quoted(other)
                )));
            }
        }
        Some(rope)
    };
    checked(Architecture {
        family,
        vocab,
        width,
        layers: sized("block_count")?,
        heads: Heads { heads, kv_heads: maybe("attention.head_count_kv")?.unwrap_or(heads), head_dim },
        hidden: sized("feed_forward_length")?,
        context: sized("context_length")?.min(maybe("attention.sliding_window")?.unwrap_or(usize::MAX)),
        eps: eps.ok_or_else(|| Error::bad_file("The file does not say the epsilon of its norms."))? as f32,
        rope,
        tied: false,
        parallel: family == Family::NeoX && gguf.flag("gptneox.use_parallel_residual").unwrap_or(true),
    })
}

fn unknown(name: &str) -> Error {
    Error::unsupported(format!("Kiln does not run networks of the kind {}.", quoted(name)))
}

/// A size, at most 2^24, so that products of two fit 48 bits.
fn size(n: u64) -> Result<usize> {
    let n = usize::try_from(n).ok().filter(|&n| (1..=1 << 24).contains(&n));
    n.ok_or_else(|| Error::bad_file("The model's configuration states an impossible size."))
}

/// The channels of a head.
fn share(width: usize, heads: usize) -> Result<usize> {
    let whole = width.is_multiple_of(heads).then_some(width / heads);
    whole.ok_or_else(|| Error::bad_file(format!("A width of {width} cannot be shared by {heads} heads.")))
}

/// Whether one matrix computes queries, keys and values, all as wide as the model.
fn fused(family: Family) -> bool {
    matches!(family, Family::Gpt2 | Family::NeoX)
}

fn check_rope(rope: &RopeConfig, head_dim: usize) -> Result<()> {
    let whole = rope.dims.is_multiple_of(2) && (2..=head_dim).contains(&rope.dims) && head_dim <= LIMITS.head_dim;
    if !whole || !rope.base.is_finite() || rope.base < 1.0 {
        return Err(Error::bad_file("The model's rotary positions are impossible."));
    }
    Ok(())
}

/// Checks the divisors of the frequencies.
pub(super) fn check_factors(rope: &RopeConfig) -> Result<()> {
    let fit = rope.factors.is_empty() || rope.factors.len() == rope.dims / 2;
    if !fit || rope.factors.iter().any(|f| !f.is_finite() || *f <= 0.0) {
        return Err(Error::bad_file("The model's position scaling is impossible."));
    }
    Ok(())
}

/// Limits beyond those of any model.
struct Limits {
    vocab: usize,
    width: usize,
    layers: usize,
    heads: usize,
    head_dim: usize,
    hidden: usize,
}

const LIMITS: Limits =
    Limits { vocab: 1 << 20, width: 1 << 15, layers: 256, heads: 512, head_dim: 1024, hidden: 1 << 18 };

/// # Errors
/// `BadFile` where sizes are impossible or inconsistent.
fn checked(a: Architecture) -> Result<Architecture> {
    let Heads { heads, kv_heads, head_dim } = a.heads;
    let sizes = [
        ("vocabulary", a.vocab, LIMITS.vocab),
        ("width", a.width, LIMITS.width),
        ("number of layers", a.layers, LIMITS.layers),
        ("number of heads", heads, LIMITS.heads),
        ("length of a head", head_dim, LIMITS.head_dim),
        ("MLP's width", a.hidden, LIMITS.hidden),
    ];
    if let Some((what, n, limit)) = sizes.iter().find(|(_, n, limit)| n > limit) {
        return Err(Error::bad_file(format!("The model's {what} is {n}; no model goes beyond {limit}.")));
    }
    if !heads.is_multiple_of(kv_heads) || (fused(a.family) && (kv_heads != heads || heads * head_dim != a.width)) {
        return Err(Error::bad_file(format!(
            "{heads} heads of {head_dim} channels and {kv_heads} heads of keys do not match."
        )));
    }
    if !(a.eps > 0.0 && a.eps < 1.0) {
        return Err(Error::bad_file("The epsilon of the model's norms is impossible."));
    }
    if let Some(rope) = &a.rope {
        check_factors(rope)?;
    }
    Ok(a)
}
