"""Random but valid quantised blocks, and what the `gguf` package makes of them. Run by text_golden.py."""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from gguf.quants import dequantize

TYPES = ("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K")

# Where a block keeps its f16 scales (and minimums), in bytes from its start. All else may be any bytes.
SCALES = {
    "Q4_0": (0,),
    "Q4_1": (0, 2),
    "Q5_0": (0,),
    "Q5_1": (0, 2),
    "Q8_0": (0,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
}

# f16 scales that a loader may get wrong: zeros of both signs, subnormals, the smallest normal, the largest.
EDGES = np.array([0.0, -0.0, 6e-8, -5.9e-5, 6.104e-5, -1.0, 65504.0, -65504.0], dtype=np.float16)


def random_blocks(rng, kind, rows, cols, scales, edges=False):
    """Rows of blocks as U8 [rows, bytes]: each scale within +- its bound; the last row holds the edges if asked for."""
    per_block, size = GGML_QUANT_SIZES[Type[kind]]
    blocks = rng.integers(0, 256, (rows, cols // per_block, size), dtype=np.uint8)
    for at, bound in zip(SCALES[kind], scales):
        scale = rng.uniform(-bound, bound, (rows, cols // per_block)).astype(np.float16)
        if edges:
            scale[-1] = np.resize(np.roll(EDGES, at), cols // per_block)
        blocks[:, :, at : at + 2] = scale[..., None].view(np.uint8)
    return blocks.reshape(rows, -1)


def random_halves(rng, kind, rows, cols):
    """F16 or BF16 of every size, subnormals and both zeros among them; no infinity and no NaN."""
    bits = rng.integers(0, 1 << 16, (rows, cols), dtype=np.uint16)
    exponent = np.uint16(0x7C00 if kind == "F16" else 0x7F80)
    bits = np.where(bits & exponent == exponent, bits & ~exponent, bits).astype("<u2")
    bits[0, :4] = (0x0000, 0x8000, 0x0001, 0x8001)
    return bits.view(np.uint8)


def blocks():
    """`<TYPE>.raw` U8 [rows, bytes] and `<TYPE>.values` F32 [rows, cols] for each type."""
    rng, tensors = np.random.default_rng(31), {}
    rows = 3
    for kind in TYPES:
        # Eight edges fill a row: eight blocks of 32, or of 256.
        cols = 2048 if kind.endswith("_K") else 256
        if kind in SCALES:
            raw = random_blocks(rng, kind, rows, cols, (0.1, 0.1), edges=True)
        else:
            raw = random_halves(rng, kind, rows, cols)
        values = dequantize(raw, Type[kind])
        assert values.shape == (rows, cols) and np.isfinite(values).all(), kind
        tensors[f"{kind}.raw"] = raw
        tensors[f"{kind}.values"] = values.astype(np.float32)
    return tensors
