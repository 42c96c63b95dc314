"""Times steps of the bench in PyTorch on this machine's CPU: a mark from outside the browser, in milliseconds.

    python3 bench/torch_steps.py w6 w7 w8 w6d w7d w8d

Weights and inputs are those of shared/spec.js, so what is printed as `check` must be the bench's answers. Needs torch (2.8 was used)
and numpy. Adam is PyTorch's fused one, the average of the weights one call for all of them: the fastest that it has.
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

CLASSES, WAVES, GROUPS, HEADS = 10, 12, 8, 2


class Residual(nn.Module):
    """As src/models/denoiser_mlp.rs."""

    def __init__(self, size, width, embedding):
        super().__init__()
        self.input = nn.Linear(size, width)
        self.condition = nn.Linear(WAVES + CLASSES, embedding)
        block = lambda: nn.ModuleList([nn.Linear(embedding, 2 * width), nn.Linear(width, width)])
        self.blocks = nn.ModuleList([block() for _ in range(3)])
        self.output = nn.Linear(width, size)

    def forward(self, x, condition):
        told, h = F.silu(self.condition(condition)), self.input(x)
        for modulation, linear in self.blocks:
            scale, shift = modulation(told).chunk(2, 1)
            h = h + linear(F.silu(h * (scale + 1) + shift))
        return self.output(F.silu(h))


class Block(nn.Module):
    def __init__(self, inputs, outputs, embedding):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, told):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.modulation(told)[..., None, None].chunk(2, 1)
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h) * (scale + 1) + shift))


class Unet(nn.Module):
    """As src/models/denoiser_unet.rs, on 28 x 28 x 1."""

    def __init__(self, _, width, embedding):
        super().__init__()
        wide = 2 * width
        self.condition = nn.Linear(WAVES + CLASSES, embedding)
        self.down1 = nn.Conv2d(1, width, 4, stride=2, padding=3)
        self.block1 = Block(width, width, embedding)
        self.down2 = nn.Conv2d(width, wide, 4, stride=2, padding=1)
        self.block2 = Block(wide, wide, embedding)
        self.norm = nn.GroupNorm(GROUPS, wide)
        self.attention = nn.ModuleList([nn.Linear(wide, wide) for _ in range(4)])
        self.block3 = Block(wide, wide, embedding)
        self.up2 = nn.ConvTranspose2d(wide, width, 4, stride=2, padding=1)
        self.block4 = Block(wide, width, embedding)
        self.up1 = nn.ConvTranspose2d(width, width, 4, stride=2, padding=3)
        self.output = nn.Conv2d(width + 1, 1, 3, padding=1)

    def attend(self, x):
        places = self.norm(x).flatten(2).transpose(1, 2)  # (B, H W, C)
        *joined, output = self.attention
        q, k, v = (linear(places).unflatten(2, (HEADS, -1)).transpose(1, 2) for linear in joined)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return x + output(mixed).transpose(1, 2).reshape(x.shape)

    def forward(self, x, condition):
        told, x = F.silu(self.condition(condition)), x.view(-1, 1, 28, 28)
        kept = self.block1(self.down1(x), told)
        h = self.attend(self.block2(self.down2(kept), told))
        h = self.up2(self.block3(h, told))
        h = self.up1(self.block4(torch.cat([h, kept], 1), told))
        return self.output(torch.cat([F.silu(h), x], 1)).flatten(1)


# Network, its numbers in a sample, width and embedding; seed, batch, bound of the data.
TASKS = {
    "w6": (Residual, (784, 512, 256), 600, 128, 1.0),
    "w7": (Residual, (16, 256, 64), 700, 128, 1.7),
    "w8": (Unet, (784, 32, 128), 800, 16, 1.0),
}


def laid_out(module):
    """The shape of a layer's weights in shared/spec.js, and the fan-in that bounds them."""
    if isinstance(module, nn.Linear):
        outputs, inputs = module.weight.shape
        return (inputs, outputs), inputs
    first, second, height, width = module.weight.shape
    # Each pixel of a doubled picture depends on four taps of the kernel.
    fan_in = 4 * first if isinstance(module, nn.ConvTranspose2d) else height * width * second
    return (height, width, second, first), fan_in


@torch.no_grad()
def given(network, seed):
    """Puts the weights of shared/spec.js in the place of a network's own. Each parameter has the next seed; biases are zeros, and the
    weights of norms are ones, as they are already."""
    layers = [(module, name) for module in network.modules() for name, _ in module.named_parameters(recurse=False)]
    for k, (module, name) in enumerate(layers):
        if name == "bias":
            module.bias.zero_()
        elif not isinstance(module, nn.GroupNorm):
            shape, fan_in = laid_out(module)
            drawn = torch.from_numpy(uniform(seed + k, shape, np.sqrt(3 / fan_in)))
            module.weight.copy_(drawn.T if drawn.dim() == 2 else drawn.permute(3, 2, 0, 1))
    return network


def conditions(times):
    """What the network is told of each sample: the time by its waves, and the class but for every eleventh."""
    angles = times[:, None] * np.pi / 2 * 2.0 ** (np.arange(WAVES) // 2)
    waves = np.where(np.arange(WAVES) % 2, np.cos(angles), np.sin(angles))
    classes = np.arange(len(times))[:, None] % (CLASSES + 1) == np.arange(CLASSES)
    return torch.from_numpy(np.concatenate([waves, classes], 1).astype(np.float32))


def task(workload):
    """A function that takes step i and gives its loss."""
    kind, sizes, seed, batch, bound = TASKS[workload]
    network, size = given(kind(*sizes), seed), sizes[0]
    parameters = list(network.parameters())
    average = [p.detach().clone() for p in parameters]
    adam = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=0, fused=True)
    inputs = []
    for step in range(8):
        drawn = lambda k, count, bound: uniform(10 * seed + k + step, (batch, count), bound)
        times = drawn(16, 1, 0.5) + np.float32(0.5)
        inputs.append([*map(torch.from_numpy, (drawn(0, size, bound), drawn(8, size, 1.7), times)), conditions(times[:, 0])])

    def step(i):
        data, noise, times, condition = inputs[i % 8]
        loss = (network(data * (1 - times) + noise * times, condition) - data).square().mean()
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - min(0.995, (1 + i) / (10 + i)))
        return [loss.item()]

    return step


# Whose network draws, and how many samples.
DRAWN = {"w6d": ("w6", 64), "w7d": ("w7", 64), "w8d": ("w8", 16)}
SAMPLER_STEPS = 10


def drawing(workload):
    """A function that draws batch i by Euler's steps, a class told to each sample, and gives three of its numbers."""
    trained, count = DRAWN[workload]
    kind, sizes, seed, batch, _ = TASKS[trained]
    network, size = given(kind(*sizes), seed), sizes[0]
    classes = np.arange(count)[:, None] % CLASSES == np.arange(CLASSES)

    def told(time):
        waves = conditions(np.full(count, time, np.float32))[:, :WAVES]
        return torch.cat([waves, torch.from_numpy(classes.astype(np.float32))], 1)

    times = [1 - k / SAMPLER_STEPS for k in range(SAMPLER_STEPS)]
    conditions_of = [told(time) for time in times]

    @torch.no_grad()
    def step(i):
        x = torch.from_numpy(uniform(10 * seed + 8 + i % 8, (batch, size), 1.7)[:count])
        for time, following, condition in zip(times, [*times[1:], 0.0], conditions_of):
            x = x + (x - network(x, condition)) * ((following - time) / time)
        numbers = x.flatten()
        return [numbers[place].item() for place in (0, len(numbers) // 2, -1)]

    return step


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("workloads", nargs="+", choices=[*TASKS, *DRAWN])
    parse.add_argument("--seconds", type=float, default=10, help="a quarter of it is warm-up")
    parse.add_argument("--threads", type=int, default=1)
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    for workload in args.workloads:
        step = (drawing if workload in DRAWN else task)(workload)
        began, samples = time.perf_counter(), []
        check = [number for i in range(3) for number in step(i)]
        i = 3
        while (now := time.perf_counter()) - began < args.seconds:
            step(i)
            i += 1
            if now - began > args.seconds / 4:
                samples.append((time.perf_counter() - now) * 1000)
        shown = {
            "workload": workload,
            "torch": torch.__version__,
            "threads": args.threads,
            "steps": len(samples),
            "ms": round(statistics.median(samples), 3),
            "check": [round(number, 6) for number in check],
        }
        print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
