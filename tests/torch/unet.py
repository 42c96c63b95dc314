"""Values and gradients of the denoising U-Net, from PyTorch: writes `unet.safetensors`.

    python3 tests/torch/unet.py tests/fixtures

needs torch (2.0 or later) and numpy. Of each case, `digits` (28 x 28 x 1) and `colour` (32 x 32 x 3), the file has

* the weights, under the names of PyTorch's `named_parameters`; width 8, 5 numbers in the condition, 6 units of its embedding,
* `x` [2, C H W] and `condition` [2, 5], and the prediction `y`,
* of the sum of its squares the gradients of `x`, of `condition`, and of some of the weights, `d.` and the name.

All is computed in float64.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from golden import save

GROUPS, HEADS = 8, 2
WIDTH, CONDITION, EMBEDDING, BATCH = 8, 5, 6, 2
# At least one of each kind of layer, and of each way that gradients can go.
GRADIENTS = """condition.weight down1.weight down2.bias block1.norm1.weight block1.modulation.weight
block2.conv1.bias block2.norm2.bias block3.modulation.bias block4.shortcut.weight block4.norm1.weight norm.weight
attention.q_proj.weight attention.k_proj.weight attention.v_proj.bias attention.o_proj.weight up2.bias up1.weight output.weight
output.bias""".split()


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(EMBEDDING, 2 * outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x, condition):
        scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        return (x if self.shortcut is None else self.shortcut(x)) + h


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.q_proj = nn.Linear(channels, channels)
        self.k_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.o_proj = nn.Linear(channels, channels)

    def forward(self, x):
        split = lambda t: t.unflatten(2, (HEADS, -1)).transpose(1, 2)
        y = F.scaled_dot_product_attention(split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x)))
        return self.o_proj(y.transpose(1, 2).flatten(2))


class Unet(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        channels, side, w = shape[0], shape[1], WIDTH
        # The first convolution pads 28 x 28 to 32 x 32, the last transposed one crops it.
        edge = 1 + (32 - side) // 2
        self.condition = nn.Linear(CONDITION, EMBEDDING)
        self.down1 = nn.Conv2d(channels, w, 4, stride=2, padding=edge)
        self.block1 = ResidualBlock(w, w)
        self.down2 = nn.Conv2d(w, 2 * w, 4, stride=2, padding=1)
        self.block2 = ResidualBlock(2 * w, 2 * w)
        self.norm = nn.GroupNorm(GROUPS, 2 * w)
        self.attention = Attention(2 * w)
        self.block3 = ResidualBlock(2 * w, 2 * w)
        self.up2 = nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1)
        self.block4 = ResidualBlock(2 * w, w)
        self.up1 = nn.ConvTranspose2d(w, w, 4, stride=2, padding=edge)
        self.output = nn.Conv2d(w + channels, channels, 3, padding=1)

    def forward(self, x, condition):
        condition = F.silu(self.condition(condition))
        x = x.unflatten(1, self.shape)
        skip = self.block1(self.down1(x), condition)
        h = self.block2(self.down2(skip), condition)
        places = self.norm(h).flatten(2).transpose(1, 2)
        h = h + self.attention(places).transpose(1, 2).unflatten(2, h.shape[2:])
        h = self.up2(self.block3(h, condition))
        h = self.block4(torch.cat([h, skip], 1), condition)
        h = F.silu(self.up1(h))
        return self.output(torch.cat([h, x], 1)).flatten(1)


def case(name, shape):
    model = Unet(shape)
    with torch.no_grad():
        for key, p in model.named_parameters():
            # Norms begin as ones and zeros, which would hide a mistake.
            if "norm" in key:
                p.add_(0.3 * torch.randn_like(p))
            # Attention that looks everywhere alike would hide one, too.
            if "q_proj" in key or "k_proj" in key:
                p.mul_(3)
    n = shape[0] * shape[1] * shape[2]
    x, condition = torch.randn(BATCH, n), torch.randn(BATCH, CONDITION)
    # As they are written: the file has floats of 32 bits.
    out = {key: p.detach().clone() for key, p in model.named_parameters()}
    out |= {"x": x, "condition": condition}
    model.double()
    x, condition = (t.double().requires_grad_() for t in (x, condition))
    y = model(x, condition)
    y.square().sum().backward()
    out |= {"y": y, "d.x": x.grad, "d.condition": condition.grad}
    parameters = dict(model.named_parameters())
    out |= {f"d.{key}": parameters[key].grad for key in GRADIENTS}
    # A fixture in which nothing happened would show nothing.
    assert all(t.abs().max() > 1e-3 and t.isfinite().all() for t in out.values())
    return {f"{name}.{key}": t.detach().float() for key, t in out.items()}


def main(folder):
    torch.manual_seed(1)
    cases = case("digits", (1, 28, 28)) | case("colour", (3, 32, 32))
    save(folder / "unet.safetensors", cases)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
