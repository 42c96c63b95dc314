"""Byte-level BPE: one tiny vocabulary under several models' ways to cut text, and SmolLM2's own from its GGUF."""

import json
from dataclasses import dataclass

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

# Digits repeat so that merges of digits exist: tokenizers that cut digits apart must not use them.
SENTENCES = (
    "The kiln is warm, and the clay in the kiln is hard; the potter waits for the morning.",
    "Warm clay, cold clay: the potter's hands turn the wheel, and the wheel turns the clay.",
    "In 2024 the kiln held 100 pots; in 2023 it held 100 plates, 100 cups and 2024 tiles.",
    "It isn't hot yet. They're waiting; we've waited; I'll wait until the kiln is hot.",
    "fn fire(clay: &Clay) -> Pot {\n    let heat = clay.heat();\n    return Pot::new(heat);\n}\n",
    "def fire(clay):\n    heat = clay.heat()\n    return Pot(heat)\n",
    "窑里的火很热，窑里的泥很硬。陶工在窑边等着天亮。",
    "火很热，水很冷，泥在水和火之间。",
    "🔥🔥 the kiln is hot 🔥 and the potter is happy 🙂🙂 until the morning 🔥",
    "der Töpfer wärmt die Hände am Ofen; café, naïve, façade.",
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim"
    " + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

# How the model families cut text before BPE. The expressions are those in the models' tokenizer.json.
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + REST
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + REST


@dataclass
class Vocabulary:
    fast: PreTrainedTokenizerFast
    merges: list  # "left right"
    pre: str  # tokenizer.ggml.pre
    adds_bos: bool


def cut_by(expression):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def byte_level():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def smollm():
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()])


def pair(merge):
    return merge if isinstance(merge, str) else " ".join(merge)


def tiny(pre):
    """The tiny vocabulary of 320 tokens, cutting text as `pre` (smollm, gpt-2, qwen2, llama-bpe) does."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=319, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    assert tokenizer.get_vocab_size() == 320
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.pre_tokenizer = {
        "smollm": smollm,
        "gpt-2": byte_level,
        "qwen2": lambda: cut_by(QWEN2),
        "llama-bpe": lambda: cut_by(LLAMA3),
    }[pre]()
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    if pre == "llama-bpe":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|endoftext|> $A", pair="<|endoftext|> $A <|endoftext|> $B", special_tokens=[("<|endoftext|>", 0)]
        )
    merges = [pair(m) for m in json.loads(tokenizer.to_str())["model"]["merges"]]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    return Vocabulary(fast, merges, pre, pre == "llama-bpe")


def smollm2(path):
    """SmolLM2's tokenizer and chat template from its GGUF, as its tokenizer.json has them."""
    fields = gguf.GGUFReader(path).fields

    def field(name):
        return fields[f"tokenizer.{name}"].contents()

    tokens, kinds, merges = field("ggml.tokens"), field("ggml.token_type"), field("ggml.merges")
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(m.split(" ")) for m in merges]))
    tokenizer.pre_tokenizer = smollm()
    tokenizer.decoder = decoders.ByteLevel()
    special = [t for t, kind in zip(tokens, kinds) if kind == gguf.TokenType.CONTROL]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=tokens[field("ggml.bos_token_id")],
        eos_token=tokens[field("ggml.eos_token_id")],
        chat_template=field("chat_template"),
        clean_up_tokenization_spaces=False,
    )
    return Vocabulary(fast, merges, "smollm", False)
