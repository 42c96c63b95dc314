"""Tiny random language models in every format Kiln reads, and their logits in float32. Run by text_golden.py."""

import shutil

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file
from safetensors.torch import load_file
from safetensors.torch import save_file as save_torch

import text_gguf
import text_vocabulary
from text_blocks import random_blocks

VOCAB, LENGTH = 320, 24
SHAPE = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": VOCAB}
TOKENS = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": None}
LLAMA = (
    SHAPE
    | TOKENS
    | {"num_key_value_heads": 2, "intermediate_size": 96, "max_position_embeddings": 256, "rms_norm_eps": 1e-5}
)
SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}


def configs():
    """The models: name -> config. `llama` is tied; the other llamas have one layer and one thing that differs."""
    t = transformers
    other = LLAMA | {"num_hidden_layers": 1}
    qwen2 = LLAMA | {"vocab_size": VOCAB + 8, "rope_theta": 1e6}
    return {
        "llama": t.LlamaConfig(**LLAMA, tie_word_embeddings=True),
        "llama-untied": t.LlamaConfig(**other, tie_word_embeddings=False),
        "llama-theta": t.LlamaConfig(**other, tie_word_embeddings=True, rope_theta=1e5),
        "llama-scaled": t.LlamaConfig(**other, tie_word_embeddings=False, rope_scaling=SCALING),
        # Rows of 256, for the K blocks; all four query heads share one key/value head.
        "llama-k": t.LlamaConfig(
            **other | {"hidden_size": 256, "intermediate_size": 256, "num_key_value_heads": 1},
            tie_word_embeddings=True,
        ),
        "gpt2": t.GPT2Config(n_embd=64, n_layer=2, n_head=4, n_inner=128, n_positions=64, vocab_size=VOCAB, **TOKENS),
        "gpt_neox": t.GPTNeoXConfig(
            **SHAPE | TOKENS, intermediate_size=128, max_position_embeddings=256, rotary_pct=0.25
        ),
        # Fewer tokens than embedding rows, as in the real Qwen2.
        "qwen2": t.Qwen2Config(**qwen2, tie_word_embeddings=True),
        "qwen3": t.Qwen3Config(**other, head_dim=32, tie_word_embeddings=True, rope_theta=1e6),
    }


def build(config, seed):
    """A float32 model with weights of about 0.2 (norms about 1), so that a mistake anywhere shows in the logits."""
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    rng = np.random.default_rng(seed)
    std = 0.2 if config.hidden_size == 64 else 0.1
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            one = 1.0 if parameter.ndim == 1 and name.endswith("weight") else 0.0
            parameter.copy_(torch.from_numpy(one + std * rng.standard_normal(parameter.shape)))
    return model


def save(folder, model, vocabulary, dtype, **kwargs):
    """The folder as the hub would hold it, with the model's matrices as `dtype`."""
    shutil.rmtree(folder, ignore_errors=True)
    dtypes = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    again = transformers.AutoModelForCausalLM.from_config(model.config)
    again.load_state_dict(model.state_dict())
    again.to(dtypes[dtype]).save_pretrained(folder, **kwargs)
    vocabulary.fast.save_pretrained(folder)


def bare(folder, source):
    """GPT-2 as its first checkpoints were: no `transformer.` before the names, the causal masks among the tensors."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    tensors = {k.removeprefix("transformer."): v for k, v in load_file(source / "model.safetensors").items()}
    for layer in range(2):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(64, 64).tril().reshape(1, 1, 64, 64)
    save_torch(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def k_blocks(model):
    """Random K blocks for each matrix of `llama-k`: GGUF name -> (raw, type). Values are about 0.1."""
    rng, c = np.random.default_rng(41), model.config
    kv, bounds = c.num_key_value_heads * 64, {"Q4_K": (5e-4, 2e-3), "Q5_K": (2.5e-4, 2e-3), "Q6_K": (1.2e-4,)}
    rows = {
        "token_embd": ("Q6_K", c.vocab_size),
        "blk.0.attn_q": ("Q4_K", 256),
        "blk.0.attn_k": ("Q4_K", kv),
        "blk.0.attn_v": ("Q6_K", kv),
        "blk.0.attn_output": ("Q5_K", 256),
        "blk.0.ffn_gate": ("Q4_K", 256),
        "blk.0.ffn_up": ("Q5_K", 256),
        "blk.0.ffn_down": ("Q6_K", 256),
    }
    return {f"{n}.weight": (random_blocks(rng, t, r, 256, bounds[t]), t) for n, (t, r) in rows.items()}


class Goldens(dict):
    """Tensors of logits.safetensors; `take` runs a float32 model on its tokens."""

    def take(self, name, model):
        ids = np.random.default_rng(7).integers(0, VOCAB, LENGTH)
        with torch.no_grad():
            out = model(torch.from_numpy(ids)[None], output_attentions=True, output_hidden_states=True)
        self[f"{name}.ids"] = ids.astype(np.float32)
        self[f"{name}.logits"] = out.logits[0].numpy()
        return out

    def look_inside(self, name, model):
        """Attention [heads, n, n] of each layer and the last token's logit lens [layers + 1, vocab]."""
        out = self.take(name, model)
        for layer, attention in enumerate(out.attentions):
            self[f"{name}.attention.{layer}"] = attention[0].numpy()
        # transformers has put the final norm on the last hidden state already, and on that one alone.
        *inner, last = [h[0, -1] for h in out.hidden_states]
        with torch.no_grad():
            lens = torch.stack([model.lm_head(model.model.norm(h)) for h in inner] + [model.lm_head(last)])
        self[f"{name}.lens"] = lens.numpy()


def tiny(folder):
    models = {name: build(config, seed) for seed, (name, config) in enumerate(configs().items(), start=11)}
    vocabularies = {pre: text_vocabulary.tiny(pre) for pre in ("smollm", "gpt-2", "qwen2", "llama-bpe")}
    smollm, goldens = vocabularies["smollm"], Goldens()

    def vocabulary(name):
        own = {"gpt2": "gpt-2", "gpt_neox": "gpt-2", "qwen2": "qwen2", "qwen3": "qwen2", "llama-scaled": "llama-bpe"}
        return vocabularies[own.get(name, "smollm")]

    def stored(name):
        return transformers.AutoModelForCausalLM.from_pretrained(
            folder / name, torch_dtype=torch.float32, attn_implementation="eager"
        ).eval()

    dtypes = {"llama": "F32", "llama-theta": "BF16", "llama-scaled": "BF16", "qwen2": "BF16", "qwen3": "BF16"}
    for name, model in models.items():
        if name != "llama-k":
            save(folder / name, model, vocabulary(name), dtypes.get(name, "F16"))
    save(folder / "llama-f16", models["llama"], smollm, "F16")
    save(folder / "llama-bf16", models["llama"], smollm, "BF16")
    save(folder / "llama-sharded", models["llama"], smollm, "BF16", max_shard_size="70KB")
    assert len(list((folder / "llama-sharded").glob("*.safetensors"))) == 3
    bare(folder / "gpt2-bare", folder / "gpt2")
    goldens.look_inside("llama", stored("llama"))
    for name in [n for n in models if n not in ("llama", "llama-k")]:
        goldens.take(name, stored(name))
    for name in ("llama-f16", "llama-bf16", "llama-sharded", "gpt2-bare"):
        goldens.take(name, stored(name))

    def to_gguf(file, name, kind, **kwargs):
        path = folder / f"tiny-{file}.gguf"
        text_gguf.write(path, models[name], vocabulary(name), kind, **kwargs)
        goldens.take(f"tiny-{file}", text_gguf.read(path, build(models[name].config, 0)))

    for kind in ("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"):
        # As in SmolLM2's file the embedding, which is the head too, may be finer than the rest.
        finer = "Q8_0" if kind in ("Q4_1", "Q5_1") else None
        to_gguf(f"llama-{kind.lower()}", "llama", kind, embedding=finer)
    to_gguf("llama-k", "llama-k", "Q4_K", made=k_blocks(models["llama-k"]))
    to_gguf("llama-scaled-q8_0", "llama-scaled", "Q8_0")
    to_gguf("gpt2-f16", "gpt2", "F16")
    to_gguf("qwen2-q8_0", "qwen2", "Q8_0")
    to_gguf("qwen3-q8_0", "qwen3", "Q8_0")
    save_file(goldens, folder / "logits.safetensors")
