"""RReLU's slopes: a function of a seed and of where an element lies, so that the backward pass draws them again.

The numbers are those of the kernels: a 32-bit hash of the seed and the index.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .layout import around

_MASK = 0xFFFF_FFFF
# Rows that the kernels transpose together where channels are the last dimension.
ROWS = 256


def _positions(x: Tensor, channel_dim: int | None) -> Tensor:
    """The number that the kernels give each element of a dense tensor."""
    index = torch.arange(x.numel(), device=x.device)
    rows, channels, inner = (1, 1, 0) if channel_dim is None else around(x, channel_dim)
    if inner == 1:
        row, channel = index // channels, index % channels
        block = row // ROWS
        height = (rows - block * ROWS).clamp(max=ROWS)
        index = block * (ROWS * channels) + channel * height + row % ROWS
    return index.as_strided(x.size(), x.stride())


def slopes(seed: Tensor | int, x: Tensor, channel_dim: int | None, lower: float, upper: float) -> Tensor:
    """The slopes of all elements of a dense tensor, `float32` of its shape."""
    index = _positions(x, channel_dim)
    if isinstance(seed, Tensor):
        seed = seed.to(x.device)
    low, high = seed & _MASK, (seed >> 32) & _MASK
    h = (index + (low ^ ((index >> 32) * 0x9E37_79B9 & _MASK))) & _MASK
    h = (h ^ (h >> 16)) * 0x7FEB_352D & _MASK
    h = ((h ^ (h >> 15)) + high) & _MASK
    h = h * 0x846C_A68B & _MASK
    return (h >> 8).to(torch.float32) * ((upper - lower) / 2**24) + lower
