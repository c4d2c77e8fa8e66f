"""AdAct for PyTorch: a learnable mixture of activation functions in the place of each activation.

```python
import adact.torch

places = adact.torch.convert(model)          # every activation becomes an AdAct, in place
...                                          # train as always
print(adact.torch.choices(model))            # {"layer1.0.relu": "mish", ...}
model = adact.torch.optimized(model)         # plain modules of torch.nn, to be trained anew
```

Maiti, "AdAct: learning to optimize activation function choice through adaptive activation modules", ICLR 2024 Tiny Papers.
"""

from .candidates import ACTIVATIONS, PAPER, SETS
from .choose import Frozen, choices, freeze, optimized, parameter_groups
from .convert import Conversion, Place, convert
from .module import AdAct, places

__all__ = [
    "ACTIVATIONS",
    "PAPER",
    "SETS",
    "AdAct",
    "Conversion",
    "Frozen",
    "Place",
    "choices",
    "convert",
    "freeze",
    "optimized",
    "parameter_groups",
    "places",
]
