//! A [`Gpt`](crate::models::gpt::Gpt) in the form of `transformers`' GPT-2, which other programs open: the layout of its matrices, and the
//! files that stand beside `model.safetensors`.

use super::checkpoint::{Checkpoint, NamedTensor};
use crate::data::text::Characters;
use crate::models::gpt::{GptConfig, NormPlace, Positions};
use crate::nn::Activation;
use serde_json::{Map, Value, json};

/// The matrices that GPT-2 stores as `[in, out]` (its layer is called Conv1D).
const CONV1D: [&str; 3] = [".c_attn.weight", ".c_proj.weight", ".c_fc.weight"];

fn is_conv1d(tensor: &NamedTensor) -> bool {
    // The moments of the optimizer, too: `optimizer.NAME.exp_avg`.
    let name = tensor.name.trim_end_matches("_sq").trim_end_matches(".exp_avg");
    tensor.shape.len() == 2 && CONV1D.iter().any(|end| name.ends_with(end))
}

/// Turns the matrices of a linear layer, `[out, in]`, into GPT-2's, or back.
pub fn turn_conv1d(file: &mut Checkpoint) {
    for tensor in file.tensors.iter_mut().filter(|tensor| is_conv1d(tensor)) {
        let (rows, columns) = (tensor.shape[0], tensor.shape[1]);
        let at = |i: usize| tensor.values[i % rows * columns + i / rows];
        tensor.values = (0..rows * columns).map(at).collect();
        tensor.shape = vec![columns, rows];
    }
}

/// `config.json`, `tokenizer.json`, `tokenizer_config.json` and `generation_config.json` of a network of characters; none where it is no
/// GPT-2: with other positions than learned ones, or with norms after its parts. `end` is the character that begins and ends a text.
pub fn companions(config: &GptConfig, characters: &Characters, end: Option<char>) -> Vec<(&'static str, Value)> {
    if config.positions != Positions::Learned || config.norm != NormPlace::Pre {
        return Vec::new();
    }
    let activation = match config.activation {
        Activation::GeluTanh => "gelu_new",
        Activation::Silu => "silu",
        _ => "relu",
    };
    let end = end.and_then(|c| Some((characters.id(c)?, c)));
    let id = end.map(|(id, _)| id);
    let vocabulary: Map<String, Value> =
        (0..).zip(characters.text().chars()).map(|(id, c): (u32, char)| (c.into(), id.into())).collect();
    let special = |(id, text): (u32, char)| json!({ "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true });
    // The end of a text is also what stands before the next one.
    let begin = |(id, text): (u32, char)| {
        json!({
            "type": "TemplateProcessing",
            "single": [{ "SpecialToken": { "id": text, "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
            "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 0 } }],
            "special_tokens": { text.to_string(): { "id": text, "ids": [id], "tokens": [text] } },
        })
    };
    let network = json!({
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocabulary,
        "n_positions": config.context,
        "n_embd": config.width,
        "n_layer": config.layers,
        "n_head": config.heads,
        "activation_function": activation,
        "layer_norm_epsilon": 1e-5,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "tie_word_embeddings": config.tied,
        "bos_token_id": id,
        "eos_token_id": id,
    });
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": end.map(special).into_iter().collect::<Vec<_>>(),
        "normalizer": null,
        "pre_tokenizer": null,
        "post_processor": end.map(begin),
        "decoder": { "type": "Fuse" },
        // Without merges every character stays a token.
        "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": [] },
    });
    let mut settings = json!({ "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false });
    if let Some((_, text)) = end {
        settings["bos_token"] = json!(text);
        settings["eos_token"] = json!(text);
    }
    let mut writing = json!({ "do_sample": true });
    if let Some(id) = id {
        writing["eos_token_id"] = json!(id);
    }
    vec![
        ("config.json", network),
        ("tokenizer.json", tokenizer),
        ("tokenizer_config.json", settings),
        ("generation_config.json", writing),
    ]
}
