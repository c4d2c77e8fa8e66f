"""RReLU's slopes: a function of a seed and of where an element lies, so that the backward pass draws them again.

The numbers are those of the kernels: a 64-bit key from the seed (the finaliser of SplitMix64) and a 32-bit hash of key and index.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .layout import around

_MASK = 0xFFFF_FFFF
_GOLDEN = 0x9E37_79B9_7F4A_7C15
# What the numbers are for, so that no other use of the seed shares them.
_RRELU = 4
# Rows that the kernels transpose together where channels are the last dimension.
_ROWS = 256


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def _shift(z: Tensor, bits: int) -> Tensor:
    """Logical shift to the right of 64-bit integers."""
    return (z >> bits) & (2 ** (64 - bits) - 1)


def _mix(z: Tensor) -> Tensor:
    z = (z ^ _shift(z, 30)) * _signed(0xBF58_476D_1CE4_E5B9)
    z = (z ^ _shift(z, 27)) * _signed(0x94D0_49BB_1331_11EB)
    return z ^ _shift(z, 31)


def _key(seed: Tensor) -> Tensor:
    key = _mix(seed + _signed(_GOLDEN))
    key = _mix(key ^ _signed(_RRELU * _GOLDEN))
    return _mix(key)


def _positions(x: Tensor, channel_dim: int | None) -> Tensor:
    """The number that the kernels give each element of a dense tensor."""
    index = torch.arange(x.numel(), device=x.device)
    rows, channels, inner = (1, 1, 0) if channel_dim is None else around(x, channel_dim)
    if inner == 1:
        row, channel = index // channels, index % channels
        block = row // _ROWS
        height = (rows - block * _ROWS).clamp(max=_ROWS)
        index = block * (_ROWS * channels) + channel * height + row % _ROWS
    return index.as_strided(x.size(), x.stride())


def slopes(seed: Tensor, x: Tensor, channel_dim: int | None, lower: float, upper: float) -> Tensor:
    """The slopes of all elements of a dense tensor, `float32` of its shape."""
    index, key = _positions(x, channel_dim), _key(seed.to(x.device))
    low, high = key & _MASK, (key >> 32) & _MASK
    h = (index + (low ^ ((index >> 32) * 0x9E37_79B9 & _MASK))) & _MASK
    h = (h ^ (h >> 16)) * 0x7FEB_352D & _MASK
    h = ((h ^ (h >> 15)) + high) & _MASK
    h = h * 0x846C_A68B & _MASK
    return (h >> 8).to(torch.float32) * ((upper - lower) / 2**24) + lower
