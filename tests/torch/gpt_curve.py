"""What nanoGPT's setting for a CPU reaches on a text of `www/data/text` in PyTorch, on one thread: prints held-out nats a character.

    python3 tests/torch/gpt_curve.py shakespeare

needs torch and transformers (written with 2.8.0 and 5.24.0). The network is `transformers`' GPT-2, 4 layers, 4 heads, 128 wide, context 64, without
dropout; batches of 12, AdamW with betas 0.9 and 0.99, weight decay 0.1 of matrices, gradients clipped to 1, a rate of 0.001 with 100 steps of warm-up and a
cosine to a tenth over 2,000 steps. Held out is the last tenth, in windows one after the other.
"""

import gzip
import math
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

STEPS, BATCH, CONTEXT, RATE, WARMUP = 2_000, 12, 64, 1e-3, 100

torch.set_num_threads(1)
torch.manual_seed(1)
text = gzip.decompress((Path(__file__).parents[2] / f"www/data/text/{sys.argv[1]}.txt.gz").read_bytes()).decode()
ids = {c: i for i, c in enumerate(sorted(set(text)))}
data = torch.tensor([ids[c] for c in text])
train, held_out = data[: int(0.9 * len(data))], data[int(0.9 * len(data)) :]
config = GPT2Config(vocab_size=len(ids), n_positions=CONTEXT, n_embd=128, n_layer=4, n_head=4, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
model = GPT2LMHeadModel(config)
groups = [
    {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
    {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))


def loss_of(rows):
    logits = model(rows[:, :-1]).logits
    return F.cross_entropy(logits.reshape(-1, len(ids)), rows[:, 1:].reshape(-1))


began = time.time()
for step in range(STEPS):
    falls = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * min(1, max(0, step - WARMUP) / (STEPS - WARMUP))))
    for group in optimizer.param_groups:
        group["lr"] = RATE * ((step + 1) / (WARMUP + 1) if step < WARMUP else falls)
    starts = torch.randint(len(train) - CONTEXT - 1, (BATCH,))
    loss = loss_of(torch.stack([train[s : s + CONTEXT + 1] for s in starts]))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
took = time.time() - began
with torch.no_grad():
    windows = torch.stack([held_out[s : s + CONTEXT + 1] for s in range(0, len(held_out) - CONTEXT - 1, CONTEXT)])
    nats = sum(loss_of(part).item() * len(part) for part in windows.split(100)) / len(windows)
print(f"{nats:.3f} nats a character after {STEPS} steps, {took:.0f} s on one thread, {sum(p.numel() for p in model.parameters()):,} parameters")
