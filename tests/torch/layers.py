"""Golden values and gradients of layers, from PyTorch: writes `layers.safetensors`.

    python3 tests/torch/layers.py tests/fixtures

needs torch (1.13 or later) and numpy. Of each case the file has the inputs, the result `y`, weights `up` of the result in the loss
`(y * up).sum()`, and the gradient of each input, `d.` and its name.
"""

import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from golden import save

OUT = {}


def case(name, inputs, f):
    """`inputs` are tensors by name; those of whole numbers have no gradient."""
    inputs = {k: (v.detach().double().requires_grad_() if v.is_floating_point() else v) for k, v in inputs.items()}
    y = f(**{k.replace(".", "_"): v for k, v in inputs.items()})
    up = torch.randn(y.shape, dtype=torch.float64)
    (y * up).sum().backward()
    OUT[f"{name}.y"], OUT[f"{name}.up"] = y, up
    for key, value in inputs.items():
        OUT[f"{name}.{key}"] = value
        if value.is_floating_point():
            OUT[f"{name}.d.{key}"] = value.grad


def rand(*shape):
    return torch.randn(*shape)


def weights(module):
    return {k: v.detach() for k, v in module.named_parameters()}


def attend(q, k, v, heads, causal):
    b, t, c = q.shape
    split = lambda x: x.reshape(b, -1, heads, c // heads).transpose(1, 2)
    q, k, v = split(q), split(k), split(v)
    scores = q @ k.transpose(2, 3) / math.sqrt(c // heads)
    if causal:
        scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -math.inf)
    return (scores.softmax(3) @ v).transpose(1, 2).reshape(b, t, c)


def attention_layer(x, context, heads, causal, p):
    part = lambda name, x: F.linear(x, p[f"{name}_proj_weight"], p.get(f"{name}_proj_bias"))
    y = attend(part("q", x), part("k", context), part("v", context), heads, causal)
    return part("o", y)


def adamw(steps, decay, clip):
    """Weights after some steps; biases do not decay. Gradients are the gradients of sum(c w), which are c."""
    w, b = nn.Parameter(rand(5, 3)), nn.Parameter(rand(7))
    name = f"adamw.{'clip' if clip else 'plain'}"
    OUT[f"{name}.w"], OUT[f"{name}.b"] = w.detach().clone(), b.detach().clone()
    groups = [{"params": [w], "weight_decay": decay}, {"params": [b], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.99), eps=1e-8)
    for step in range(steps):
        w.grad, b.grad = rand(5, 3) * (step + 1), rand(7)
        OUT[f"{name}.dw{step}"], OUT[f"{name}.db{step}"] = w.grad.clone(), b.grad.clone()
        norm = nn.utils.clip_grad_norm_([w, b], clip if clip else math.inf)
        OUT[f"{name}.norm{step}"] = norm.reshape(1)
        optimizer.step()
    OUT[f"{name}.new_w"], OUT[f"{name}.new_b"] = w, b


def main(folder):
    torch.manual_seed(1)
    x = rand(3, 5) * 3
    case("silu", {"x": x}, lambda x: F.silu(x))
    case("gelu", {"x": x}, lambda x: F.gelu(x))
    case("gelu_tanh", {"x": x}, lambda x: F.gelu(x, approximate="tanh"))
    case("relu", {"x": x}, lambda x: F.relu(x))
    linear = {"x": rand(2, 3, 5), "weight": rand(7, 5), "bias": rand(7)}
    case("linear.silu", linear, lambda x, weight, bias: F.silu(F.linear(x, weight, bias)))
    case("linear.gelu", linear, lambda x, weight, bias: F.gelu(F.linear(x, weight, bias)))

    # Channels before and after, kernel, stride, padding, dilation, size.
    for name, [c, o], k, s, p, d, size in [
        ("conv2d.same", [5, 4], [3, 3], [1, 1], [1, 1], [1, 1], [7, 9]),
        ("conv2d.wide", [13, 12], [3, 3], [1, 1], [1, 1], [1, 1], [5, 7]),
        ("conv2d.point", [5, 6], [1, 1], [1, 1], [0, 0], [1, 1], [7, 9]),
        ("conv2d.dilated", [2, 3], [3, 3], [1, 1], [2, 2], [2, 2], [7, 9]),
        ("conv2d.uneven", [3, 2], [2, 5], [3, 2], [1, 3], [1, 2], [8, 11]),
        ("conv2d.patch", [2, 4], [4, 4], [1, 1], [1, 1], [1, 1], [7, 9]),
        ("conv2d.halving", [3, 4], [4, 4], [2, 2], [1, 1], [1, 1], [6, 10]),
        ("conv2d.odd", [3, 4], [3, 3], [2, 2], [1, 1], [1, 1], [7, 9]),
    ]:
        inputs = {"x": rand(3, c, *size), "weight": rand(o, c, *k), "bias": rand(o)}
        case(name, inputs, lambda x, weight, bias: F.silu(F.conv2d(x, weight, bias, s, p, d)))
    conv1d = {"x": rand(3, 5, 11), "weight": rand(4, 5, 3), "bias": rand(4)}
    case("conv1d.strided", conv1d, lambda x, weight, bias: F.conv1d(x, weight, bias, 2, 1))
    case("conv1d.causal", conv1d, lambda x, weight, bias: F.conv1d(F.pad(x, (4, 0)), weight, bias, dilation=2))

    norm = {"x": rand(3, 6, 5, 7) * 2 + 3, "weight": rand(6), "bias": rand(6)}
    case("group_norm.two", norm, lambda x, weight, bias: F.group_norm(x, 2, weight, bias))
    case("group_norm.each", norm, lambda x, weight, bias: F.group_norm(x, 6, weight, bias))
    point = {"x": rand(3, 6, 1, 1) * 2 + 3, "weight": rand(6), "bias": rand(6)}
    case("group_norm.point", point, lambda x, weight, bias: F.group_norm(x, 2, weight, bias))
    norm = {"x": rand(3, 4, 11) * 2 + 3, "weight": rand(11), "bias": rand(11)}
    case("layer_norm", norm, lambda x, weight, bias: F.layer_norm(x, (11,), weight, bias))
    norm = {"x": rand(3, 4, 11) * 2, "weight": rand(11)}
    case("rms_norm", norm, lambda x, weight: x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * weight)

    ids = torch.tensor([[0, 3, 3, 5], [5, 1, 0, 3]])
    case("embedding", {"ids": ids, "weight": rand(7, 5)}, lambda ids, weight: F.embedding(ids, weight))
    logits = {"x": rand(5, 9) * 5, "ids": torch.tensor([0, 8, 3, 3, 7])}
    case("cross_entropy", logits, lambda x, ids: F.cross_entropy(x, ids, reduction="none"))
    case("products.plain", {"a": rand(3, 4, 7), "b": rand(3, 7, 5)}, lambda a, b: a @ b)
    case("products.turned", {"a": rand(3, 7, 4), "b": rand(3, 5, 7)}, lambda a, b: a.mT @ b.mT)
    case("products.left", {"a": rand(2, 7, 4), "b": rand(2, 7, 5)}, lambda a, b: a.mT @ b)
    case("products.right", {"a": rand(2, 4, 7), "b": rand(2, 5, 7)}, lambda a, b: a @ b.mT)

    three = lambda t, s: {"q": rand(2, t, 6), "k": rand(2, s, 6), "v": rand(2, s, 6)}
    case("attend.causal", three(7, 7), lambda q, k, v: attend(q, k, v, 2, True))
    case("attend.full", three(7, 7), lambda q, k, v: attend(q, k, v, 3, False))
    case("attend.across", three(5, 9), lambda q, k, v: attend(q, k, v, 1, False))
    parts = {f"{n}_proj.{k}": v for n in "qkvo" for k, v in weights(nn.Linear(6, 6)).items()}
    case("attention.causal", {"x": rand(2, 7, 6), **parts}, lambda x, **p: attention_layer(x, x, 2, True, p))
    parts = {f"{n}_proj.{k}": v for n in "qkvo" for k, v in weights(nn.Linear(4 if n in "kv" else 6, 6)).items()}
    across = {"x": rand(2, 7, 6), "context": rand(2, 3, 4), **parts}
    case("attention.across", across, lambda x, context, **p: attention_layer(x, context, 3, False, p))

    picture = {"x": rand(2, 4, 4, 6)}
    case("doubled", picture, lambda x: F.interpolate(x, scale_factor=2, mode="nearest"))
    case("halved", picture, lambda x: F.avg_pool2d(x, 2))
    case("space_to_depth", picture, lambda x: F.pixel_unshuffle(x, 2))
    case("depth_to_space", picture, lambda x: F.pixel_shuffle(x, 2))
    case("cat", {"a": rand(2, 3, 4, 5), "b": rand(2, 2, 4, 5)}, lambda a, b: torch.cat([a, b], 1))
    adamw(4, 0.1, None)
    adamw(4, 0.1, 2.5)
    save(folder / "layers.safetensors", {k: v.detach().float() for k, v in OUT.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
