"""The real SmolLM2-135M-Instruct (Q4_1), dequantised to float32 in transformers: logits and greedy tokens.

Run by text_golden.py; takes about a minute on two cores.
"""

import gguf
import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

import text_gguf
import text_vocabulary
from text_tokens import dump

STEPS = 64
PROMPTS = (
    "The history of the printing press begins in Europe around the year 1440, when Johannes Gutenberg",
    "中国的首都是北京，它是一座有三千多年历史的城市。",
    'def fibonacci(n):\n    """Return the n-th Fibonacci number."""\n    if n < 2:\n        return n\n',
)
CHAT = [{"role": "user", "content": "Why is the sky blue?"}]


def load(path):
    """The model in float32 with the file's own figures."""
    fields = gguf.GGUFReader(path).fields

    def figure(name):
        return fields[f"llama.{name}"].contents()

    config = transformers.LlamaConfig(
        vocab_size=figure("vocab_size"),
        hidden_size=figure("embedding_length"),
        intermediate_size=figure("feed_forward_length"),
        num_hidden_layers=figure("block_count"),
        num_attention_heads=figure("attention.head_count"),
        num_key_value_heads=figure("attention.head_count_kv"),
        max_position_embeddings=figure("context_length"),
        rms_norm_eps=figure("attention.layer_norm_rms_epsilon"),
        rope_theta=figure("rope.freq_base"),
        tie_word_embeddings=True,
    )
    return text_gguf.read(path, transformers.LlamaForCausalLM(config).eval())


@torch.no_grad()
def greedy(model, prompt):
    """The last prompt position's logits, STEPS greedy ids, and by how much each beat the second best.

    Goes on past an end-of-text token: the ids are there to compare arithmetic, not to read.
    """
    out = model(torch.tensor([prompt]), use_cache=True)
    first, ids, margins = out.logits[0, -1].numpy(), [], []
    for _ in range(STEPS):
        best = out.logits[0, -1].topk(2)
        ids.append(int(best.indices[0]))
        margins.append(round(float(best.values[0] - best.values[1]), 5))
        out = model(torch.tensor([ids[-1:]]), past_key_values=out.past_key_values, use_cache=True)
    return first, ids, margins


def smollm2(folder, path):
    fast = text_vocabulary.smollm2(path).fast
    model = load(path)
    chat = fast.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=True)
    rows, tensors = [], {}
    for i, text in enumerate((*PROMPTS, chat)):
        prompt = fast.encode(text, add_special_tokens=False)
        logits, ids, margins = greedy(model, prompt)
        tensors[f"prompt{i}.logits"] = logits.astype(np.float32)
        row = {"text": text, "prompt_ids": prompt, "ids": ids, "margins": margins, "written": fast.decode(ids)}
        if text == chat:
            row["messages"] = CHAT
        rows.append(row)
    dump(folder / "smollm2.json", rows)
    save_file(tensors, folder / "smollm2.safetensors")
