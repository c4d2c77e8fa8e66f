"""Makes the reference values of the parity tests with PyTorch, computed in float64.

    python tests/reference/make_reference.py                  the small files beside this script, which every test run reads
    python tests/reference/make_reference.py --large FOLDER   finer grids and the paper's network, 20 MB, which
                                                              ADACT_REFERENCE=FOLDER cargo test adds

Needs torch and safetensors (`pip install torch safetensors`; the committed files are from torch 2.15).

    activations.safetensors   x, and for every activation NAME that PyTorch has: its values, and NAME.derivative
    adact.safetensors         the mixture for six cases I: I.x, I.w, I.slope, I.y, I.dy, I.dx, I.dw, I.dslope
    convnet_*.safetensors     a training with AdamW: batches.x, batches.y, initial.*, grad.* of the first step, losses,
                              final.*, and eval.logits of the first batch after the last step

RReLU draws at random in training. Here both its bounds are the mean of the default ones, so that there is nothing to draw.
"""

import argparse
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

RRELU = (1 / 8 + 1 / 3) / 2
CANDIDATES = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "rrelu": lambda: nn.RReLU(RRELU, RRELU),
    "silu": nn.SiLU,
    "mish": nn.Mish,
}
# Candidates of other sets. Those that PyTorch doesn't have are not here.
OTHERS = {
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "hardswish": nn.Hardswish,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "relu6": nn.ReLU6,
    "hardtanh": nn.Hardtanh,
    "softsign": nn.Softsign,
    "logsigmoid": nn.LogSigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "tanhshrink": nn.Tanhshrink,
    "softshrink": nn.Softshrink,
    "hardshrink": nn.Hardshrink,
}
HARD = [0.0, -0.0, 1e-30, -1e-30, 1e-7, -1e-7, 20.0, -20.0, 88.8, -88.8, 104.0, -104.0, 1e4, -1e4]


class AdAct(nn.Module):
    """The paper's equation 1 with PReLU's slope as a parameter."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(len(CANDIDATES)))
        self.prelu = nn.PReLU()
        self.others = {name: make() for name, make in CANDIDATES.items() if name != "prelu"}

    def forward(self, x):
        values = [self.prelu(x) if name == "prelu" else self.others[name](x) for name in CANDIDATES]
        return (torch.softmax(self.w, 0).view(-1, *[1] * x.dim()) * torch.stack(values)).sum(0)


class ConvNet(nn.Module):
    """Blocks of convolution, normalisation, activation and pooling, then a linear layer, with the names that adact writes."""

    def __init__(self, channels, side, classes, widths, activations):
        super().__init__()
        pairs = list(zip([channels] + widths, widths))
        self.conv = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairs)
        self.norm = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.act = nn.ModuleList(AdAct() if name == "adact" else CANDIDATES[name]() for name in activations)
        self.fc = nn.Linear(widths[-1] * (side >> len(widths)) ** 2, classes)

    def forward(self, x):
        for conv, norm, act in zip(self.conv, self.norm, self.act):
            x = F.max_pool2d(act(norm(conv(x))), 2)
        return self.fc(x.flatten(1))


def activations(points):
    x = torch.cat([torch.linspace(-12, 12, points, dtype=torch.float64), torch.tensor(HARD, dtype=torch.float64)])
    tensors = {"x": x}
    for name, make in (CANDIDATES | OTHERS).items():
        at = x.clone().requires_grad_()
        y = make().double()(at)
        y.sum().backward()
        tensors |= {name: y.detach(), f"{name}.derivative": at.grad}
    return tensors


def mixtures(shape):
    tensors = {}
    for case in range(6):
        act = AdAct().double()
        if case > 0:
            act.w.data = torch.randn(7, dtype=torch.float64) * (1 + case)
        act.prelu.weight.data.fill_((0.25, -0.4, 1.3)[case % 3])
        x = (torch.randn(shape, dtype=torch.float64) * (1, 3, 10)[case % 3]).requires_grad_()
        dy = torch.randn(shape, dtype=torch.float64)
        y = act(x)
        y.backward(dy)
        values = {"x": x, "w": act.w, "slope": act.prelu.weight, "y": y, "dy": dy}
        values |= {"dx": x.grad, "dw": act.w.grad, "dslope": act.prelu.weight.grad}
        tensors |= {f"{case}.{name}": value.detach().clone() for name, value in values.items()}
    return tensors


def training(channels, side, classes, widths, names, batch, steps):
    net = ConvNet(channels, side, classes, widths, names * (len(widths) // len(names)))
    # float32 holds what the training begins with exactly; it is computed with in float64
    x = torch.rand(steps, batch, channels, side, side) * 2 - 1
    y = torch.randint(classes, (steps, batch))
    net = net.double()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    tensors = {f"initial.{name}": value.clone() for name, value in net.state_dict().items()}
    losses = []
    for step in range(steps):
        loss = F.cross_entropy(net(x[step].double()), y[step])
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            tensors |= {f"grad.{name}": p.grad.clone() for name, p in net.named_parameters()}
        optimizer.step()
        losses.append(loss.detach())
    tensors |= {f"final.{name}": value.clone() for name, value in net.state_dict().items()}
    tensors = {name: v.float() if v.is_floating_point() else v for name, v in tensors.items()}
    with torch.no_grad():
        tensors["eval.logits"] = net.eval()(x[0].double())
    return tensors | {"batches.x": x, "batches.y": y, "losses": torch.stack(losses)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=pathlib.Path, metavar="FOLDER", help="where to write the large files")
    large = parser.parse_args().large
    folder = large or pathlib.Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)

    mixed = ["mish", "elu", "prelu", "silu"]
    paper = [32, 64, 128, 256]
    trainings = {
        "relu_cifar10": (3, 32, 10, paper, ["relu"], 16, 5),
        "adact_fmnist": (1, 28, 10, paper, ["adact"], 16, 10),
        "mixed_fer": (1, 48, 7, paper, mixed, 8, 5),
    } if large else {
        "relu": (3, 13, 10, [16, 32], ["relu"], 8, 5),
        "adact": (1, 12, 10, [16, 32], ["adact"], 8, 5),
        "mixed": (1, 17, 7, [8, 16, 16, 32], mixed, 8, 5),
    }

    def save(name, make, *arguments):
        torch.manual_seed(0)
        tensors = {key: value.contiguous() for key, value in make(*arguments).items()}
        save_file(tensors, folder / f"{name}.safetensors")

    save("activations", activations, 4097 if large else 385)
    save("adact", mixtures, (8, 16, 7, 5) if large else (2, 3, 7, 5))
    for name, arguments in trainings.items():
        save(f"convnet_{name}", training, *arguments)


if __name__ == "__main__":
    main()
