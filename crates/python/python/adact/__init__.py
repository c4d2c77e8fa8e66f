"""Learn which activation function each layer of a neural network should use, and whether the difference is real.

The command `adact` is part of this package: `adact study --help`. `adact.torch` has the mixture as a module for PyTorch, and
imports PyTorch; nothing else does before a model is there. `adact.run` makes a training script one that `adact study --program`
can run, and `adact.study` studies a function from a notebook.
"""

from adact._native import __version__
from adact.notebook import Study, study
from adact.program import Run, run

__all__ = ["Run", "Study", "__version__", "run", "study"]
