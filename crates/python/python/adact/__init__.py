"""Learn which activation function each layer of a neural network should use, and whether the difference is real.

The command `adact` is part of this package: `adact study --help`. `adact.torch` has the mixture as a module for PyTorch, and
imports PyTorch; nothing else does.
"""

from adact._native import __version__

__all__ = ["__version__"]
