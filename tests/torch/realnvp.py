"""Latents, densities and a gradient of a normalizing flow, from normflows: writes `realnvp.safetensors`.

    python3 tests/torch/realnvp.py tests/fixtures

needs torch, numpy and normflows (written with 2.8.0, 2.2.6 and 1.7.3). The couplings, their order, the base distribution and the
likelihood are normflows'; the networks inside the couplings are ours. All is computed in float64.

* `flow.couplings.K.{fc1,fc2,out}.{weight,bias}`: four couplings on two numbers, width 8; K = 0 is the first from data to latent and keeps
  the first number, 1 the second, and so on. Of `out` the first row is the scale, its logarithm 2 tanh of it, and the second the shift.
* `points` [16, 2], `latents` [16, 2], `log_determinants` [16, 1], `log_densities` [16, 1] in nats.
* `halfway` [16, 2]: the latents through the last two couplings, on their way to data.
* `nll` [1]: the mean of minus `log_densities`; `d.couplings.0.fc1.weight`: its gradient.
"""

import math
import sys
from pathlib import Path

import torch
from normflows import NormalizingFlow
from normflows.distributions import DiagGaussian
from normflows.flows import AffineCouplingBlock, Reverse
from torch import nn
from torch.nn import functional as F

from golden import save

COUPLINGS, WIDTH, POINTS = 4, 8, 16
LIMIT = 2.0


class Network(nn.Module):
    """What a coupling makes of the number that it keeps, in the order in which normflows wants it: shift, logarithm of the scale."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(1, WIDTH)
        self.fc2 = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, 2)
        # Large enough that some scales are near their limit.
        nn.init.normal_(self.out.weight, std=0.8)

    def forward(self, kept):
        scale, shift = self.out(F.silu(self.fc2(F.silu(self.fc1(kept))))).chunk(2, dim=1)
        return torch.cat([shift, LIMIT * torch.tanh(scale)], 1)


def main(folder):
    torch.manual_seed(1)
    networks = nn.ModuleList(Network() for _ in range(COUPLINGS))
    points = 1.5 * torch.randn(POINTS, 2)
    out = {"points": points}
    out |= {f"flow.couplings.{name}": p.detach().clone() for name, p in networks.named_parameters()}

    # Sums of normflows begin as zeros of the default's type.
    torch.set_default_dtype(torch.float64)
    networks.double()
    x = points.double()
    # normflows maps latents to data, first coupling first. Its coupling scales and shifts, where ours does so on the way back.
    modes = ["channel" if k % 2 == 0 else "channel_inv" for k in range(COUPLINGS)]
    couplings = [Reverse(AffineCouplingBlock(network, split_mode=mode)) for network, mode in zip(networks, modes)]
    flow = NormalizingFlow(DiagGaussian(2, trainable=False), couplings[::-1])
    latents, determinants = flow.inverse_and_log_det(x)
    densities = flow.log_prob(x)
    out |= {"latents": latents, "log_determinants": determinants[:, None], "log_densities": densities[:, None]}
    nll = flow.forward_kld(x)
    nll.backward()
    out["nll"], out["d.couplings.0.fc1.weight"] = nll.reshape(1), networks[0].fc1.weight.grad.clone()
    halfway = latents
    for coupling in flow.flows[: COUPLINGS // 2]:
        halfway, _ = coupling(halfway)
    out["halfway"] = halfway

    # normflows, held against what has to be so.
    assert (flow(latents) - x).abs().max() < 1e-10
    assert (densities + nll).mean().abs() < 1e-12
    normal = -latents.square().sum(1) / 2 - math.log(2 * math.pi)
    assert (normal + determinants - densities).abs().max() < 1e-10
    for point, determinant in zip(x, determinants):
        jacobian = torch.autograd.functional.jacobian(lambda p: flow.inverse(p[None])[0], point)
        assert (jacobian.det().abs().log() - determinant).abs() < 1e-10
    # What is kept stays: the first coupling's input and output have the same first number.
    after, _ = couplings[0].inverse(x)
    assert torch.equal(after[:, 0], x[:, 0]) and not torch.equal(after[:, 1], x[:, 1])
    # A fixture in which nothing happened would show nothing, and one out of all bounds no more.
    scales = torch.stack([network(x[:, :1])[:, 1] for network in networks])
    assert scales.abs().max() > 1 and latents.abs().max() < 100
    assert (out["d.couplings.0.fc1.weight"] != 0).sum() > WIDTH / 2
    assert all(v.isfinite().all() for v in out.values())
    save(folder / "realnvp.safetensors", {k: v.detach().float() for k, v in out.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
