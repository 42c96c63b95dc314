"""The variational autoencoder in PyTorch: golden files from a checkpoint of Kiln, and the same model trained from scratch.

    python3 tests/torch/vae.py golden tests/fixtures
    python3 tests/torch/vae.py train --latent 2 --steps 14060 [--data www/data/mnist]

needs torch (1.13 or later) and numpy. `golden` reads `vae.safetensors`, which
`kiln train "vae?start=scratch&latent=3&width=4&batch=8&warmup=0" --device cpu --steps 20` wrote, and writes
`torch-vae.safetensors`: inputs, both terms of the ELBO, gradients, and the weights after one step, by each likelihood.
`train` prints what `kiln measure` prints of a model: ELBO, its terms, mean squared error.
"""

import argparse
import gzip
import math
from pathlib import Path

import numpy as np
import torch
from golden import load, save
from torch import nn
from torch.nn import functional as F

SIGMA, BETA, LR = 0.1, 0.5, 1e-3


class Encoder(nn.Module):
    def __init__(self, latent, w):
        super().__init__()
        self.c1 = nn.Conv2d(1, w, 4, 2, 3)
        self.c2 = nn.Conv2d(w, 2 * w, 4, 2, 1)
        self.c3 = nn.Conv2d(2 * w, 4 * w, 4, 2, 1)
        self.mean = nn.Linear(64 * w, latent)
        self.logvar = nn.Linear(64 * w, latent)

    def forward(self, x):
        h = F.relu(self.c1(x.reshape(-1, 1, 28, 28)))
        h = F.relu(self.c3(F.relu(self.c2(h)))).flatten(1)
        return self.mean(h), self.logvar(h)


class Decoder(nn.Module):
    def __init__(self, latent, w):
        super().__init__()
        self.fc = nn.Linear(latent, 64 * w)
        self.ct1 = nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1)
        self.ct2 = nn.ConvTranspose2d(2 * w, w, 4, 2, 1)
        self.ct3 = nn.ConvTranspose2d(w, 1, 4, 2, 3)
        self.w = w

    def forward(self, z):
        h = F.relu(self.fc(z)).reshape(-1, 4 * self.w, 4, 4)
        return self.ct3(F.relu(self.ct2(F.relu(self.ct1(h))))).flatten(1)


class Vae(nn.Module):
    def __init__(self, latent, w):
        super().__init__()
        self.encoder = Encoder(latent, w)
        self.decoder = Decoder(latent, w)

    def terms(self, x, noise, likelihood):
        """Negative log likelihood `[B]` and KL `[B, latent]`, in nats."""
        mean, logvar = self.encoder(x)
        logits = self.decoder(mean + (logvar / 2).exp() * noise)
        if likelihood == "bernoulli":
            nll = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
        else:
            normal = torch.distributions.Normal(logits.sigmoid(), SIGMA)
            nll = -normal.log_prob(x).sum(1)
        posterior = torch.distributions.Normal(mean, (logvar / 2).exp())
        prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
        return nll, torch.distributions.kl_divergence(posterior, prior)


def golden(folder):
    tensors, texts = load(folder / "vae.safetensors")
    weights = {k[4:]: v for k, v in tensors.items() if k.startswith("vae.")}
    out = {}
    torch.manual_seed(0)
    x, noise = torch.rand(5, 784), torch.randn(5, 3)
    out["x"], out["noise"] = x, noise
    for likelihood in ("bernoulli", "gaussian"):
        model = Vae(3, 4)
        model.load_state_dict(weights)
        adam = torch.optim.Adam(model.parameters(), LR)
        for name, p in model.named_parameters():
            moments = {k: tensors[f"optimizer.vae.{name}.{k}"].clone() for k in ("exp_avg", "exp_avg_sq")}
            adam.state[p] = {"step": torch.tensor(float(texts["optimizer.vae.step"])), **moments}
        nll, kl = model.terms(x, noise, likelihood)
        out[f"{likelihood}.reconstruction"], out[f"{likelihood}.kl"] = nll[:, None], kl
        loss = nll.mean() + BETA * kl.sum(1).mean()
        loss.backward()
        for name, p in model.named_parameters():
            out[f"{likelihood}.grad.{name}"] = p.grad.clone()
        adam.step()
        for name, p in model.named_parameters():
            out[f"{likelihood}.vae.{name}"] = p.detach().clone()
    save(folder / "torch-vae.safetensors", out)


def idx(path, header):
    return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=header)


def train(args):
    shards = [idx(p, 16) for p in sorted(args.data.glob("train-[0-9]*.idx.gz"))]
    pixels = torch.from_numpy(np.concatenate(shards).reshape(-1, 784).astype("f4") / 255)
    held_out = torch.from_numpy(idx(args.data / "test-00.idx.gz", 16).reshape(-1, 784).astype("f4") / 255)
    torch.manual_seed(args.seed)
    model = Vae(args.latent, 16)
    adam = torch.optim.Adam(model.parameters(), LR)
    order = torch.empty(0, dtype=torch.long)
    for step in range(args.steps):
        if len(order) < 64:
            order = torch.cat([order, torch.randperm(len(pixels))])
        batch, order = pixels[order[:64]], order[64:]
        nll, kl = model.terms(batch, torch.randn(64, args.latent), "bernoulli")
        loss = nll.mean() + min((step + 1) / 500, 1) * kl.sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        nll, kl = model.terms(held_out, torch.randn(len(held_out), args.latent), "bernoulli")
        drawn = model.decoder(model.encoder(held_out)[0]).sigmoid()
    nll, kl, mse = nll.mean().item(), kl.sum(1).mean().item(), F.mse_loss(drawn, held_out).item()
    assert math.isfinite(nll)
    print(f"latent {args.latent}, seed {args.seed}, {args.steps} steps: ELBO {-nll - kl:.2f}, reconstruction {nll:.2f}, KL {kl:.2f}, mse {mse:.5f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("golden").add_argument("folder", type=Path)
    task = tasks.add_parser("train")
    task.add_argument("--latent", type=int, required=True)
    task.add_argument("--steps", type=int, required=True)
    task.add_argument("--seed", type=int, default=1)
    task.add_argument("--data", type=Path, default=Path("www/data/mnist"))
    args = parser.parse_args()
    golden(args.folder) if args.task == "golden" else train(args)
