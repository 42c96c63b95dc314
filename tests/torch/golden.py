"""Golden files from PyTorch: opens checkpoints that Kiln wrote, draws from them and takes one training step.

    python3 tests/torch/golden.py tests/fixtures

needs torch (1.13 or later) and numpy. It reads `gan2d.safetensors` and `dcgan.safetensors`, which
`kiln train LINK --device cpu --steps 20` wrote (the links are in the files), and writes `torch-gan2d.safetensors` and
`torch-dcgan.safetensors`: inputs, samples, losses and weights after one step, by every loss.
"""

import copy
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def load(path):
    raw = path.read_bytes()
    n = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8 : 8 + n])
    texts = json.loads(head.pop("__metadata__", {}).get("kiln", "{}"))
    tensors = {}
    for name, entry in head.items():
        a, b = entry["data_offsets"]
        data = np.frombuffer(raw[8 + n + a : 8 + n + b], dtype="<f4").copy()
        tensors[name] = torch.from_numpy(data).reshape(entry["shape"])
    return tensors, texts


def save(path, tensors):
    head, body, at = {}, b"", 0
    for name in sorted(tensors):
        data = tensors[name].detach().contiguous().numpy().astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [at, at + len(data)]}
        body += data
        at += len(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


class Mlp(nn.Module):
    def __init__(self, sizes, act):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.act = act

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.act(layer(x))
        return self.layers[-1](x)


def batch_norm(channels):
    return nn.BatchNorm2d(channels, track_running_stats=False)


class Generator(nn.Module):
    def __init__(self, latent, w):
        super().__init__()
        self.fc = nn.Linear(latent, 2 * w * 49, bias=False)
        self.bn1 = batch_norm(2 * w)
        self.ct1 = nn.ConvTranspose2d(2 * w, w, 4, 2, 1, bias=False)
        self.bn2 = batch_norm(w)
        self.ct2 = nn.ConvTranspose2d(w, 1, 4, 2, 1)

    def forward(self, z):
        h = self.fc(z).reshape(len(z), -1, 7, 7)
        h = F.relu(self.bn2(self.ct1(F.relu(self.bn1(h)))))
        return torch.tanh(self.ct2(h)).reshape(len(z), 784)


class Discriminator(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.c1 = nn.Conv2d(1, w, 4, 2, 1)
        self.c2 = nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False)
        self.bn = batch_norm(2 * w)
        self.fc = nn.Linear(2 * w * 49, 1)

    def forward(self, x):
        h = F.leaky_relu(self.c1(x.reshape(len(x), 1, 28, 28)), 0.2)
        h = F.leaky_relu(self.bn(self.c2(h)), 0.2)
        return self.fc(h.flatten(1))


def part(tensors, prefix):
    return {k[len(prefix) + 1 :]: v for k, v in tensors.items() if k.startswith(prefix + ".")}


def adam(module, tensors, texts, prefix, lr):
    """The optimizer with the moments of the checkpoint."""
    optimizer = torch.optim.Adam(module.parameters(), lr=lr, betas=(0.5, 0.999), eps=1e-8)
    moments = part(tensors, f"optimizer.{prefix}")
    for name, parameter in module.named_parameters():
        optimizer.state[parameter] = {
            "step": torch.tensor(float(texts[f"optimizer.{prefix}.step"])),
            "exp_avg": moments[f"{name}.exp_avg"].clone(),
            "exp_avg_sq": moments[f"{name}.exp_avg_sq"].clone(),
        }
    return optimizer


def d_loss(loss, real, fake):
    if loss in ("nonsaturating", "minimax"):
        ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
        return F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, zeros)
    if loss == "leastsquares":
        return 0.5 * (F.mse_loss(real, torch.ones_like(real)) + F.mse_loss(fake, torch.zeros_like(fake)))
    if loss == "wasserstein":
        return fake.mean() - real.mean()
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def g_loss(loss, fake):
    if loss == "nonsaturating":
        return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    if loss == "minimax":
        return -F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    if loss == "leastsquares":
        return 0.5 * F.mse_loss(fake, torch.ones_like(fake))
    return -fake.mean()


def penalty(discriminator, real, fake, mix):
    """The gradient penalty by real double backward."""
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    return ((gradient.square().sum(1).add(1e-12).sqrt() - 1) ** 2).mean()


def step(g0, d0, tensors, texts, inputs, loss, lr, weight):
    g, d = copy.deepcopy(g0), copy.deepcopy(d0)
    og, od = adam(g, tensors, texts, "generator", lr), adam(d, tensors, texts, "discriminator", lr)
    fake = g(inputs["z1"]).detach()
    ld = d_loss(loss, d(inputs["real"]), d(fake))
    if loss == "wasserstein":
        ld = ld + weight * penalty(d, inputs["real"], fake, inputs["mix"])
    od.zero_grad()
    ld.backward()
    od.step()
    lg = g_loss(loss, d(g(inputs["z2"])))
    og.zero_grad()
    lg.backward()
    og.step()
    out = {f"{loss}.losses": torch.stack([ld.detach(), lg.detach()])}
    out |= {f"{loss}.generator.{k}": v for k, v in g.state_dict().items()}
    out |= {f"{loss}.discriminator.{k}": v for k, v in d.state_dict().items()}
    return out


def main(folder):
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    every = ("nonsaturating", "minimax", "leastsquares", "wasserstein", "hinge")
    models = {
        "gan2d": (Mlp([2, 16, 16, 2], F.relu), Mlp([2, 16, 16, 1], lambda x: F.leaky_relu(x, 0.2)), 2, 2, 1.0),
        "dcgan": (Generator(64, 4), Discriminator(4), 64, 784, 0.0),
    }
    for name, (g, d, latent, features, weight) in models.items():
        tensors, texts = load(folder / f"{name}.safetensors")
        g.load_state_dict(part(tensors, "generator"))
        d.load_state_dict(part(tensors, "discriminator"))
        b = 16
        inputs = {
            "z1": torch.randn(b, latent),
            "z2": torch.randn(b, latent),
            "real": torch.rand(b, features) * 2 - 1,
            "mix": torch.rand(b, 1),
        }
        out = dict(inputs)
        out["samples"] = g(inputs["z1"])
        out["logits"] = d(inputs["real"])
        # The DCGAN's batch norm rules the gradient penalty out.
        for loss in every if weight else set(every) - {"wasserstein"}:
            out |= step(g, d, tensors, texts, inputs, loss, 1e-3, weight)
        save(folder / f"torch-{name}.safetensors", out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
