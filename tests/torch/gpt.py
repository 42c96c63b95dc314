"""Fifty steps of a small GPT-2 with the network of `transformers` and PyTorch's AdamW: writes `gpt.safetensors`.

    python3 tests/torch/gpt.py tests/fixtures

needs torch, numpy and transformers (written with 2.8.0, 2.2.6 and 5.24.0). The optimizer is nanoGPT's: betas 0.9 and 0.99, weight decay 0.1
of matrices alone, gradients clipped to a norm of 1, ten steps of warm-up, then a cosine to a tenth of the rate.

* `transformer.*`: the initial weights, with PyTorch's names; matrices of GPT-2's Conv1D are stored as those of a linear layer, `[out, in]`.
* `inputs`, `targets` [50, 4, 8]: rows of tokens, each with the token that follows; `weights` [4, 8]: which predictions count.
* `logits` [32, 13] and `d.*`: those of the first step, and its gradients before they are clipped.
* `losses` [50], `norms` [50]: the loss of each step in nats, and the norm of its gradients.
"""

import math
import sys
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from golden import save

STEPS, ROWS, LENGTH, VOCABULARY = 50, 4, 8, 13
RATE, WARMUP = 0.01, 10


def stored(name, tensor):
    """A tensor as it is written: Conv1D's matrices transposed."""
    conv1d = name.endswith("weight") and any(part in name for part in ("c_attn", "c_proj", "c_fc"))
    return tensor.t() if conv1d else tensor


def rate(done):
    if done < WARMUP:
        return RATE * (done + 1) / (WARMUP + 1)
    return RATE * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (STEPS - WARMUP))))


def main(folder):
    torch.manual_seed(1)
    config = GPT2Config(
        vocab_size=VOCABULARY, n_positions=LENGTH, n_embd=16, n_layer=2, n_head=2,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, attn_implementation="eager",
    )
    model = GPT2LMHeadModel(config).train()
    with torch.no_grad():
        # Larger than they usually begin, so that attention is not flat.
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    tensors = {name: stored(name, p.detach().clone()) for name, p in model.named_parameters()}

    # Each token follows from the one before it, mostly: something to be learnt.
    rows = torch.randint(VOCABULARY, (STEPS, ROWS, LENGTH + 1))
    for at in range(1, LENGTH + 1):
        follows = (5 * rows[:, :, at - 1] + 2) % VOCABULARY
        rows[:, :, at] = torch.where(torch.rand(STEPS, ROWS) < 0.9, follows, rows[:, :, at])
    weights = torch.ones(ROWS, LENGTH)
    weights[:, 0] = 0
    weights[1, 5:] = 0
    inputs, targets = rows[:, :, :-1], rows[:, :, 1:]
    tensors |= {"inputs": inputs.float(), "targets": targets.float(), "weights": weights}

    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.99))
    losses, norms = [], []
    for step in range(STEPS):
        logits = model(inputs[step]).logits.reshape(-1, VOCABULARY)
        each = F.cross_entropy(logits, targets[step].reshape(-1), reduction="none")
        loss = (each * weights.reshape(-1)).sum() / weights.sum()
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            tensors["logits"] = logits.detach()
            tensors |= {f"d.{name}": stored(name, p.grad.clone()) for name, p in model.named_parameters()}
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.step()
        losses.append(loss.item())
    print(f"losses {losses[0]:.4f} to {losses[-1]:.4f}")
    tensors |= {"losses": torch.tensor(losses), "norms": torch.tensor(norms)}
    save(Path(folder) / "gpt.safetensors", tensors)


main(sys.argv[1])
