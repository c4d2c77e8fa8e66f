"""How tensors lie in memory."""

from __future__ import annotations

import torch
from torch import Tensor


def is_dense(x: Tensor) -> bool:
    """Whether the elements fill one run of memory, in any order of the dimensions."""
    if x.is_contiguous():
        return True
    expected = 1
    for stride, size in sorted((stride, size) for stride, size in zip(x.stride(), x.size()) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def dense(x: Tensor) -> Tensor:
    """The tensor, if its elements fill one run of memory in any order; else a copy that does."""
    return x if is_dense(x) else x.contiguous()


def like(x: Tensor, other: Tensor) -> Tensor:
    """`x`, with the type and the order in memory of the dense tensor `other`."""
    if x.dtype is other.dtype and (x.is_contiguous() and other.is_contiguous() or x.stride() == other.stride()):
        return x
    return torch.empty_like(other).copy_(x)


def around(x: Tensor, channel_dim: int) -> tuple[int, int, int]:
    """The elements outside of the channels of a dense tensor, its channels, and the elements inside."""
    channels, elements = x.size(channel_dim), x.numel()
    if channels == 1:
        return 1, 1, elements
    inner = x.stride(channel_dim)
    return elements // (channels * inner), channels, inner
