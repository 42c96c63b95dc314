"""Weights and inputs of shared/spec.js: uniform numbers from mulberry32."""

import numpy as np


def uniform(seed, shape, bound):
    """Numbers in +-bound. The n-th state of mulberry32 is the seed plus n steps, so all are computed at once."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        state = np.uint32(seed) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        x = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
        x ^= x + (x ^ (x >> np.uint32(7))) * (x | np.uint32(61))
        x ^= x >> np.uint32(14)
    return ((x.astype(np.float64) / 2**32 * 2 - 1) * bound).astype(np.float32).reshape(shape)
