"""Latents, densities and a gradient of normalizing flows, from normflows: writes `realnvp.safetensors` (affine couplings) and
`realnvp-spline.safetensors` (rational-quadratic splines).

    python3 tests/torch/realnvp.py tests/fixtures

needs torch, numpy and normflows (written with 2.8.0, 2.2.6 and 1.7.3). The couplings, their order, the base distribution and the
likelihood are normflows'; the networks inside the couplings are ours. All is computed in float64.

* `flow.couplings.K.{fc1,fc2,out}.{weight,bias}`: four couplings on two numbers, width 8; K = 0 is the first from data to latent and keeps
  the first number, 1 the second, and so on. Of an affine `out` the first row is the scale, its logarithm 2 tanh of it, and the second the
  shift. That of a spline has 8 rows for the widths, 8 for the heights and 7 for the slopes, of which zeros make the identity.
* `points` [16, 2], `latents` [16, 2], `log_determinants` [16, 1], `log_densities` [16, 1] in nats.
* `halfway` [16, 2]: the latents through the last two couplings, on their way to data.
* `nll` [1]: the mean of minus `log_densities`; `d.couplings.0.{fc1,out}.weight`: its gradients.
"""

import math
import sys
from pathlib import Path

import torch
from normflows import NormalizingFlow
from normflows.distributions import DiagGaussian
from normflows.flows import AffineCouplingBlock, Reverse
from normflows.flows.neural_spline.coupling import PiecewiseRationalQuadraticCoupling
from torch import nn
from torch.nn import functional as F

from golden import save

COUPLINGS, WIDTH, POINTS = 4, 8, 16
LIMIT = 2.0
BINS, BOUND, LEAST_SLOPE = 8, 4.0, 1e-3


class Network(nn.Module):
    """What a coupling makes of the number that it keeps."""

    def __init__(self, outputs, std):
        super().__init__()
        self.fc1 = nn.Linear(1, WIDTH)
        self.fc2 = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, outputs)
        nn.init.normal_(self.out.weight, std=std)

    def outputs(self, kept):
        return self.out(F.silu(self.fc2(F.silu(self.fc1(kept)))))


class AffineNetwork(Network):
    """In the order in which normflows wants it: shift, logarithm of the scale."""

    def __init__(self):
        # Large enough that some scales are near their limit.
        super().__init__(2, 0.8)

    def forward(self, kept):
        scale, shift = self.outputs(kept).chunk(2, dim=1)
        return torch.cat([shift, LIMIT * torch.tanh(scale)], 1)


class SplineNetwork(Network):
    """Widths and heights, then slopes, of which normflows takes the softplus: zeros are to be a slope of 1."""

    def __init__(self):
        # Large enough that pieces of a spline differ much.
        super().__init__(3 * BINS - 1, 0.3)

    def forward(self, kept, _context=None):
        out = self.outputs(kept)
        one = math.log(math.exp(1 - LEAST_SLOPE) - 1)
        return torch.cat([out[:, : 2 * BINS], out[:, 2 * BINS :] + one], 1)


def affine(network, k):
    # normflows maps latents to data. Its coupling scales and shifts, where ours does so on the way back.
    return Reverse(AffineCouplingBlock(network, split_mode="channel" if k % 2 == 0 else "channel_inv"))


def spline(network, k):
    mask = torch.tensor([0, 1] if k % 2 == 0 else [1, 0])
    made = PiecewiseRationalQuadraticCoupling(mask, lambda *_: network, BINS, tails="linear", tail_bound=BOUND)
    return Reverse(made)


def write(path, make_network, make_coupling, points):
    networks = nn.ModuleList(make_network() for _ in range(COUPLINGS))
    points = points()
    out = {"points": points}
    out |= {f"flow.couplings.{name}": p.detach().clone() for name, p in networks.named_parameters()}

    # The first coupling of normflows is the first from latent to data.
    couplings = [make_coupling(network, k) for k, network in enumerate(networks)]
    single = NormalizingFlow(DiagGaussian(2, trainable=False), couplings[::-1]).inverse_and_log_det(points)
    # Sums of normflows begin as zeros of the default's type.
    torch.set_default_dtype(torch.float64)
    networks.double()
    x = points.double()
    flow = NormalizingFlow(DiagGaussian(2, trainable=False), couplings[::-1])
    latents, determinants = flow.inverse_and_log_det(x)
    densities = flow.log_prob(x)
    out |= {"latents": latents, "log_determinants": determinants[:, None], "log_densities": densities[:, None]}
    nll = flow.forward_kld(x)
    nll.backward()
    out["nll"] = nll.reshape(1)
    for layer in ["fc1", "out"]:
        out[f"d.couplings.0.{layer}.weight"] = getattr(networks[0], layer).weight.grad.clone()
    halfway = latents
    for coupling in flow.flows[: COUPLINGS // 2]:
        halfway, _ = coupling(halfway)
    out["halfway"] = halfway

    # Where normflows itself comes to other numbers in float32, nobody can be held to 1e-5.
    for ours, theirs in zip(single, (latents, determinants)):
        assert ((ours - theirs).abs() / theirs.abs().clamp(min=1)).max() < 5e-6
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
    assert determinants.abs().max() > 1 and latents.abs().max() < 100
    assert all((out[f"d.couplings.0.{layer}.weight"] != 0).sum() > WIDTH / 2 for layer in ["fc1", "out"])
    assert all(v.isfinite().all() for v in out.values())
    save(path, {k: v.detach().float() for k, v in out.items()})
    torch.set_default_dtype(torch.float32)


def main(folder):
    torch.manual_seed(1)
    write(folder / "realnvp.safetensors", AffineNetwork, affine, lambda: 1.5 * torch.randn(POINTS, 2))
    torch.manual_seed(2)

    def points():
        # Some outside the square in which splines bend, along one axis or both, and one at its edge.
        outside = torch.tensor([[5.0, 1.0], [-0.5, -4.5], [6.0, 7.0], [4.0, -4.0]])
        return torch.cat([2 * torch.randn(POINTS - len(outside), 2), outside])

    write(folder / "realnvp-spline.safetensors", SplineNetwork, spline, points)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
