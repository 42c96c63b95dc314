"""Noise schedules, chains of samplers and training targets of diffusion models, from diffusers: writes `diffusion.safetensors`.

    python3 tests/torch/diffusion.py tests/fixtures

needs torch, numpy and diffusers (written with 2.8.0, 2.2.6 and 0.35.2). All is computed in float64: diffusers' schedulers too,
which are made to mean it where they say float32, and held against what they say otherwise.

* `abar.linear` and `abar.cosine`: the share of the signal's variance, by index 0 to 999. Index k is time (k + 1) / 1000.
* `start`, `noise`: where every chain starts, and what it draws; step k draws `noise[k]`.
* `ddpm.SCHEDULE.PREDICTION`, `ddim.SCHEDULE.PREDICTION.etaETA`: chains of 50 steps with `toy` as the network, after the first
  step (`.first`) and the last (`.end`). Steps are from times 1, 0.98 .. 0.02, the last one to abar 1. DDPM draws in that one too,
  but with a deviation of 1e-10. Chains that predict noise end at numbers of some hundreds and, with the cosine's schedule, 46,000.
* `flow.euler.K`: the same for K steps of flow matching from times 1, 1 - 1/K .. 1/K, the last one to time 0.
* `flow.heun.K.end`: not diffusers, but our own arithmetic, written down here a second time.
* `train`: data `x0`, noise `e`, times `t` of flow and indices `index` of ddpm (cosine), a network of (x, time) by its weights;
  then of each kind of path the points `x` and by prediction the target, the loss and the first weight's gradient.
"""

import contextlib
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, FlowMatchEulerDiscreteScheduler
from diffusers.schedulers import scheduling_ddpm
from torch.nn import functional as F

from golden import Mlp, save

OUT = {}
STEPS = 50
SCHEDULES = {
    "linear": {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
}
PREDICTIONS = {"noise": "epsilon", "data": "sample", "velocity": "v_prediction"}


@contextlib.contextmanager
def double():
    """Where diffusers says float32, it gets float64."""
    with mock.patch.object(torch, "float32", torch.float64), mock.patch.object(np, "float32", np.float64):
        yield


def toy(x, t):
    """A network for the chains: of x and of the time, 1 at noise."""
    return torch.sin(1.3 * x + 2.0 * t + torch.tensor([0.1, -0.4], dtype=x.dtype))


def store(name, first, end):
    for key, value in [("first", first), ("end", end)]:
        assert value.isfinite().all(), name
        OUT[f"{name}.{key}"] = value


def chain(scheduler, eta, start, noise):
    """What is there after every step. `eta` is None for DDPM, which draws by a function of its module."""
    scheduler.set_timesteps(STEPS)
    assert scheduler.timesteps.tolist() == list(range(999, 0, -20))
    x, every = start, []
    for k, index in enumerate(scheduler.timesteps):
        prediction = toy(x, (index.item() + 1) / 1000)
        if eta is None:
            with mock.patch.object(scheduling_ddpm, "randn_tensor", lambda *_, **__: noise[k]):
                x = scheduler.step(prediction, index, x).prev_sample
        else:
            x = scheduler.step(prediction, index, x, eta=eta, variance_noise=noise[k] if eta > 0 else None).prev_sample
        assert x.dtype == start.dtype
        every.append(x)
    return every


def flow(steps, start):
    scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1.0 / steps, steps))
    assert len(scheduler.sigmas) == steps + 1 and scheduler.sigmas[-1] == 0 and scheduler.sigmas.dtype == start.dtype
    x, every = start, []
    for timestep, sigma in zip(scheduler.timesteps, scheduler.sigmas):
        x = scheduler.step(toy(x, sigma.item()), timestep, x).prev_sample
        assert x.dtype == start.dtype
        every.append(x)
    return every


def heun(steps, x):
    """Flow by the trapezoidal rule, whose last step is Euler's: nothing of diffusers in here."""
    velocity = lambda x, t: np.sin(1.3 * x + 2.0 * t + np.array([0.1, -0.4]))
    times = [1 - k / steps for k in range(steps)] + [0.0]
    for t, to in zip(times, times[1:]):
        here = velocity(x, t)
        euler = x + (to - t) * here
        x = x + (to - t) * (here + velocity(euler, to)) / 2 if to > 0 else euler
    return x


def near(name, x, y, tolerance):
    """Float32's result near float64's, as a share of the largest number."""
    off = ((x - y).abs().max() / y.abs().max()).item()
    assert off < tolerance, (name, off)


def samplers():
    start, noise = torch.randn(8, 2), torch.randn(STEPS, 8, 2)
    OUT["start"], OUT["noise"] = start, noise
    for schedule, betas in SCHEDULES.items():
        with double():
            abar = DDPMScheduler(**betas).alphas_cumprod
        assert abar.dtype == torch.float64
        OUT[f"abar.{schedule}"] = abar
        # 1 - 0.999, the last factor of the cosine's, has five digits in float32.
        assert (DDPMScheduler(**betas).alphas_cumprod / abar - 1).abs().max() < 1e-4
        for prediction, kind in PREDICTIONS.items():
            options = dict(betas, prediction_type=kind, clip_sample=False, timestep_spacing="trailing")
            ddpm = lambda: DDPMScheduler(variance_type="fixed_small", **options)
            ddim = lambda: DDIMScheduler(set_alpha_to_one=True, **options)
            for name, make, eta in [
                (f"ddpm.{schedule}.{prediction}", ddpm, None),
                (f"ddim.{schedule}.{prediction}.eta0", ddim, 0.0),
                (f"ddim.{schedule}.{prediction}.eta0.5", ddim, 0.5),
                (f"ddim.{schedule}.{prediction}.eta1", ddim, 1.0),
            ]:
                with double():
                    every = chain(make(), eta, start.double(), noise.double())
                store(name, every[0], every[-1])
                single = chain(make(), eta, start, noise)
                near(f"{name}.first", single[0], every[0], 1e-4)
                near(f"{name}.end", single[-1], every[-1], 1e-4)
    for steps in [50, 7]:
        with double():
            every = flow(steps, start.double())
        store(f"flow.euler.{steps}", every[0], every[-1])
        near(f"flow.euler.{steps}", flow(steps, start)[-1], every[-1], 1e-5)
    OUT["flow.heun.7.end"] = torch.from_numpy(heun(7, start.double().numpy()))


def train():
    x0, e, t = torch.randn(6, 2), torch.randn(6, 2), torch.rand(6)
    index = torch.tensor([0, 37, 251, 500, 873, 999])
    net = Mlp([3, 8, 2], F.silu)
    OUT.update({"train.x0": x0, "train.e": e, "train.t": t, "train.index": index})
    OUT.update({f"train.{name}": p.detach().clone() for name, p in net.named_parameters()})
    net.double()
    x0, e, t = x0.double(), e.double(), t.double()[:, None]
    with double():
        scheduler = DDPMScheduler(**SCHEDULES["cosine"])
    for path, x, time, velocity in [
        ("flow", (1 - t) * x0 + t * e, t, e - x0),
        ("ddpm", scheduler.add_noise(x0, e, index), (index.double()[:, None] + 1) / 1000, scheduler.get_velocity(x0, e, index)),
    ]:
        OUT[f"train.{path}.x"] = x
        for prediction, target in [("velocity", velocity), ("noise", e), ("data", x0)]:
            loss = F.mse_loss(net(torch.cat([x, time], 1)), target)
            net.zero_grad()
            loss.backward()
            name = f"train.{path}.{prediction}"
            OUT[f"{name}.target"], OUT[f"{name}.loss"] = target, loss.reshape(1)
            OUT[f"{name}.d.layers.0.weight"] = net.layers[0].weight.grad.clone()


def main(folder):
    torch.manual_seed(1)
    samplers()
    train()
    assert all(v.isfinite().all() for v in OUT.values())
    save(folder / "diffusion.safetensors", {k: v.detach().float() for k, v in OUT.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
