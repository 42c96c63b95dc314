"""Tiny random autoencoders as diffusers saves them, and what diffusers makes of fixed pictures with them.

    python3 tests/torch/autoencoder.py tests/fixtures/autoencoder

needs torch and diffusers (written with 2.2.2 and 0.32.2). `tiny` is an AutoencoderTiny and `kl` an AutoencoderKL, each a
folder with config.json and weights in F32; `old` is an AutoencoderKL in F16 without config.json, whose attention has the
names and shapes of 2022. Each `*.golden.safetensors` holds pictures, latents and what came of them, whole and tiled.
"""

import json
import struct
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny

NAMES = {torch.float32: "F32", torch.float16: "F16"}


def save(path, tensors):
    head, body = {}, b""
    for name in sorted(tensors):
        value = tensors[name].detach().contiguous().clone()
        data = bytes(value.untyped_storage())
        shape, offsets = list(value.shape), [len(body), len(body) + len(data)]
        head[name] = {"dtype": NAMES[value.dtype], "shape": shape, "data_offsets": offsets}
        body += data
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def model(kind, **config):
    """A model whose numbers do not die out on their way: weights twice as large as PyTorch's, biases and norms that matter."""
    vae = kind(**config).eval()
    for name, value in vae.named_parameters():
        with torch.no_grad():
            if value.dim() > 1:
                value.mul_(2.0)
            elif "norm" in name and name.endswith("weight"):
                value.uniform_(0.5, 1.5)
            else:
                value.uniform_(-0.3, 0.3)
    return vae


def tiled(x, run, tile, reach):
    """diffusers' own AutoencoderKL._tiled_encode and tiled_decode, with any network. `reach`: blended, and kept, of a result."""
    overlap = int(tile * 0.75)
    blend, kept = reach
    rows = [[run(x[:, :, i : i + tile, j : j + tile]) for j in range(0, x.shape[3], overlap)] for i in range(0, x.shape[2], overlap)]
    result = []
    for i, row in enumerate(rows):
        line = []
        for j, part in enumerate(row):
            if i > 0:
                part = AutoencoderKL.blend_v(None, rows[i - 1][j], part, blend)
            if j > 0:
                part = AutoencoderKL.blend_h(None, row[j - 1], part, blend)
            line.append(part[:, :, :kept, :kept])
        result.append(torch.cat(line, dim=3))
    return torch.cat(result, dim=2)


def golden(path, vae, factor, size, large, tile):
    is_kl = isinstance(vae, AutoencoderKL)
    encode = (lambda x: vae.encode(x).latent_dist.parameters) if is_kl else (lambda x: vae.encode(x).latents)
    decode = lambda z: vae.decode(z).sample
    channels = vae.config.latent_channels
    with torch.no_grad():
        picture, wide = torch.rand(1, 3, *size) * 2 - 1, torch.rand(1, 3, *large) * 2 - 1
        latent = torch.randn(1, channels, size[0] // factor, size[1] // factor) * 2
        wide_latent = torch.randn(1, channels, large[0] // factor, large[1] // factor) * 2
        small = tile // factor
        tensors = {
            "picture": picture,
            "encoded": encode(picture),
            "latent": latent,
            "decoded": decode(latent),
            "wide": wide,
            "wide_encoded": tiled(wide, encode, tile, (small // 4, small - small // 4)),
            "wide_latent": wide_latent,
            "wide_decoded": tiled(wide_latent, decode, small, (tile // 4, tile - tile // 4)),
        }
        if is_kl and vae.config.sample_size == tile:
            vae.enable_tiling()
            assert torch.equal(tensors["wide_encoded"], encode(wide))
            assert torch.equal(tensors["wide_decoded"], decode(wide_latent))
    save(path, {name: value.float() for name, value in tensors.items()})


def main(out):
    torch.manual_seed(1)
    tiny = model(
        AutoencoderTiny,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 2, 1, 1),
        num_decoder_blocks=(1, 1, 2, 1),
    )
    tiny.save_config(out / "tiny")
    save(out / "tiny/diffusion_pytorch_model.safetensors", tiny.state_dict())
    golden(out / "tiny.golden.safetensors", tiny, 8, (32, 24), (48, 48), 32)

    kl = model(
        AutoencoderKL,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=32,
        scaling_factor=0.25,
        shift_factor=0.5,
    )
    kl.save_config(out / "kl")
    save(out / "kl/diffusion_pytorch_model.safetensors", kl.state_dict())
    golden(out / "kl.golden.safetensors", kl, 4, (24, 20), (48, 40), 32)

    old = model(AutoencoderKL, block_out_channels=(32,)).half().float()
    names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {}
    for name, value in old.state_dict().items():
        for new, before in names.items():
            if f".{new}." in name:
                name = name.replace(f".{new}.", f".{before}.")
                value = value[:, :, None, None] if value.dim() == 2 else value
        tensors[name] = value.half()
    save(out / "old/diffusion_pytorch_model.safetensors", tensors)
    golden(out / "old.golden.safetensors", old, 1, (12, 8), (24, 24), 16)


main(Path(sys.argv[1]))
