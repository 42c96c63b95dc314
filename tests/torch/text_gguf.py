"""GGUF files with the names, the metadata and the row order that llama.cpp's converter gives them, and back again.

The names come from the `gguf` package's own map. Metadata and row order follow convert_hf_to_gguf.py of
https://github.com/ggml-org/llama.cpp (MIT): llama's query and key rows are interleaved for its RoPE, GPT-2's Conv1D
matrices are turned, vectors and learned positions stay F32.
"""

import math

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "gpt2": gguf.MODEL_ARCH.GPT2,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
}
FILE_TYPES = {"F32": "ALL_F32", "Q4_K": "MOSTLY_Q4_K_M"}
CONV1D = ("attn_qkv.weight", "attn_output.weight", "ffn_up.weight", "ffn_down.weight")


def interleave(rows, heads):
    """[heads * dim, cols]: from halves (i, i + dim / 2) to pairs (2 i, 2 i + 1)."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def halve(rows, heads):
    """The other way."""
    return rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def reorder(architecture, name, data, heads, kv_heads, turn):
    """A tensor's rows from one side's order to the other's; `turn` is interleave or halve."""
    if architecture == "llama" and name.endswith("attn_q.weight"):
        return turn(data, heads)
    if architecture == "llama" and name.endswith("attn_k.weight"):
        return turn(data, kv_heads)
    if architecture == "gpt2" and name.endswith(CONV1D):
        return data.T.copy()
    return data


def llama3_factors(config):
    """What llama.cpp divides each RoPE frequency by, [head_dim / 2]; transformers' `rope_type: llama3`."""
    scaling, dim = config.rope_scaling, config.hidden_size // config.num_attention_heads
    old = scaling["original_max_position_embeddings"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    factors = []
    for i in range(0, dim, 2):
        wave = 2 * math.pi * config.rope_theta ** (i / dim)
        if wave < old / high:
            factors.append(1.0)
        elif wave > old / low:
            factors.append(scaling["factor"])
        else:
            smooth = (old / wave - low) / (high - low)
            factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def add_config(writer, config):
    gpt2 = config.model_type == "gpt2"
    writer.add_type("model")
    writer.add_name(f"tiny random {config.model_type}")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.n_inner if gpt2 else config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    if gpt2:
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if config.model_type == "llama":
        writer.add_vocab_size(config.vocab_size)
        writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    if config.model_type == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)


def add_vocabulary(writer, vocabulary, size):
    """The tokenizer (a text_vocabulary.Vocabulary); rows above its tokens are padding."""
    fast = vocabulary.fast
    added = fast.added_tokens_decoder
    tokens, types = [], []
    for i in range(size):
        token = fast.convert_ids_to_tokens(i) if i < len(fast) else f"[PAD{i}]"
        kind = gguf.TokenType.NORMAL if i < len(fast) else gguf.TokenType.UNUSED
        if i in added:
            kind = gguf.TokenType.CONTROL if added[i].special else gguf.TokenType.USER_DEFINED
        tokens.append(token)
        types.append(kind)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(vocabulary.merges)
    writer.add_bos_token_id(fast.bos_token_id)
    writer.add_eos_token_id(fast.eos_token_id)
    writer.add_add_bos_token(vocabulary.adds_bos)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(fast.chat_template)


def write(path, model, vocabulary, kind, embedding=None, made=None):
    """Writes `model` (float32) with its matrices as `kind`. `made`: ready blocks by GGUF name: (raw U8, type)."""
    config, made = model.config, made or {}
    architecture = config.model_type
    writer = gguf.GGUFWriter(path, architecture)
    add_config(writer, config)
    add_vocabulary(writer, vocabulary, config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType[FILE_TYPES.get(kind, f"MOSTLY_{kind}")])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    if getattr(config, "rope_scaling", None):
        writer.add_tensor("rope_freqs.weight", llama3_factors(config))
    names = gguf.get_tensor_name_map(ARCHITECTURES[architecture], config.num_hidden_layers)
    kv_heads = getattr(config, "num_key_value_heads", 0)
    for hf, tensor in model.state_dict().items():
        if hf == "lm_head.weight" and config.tie_word_embeddings:
            continue
        name = names.get_name(hf, try_suffixes=(".weight", ".bias"))
        if name in made:
            raw, stored = made[name]
            writer.add_tensor(name, raw, raw_dtype=Type[stored])
            continue
        data = reorder(architecture, name, tensor.numpy(), config.num_attention_heads, kv_heads, interleave)
        stored = Type[embedding] if embedding and name == "token_embd.weight" else Type[kind]
        if data.ndim == 1 or name == "position_embd.weight":
            stored = Type.F32
        writer.add_tensor(name, quantize(data, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path, model):
    """Loads a GGUF's tensors, dequantised to float32 and in transformers' order, into `model`, strictly."""
    config, reader = model.config, gguf.GGUFReader(path)
    names = gguf.get_tensor_name_map(ARCHITECTURES[config.model_type], config.num_hidden_layers)
    stored = {t.name: t for t in reader.tensors}
    kv_heads = getattr(config, "num_key_value_heads", 0)
    state = {}
    for hf in model.state_dict():
        name = names.get_name(hf, try_suffixes=(".weight", ".bias"))
        tensor = stored.get(name) or stored["token_embd.weight"]
        data = np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        data = reorder(config.model_type, name, data, config.num_attention_heads, kv_heads, halve)
        state[hf] = torch.from_numpy(np.ascontiguousarray(data))
    model.load_state_dict(state)
    return model
