"""Times steps of the bench in PyTorch on this machine's CPU: a mark from outside the browser, in milliseconds.

    python3 bench/torch_steps.py w6 w7

Weights and inputs are those of shared/spec.js, so the losses that are printed must be those of the bench's answers. Needs torch (2.8 was
used) and numpy. Adam is PyTorch's fused one, the average of the weights one call for all of them: the fastest that it has.
"""

import argparse
import json
import statistics
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from seeded import uniform

BATCH, CLASSES, WAVES, EMBEDDING = 128, 10, 12, 64
SIZES = {"w6": (600, 784, 512, 1.0), "w7": (700, 16, 256, 1.7)}


class Residual(nn.Module):
    """As src/models/denoiser_mlp.rs."""

    def __init__(self, size, width):
        super().__init__()
        self.input = nn.Linear(size, width)
        self.condition = nn.Linear(WAVES + CLASSES, EMBEDDING)
        block = lambda: nn.ModuleList([nn.Linear(EMBEDDING, 2 * width), nn.Linear(width, width)])
        self.blocks = nn.ModuleList([block() for _ in range(3)])
        self.output = nn.Linear(width, size)

    def forward(self, x, condition):
        told, h = F.silu(self.condition(condition)), self.input(x)
        for modulation, linear in self.blocks:
            scale, shift = modulation(told).chunk(2, 1)
            h = h + linear(F.silu(h * (scale + 1) + shift))
        return self.output(F.silu(h))


def given(network, seed):
    """Puts the weights of shared/spec.js in the place of a network's own: each parameter has the next seed, biases are zeros."""
    with torch.no_grad():
        for k, parameter in enumerate(network.parameters()):
            if parameter.dim() == 1:
                parameter.zero_()
            else:
                outputs, inputs = parameter.shape
                parameter.copy_(torch.from_numpy(uniform(seed + k, (inputs, outputs), np.sqrt(3 / inputs)).T))
    return network


def told(times):
    """What the network is told of each sample: the time by its waves, and the class but for every eleventh."""
    angles = times[:, None] * np.pi / 2 * 2.0 ** (np.arange(WAVES) // 2)
    waves = np.where(np.arange(WAVES) % 2, np.cos(angles), np.sin(angles))
    classes = np.arange(BATCH)[:, None] % (CLASSES + 1) == np.arange(CLASSES)
    return torch.from_numpy(np.concatenate([waves, classes], 1).astype(np.float32))


def task(workload):
    """A function that takes step i and gives its loss."""
    seed, size, width, bound = SIZES[workload]
    network = given(Residual(size, width), seed)
    parameters = list(network.parameters())
    average = [p.detach().clone() for p in parameters]
    adam = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=0, fused=True)
    inputs = []
    for step in range(8):
        drawn = lambda k, count, bound: uniform(10 * seed + k + step, (BATCH, count), bound)
        times = drawn(16, 1, 0.5) + np.float32(0.5)
        inputs.append([*map(torch.from_numpy, (drawn(0, size, bound), drawn(8, size, 1.7), times)), told(times[:, 0])])

    def step(i):
        data, noise, times, condition = inputs[i % 8]
        loss = (network(data * (1 - times) + noise * times, condition) - data).square().mean()
        adam.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - min(0.995, (1 + i) / (10 + i)))
        return loss.item(), norm.item()

    return step


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("workloads", nargs="+", choices=SIZES)
    parse.add_argument("--seconds", type=float, default=10, help="a quarter of it is warm-up")
    parse.add_argument("--threads", type=int, default=1)
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    for workload in args.workloads:
        step, began, samples, i = task(workload), time.perf_counter(), [], 0
        first = [step(i) for i in range(3)]
        i = 3
        while (now := time.perf_counter()) - began < args.seconds:
            step(i)
            i += 1
            if now - began > args.seconds / 4:
                samples.append((time.perf_counter() - now) * 1000)
        losses, norms = zip(*first)
        shown = {
            "workload": workload,
            "torch": torch.__version__,
            "threads": args.threads,
            "steps": len(samples),
            "ms": round(statistics.median(samples), 3),
            "losses": [round(loss, 6) for loss in losses],
            "norms": [round(norm, 4) for norm in norms],
        }
        print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
