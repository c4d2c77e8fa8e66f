"""Writes the checkpoints beside this file: the paper's network with narrow blocks, as people save such things.

    python make_checkpoints.py     (torch, safetensors)
"""

import torch
from safetensors.torch import save_file
from torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = [1, 2, 3, 2, 3]
        self.conv = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(widths, widths[1:]))
        self.norm = nn.ModuleList(nn.BatchNorm2d(b) for b in widths[1:])
        self.fc = nn.Linear(3, 2)


torch.manual_seed(0)
net = Net()
state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
save_file(state, "net.safetensors")
torch.save(net, "module.pt")
torch.save(state, "state_dict.pt")
torch.save(state, "legacy.pt", _use_new_zipfile_serialization=False)
optimizer = torch.optim.AdamW(net.parameters())
for p in net.parameters():
    p.grad = torch.ones_like(p)
optimizer.step()
wrapped = {"module." + name: tensor for name, tensor in state.items()}
torch.save({"epoch": 3, "model": wrapped, "optimizer": optimizer.state_dict()}, "checkpoint.pt")
# As half precision, and views: every second row of a larger tensor.
torch.save({name: t.half() if t.is_floating_point() else t for name, t in state.items()}, "half.pt")
strided = {n: torch.stack([t, t + 1], -1)[..., 0] if t.dim() > 1 else t for n, t in state.items()}
torch.save(strided, "strided.pt")
