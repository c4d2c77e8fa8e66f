"""adact.torch.AdAct on a GPU against the same mixture composed of PyTorch's operations, eager and compiled.

Run:  pip install ./crates/python torch torchvision && python benches/torch_gpu.py [--rounds 3]
      (needs a GPU of CUDA's or ROCm's, and Triton)

Prints Markdown tables: the best round's milliseconds. All sides take turns. "Kernels" are AdAct's, called as PyTorch's operations
are; "kernels, compiled" stay one operation in the compiled graph; "formulas, compiled" are AdAct's formulas given to the compiler.
"""
import argparse
import time
import warnings

import torch
from torch.nn import functional as F

import adact.torch
from adact.torch import compose, ops
from adact.torch.module import put
from adact.torch.spec import Inputs
from compare import mixture


class Formulas(adact.torch.AdAct):
    """AdAct by its formulas in PyTorch."""

    apply = staticmethod(compose.function)

    def forward(self, x):
        spec = self._spec if self.channels is None else self._spec_of(x)
        seed = torch.randint(1 << 62, (), device=x.device)
        return self.apply(Inputs(x, self.w, self.prelu.weight, seed), spec)


class Operation(Formulas):
    """AdAct as the registered operation."""

    @staticmethod
    def apply(inputs, spec):
        return ops._function(*inputs, spec.candidates, spec.mixing, list(spec.constants), spec.channel_dim)


def milliseconds(step, seconds=0.15):
    """Of one step, with the device busy all the time."""
    for _ in range(5):
        step()
    torch.cuda.synchronize()
    start, steps = time.perf_counter(), 0
    while steps < 10 or time.perf_counter() - start < seconds:
        step()
        steps += 1
        if steps % 50 == 0:
            torch.cuda.synchronize()
    torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - start) / steps


def once(run, x, gradient):
    """Forward and backward, without gradients from before."""

    def step():
        x.grad = None
        if isinstance(run, torch.nn.Module):
            run.zero_grad()
        run(x).backward(gradient)

    return step


def in_turn(steps, rounds):
    """The best of each."""
    times = [[milliseconds(step) for step in steps] for _ in range(rounds)]
    return [min(column) for column in zip(*times)]


def row(head, times):
    print("| " + " | ".join([head, *(f"{t:.3f}" if t < 10 else f"{t:.1f}" for t in times)]) + " |", flush=True)


def table(columns):
    print("| | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|", flush=True)


def functions(rounds):
    """Forward and backward of the function alone."""
    print("Forward and backward of as many elements, ms:\n")
    table(["F.silu", "composed", "composed, compiled", "kernels", "kernels, compiled", "formulas, compiled", "kernels / composed, compiled"])
    for dtype in (torch.float32, torch.bfloat16):
        for elements in (65_536, 2_097_152, 67_108_864):
            x = torch.randn(elements, device="cuda", dtype=dtype, requires_grad=True)
            gradient = torch.randn_like(x)
            torch._dynamo.reset()
            composed = mixture().to("cuda", dtype)
            kernels, operation, formulas = (make(device="cuda") for make in (adact.torch.AdAct, Operation, Formulas))
            sides = [F.silu, composed, torch.compile(composed), kernels, torch.compile(operation), torch.compile(formulas)]
            times = in_turn([once(run, x, gradient) for run in sides], rounds)
            row(f"{elements:,} of {str(dtype).removeprefix('torch.')}", [*times, times[3] / times[2]])


def channels(rounds):
    """The function with weights of each channel."""
    print("\nWith a set of weights for each channel, forward and backward, ms:\n")
    table(["formulas", "formulas, compiled", "kernels"])
    for name, shape, channel_dim, layout in (
        ("64 x 128 x 56 x 56", (64, 128, 56, 56), 1, torch.contiguous_format),
        ("the same, channels_last", (64, 128, 56, 56), 1, torch.channels_last),
        ("16 x 1,024 x 2,048 tokens", (16, 1024, 2048), -1, torch.contiguous_format),
    ):
        x = torch.randn(shape, device="cuda").contiguous(memory_format=layout).requires_grad_()
        gradient = torch.randn_like(x)
        torch._dynamo.reset()
        how = {"granularity": "channel", "channels": shape[channel_dim], "channel_dim": channel_dim, "device": "cuda"}
        formulas = Formulas(**how)
        sides = [formulas, torch.compile(formulas), adact.torch.AdAct(**how)]
        row(name, in_turn([once(run, x, gradient) for run in sides], rounds))


def networks(rounds, batch):
    """Training steps of ResNet-18."""
    from torchvision.models import resnet18

    print(f"\nA training step of torchvision's resnet18, batch {batch} of 3 x 224 x 224, channels_last, autocast to bfloat16, ms:\n")
    x = torch.randn(batch, 3, 224, 224, device="cuda").contiguous(memory_format=torch.channels_last)
    target = torch.randint(1000, (batch,), device="cuda")

    def step(net, run):
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)

        def once():
            optimizer.zero_grad()
            with torch.autocast("cuda", torch.bfloat16):
                loss = F.cross_entropy(run(x), target)
            loss.backward()
            optimizer.step()

        return once

    def net(make=None):
        model = resnet18().cuda()
        if make is not None:
            adact.torch.convert(model, verbose=False)
            for path in adact.torch.places(model):
                put(model, path, make().cuda())
        return model.to(memory_format=torch.channels_last)

    torch._dynamo.reset()
    relu, composed, kernels, operation, formulas = map(net, (None, mixture, adact.torch.AdAct, Operation, Formulas))
    sides = {
        "ReLU": (relu, relu),
        "ReLU, compiled": (relu, torch.compile(relu)),
        "composed": (composed, composed),
        "composed, compiled": (composed, torch.compile(composed)),
        "kernels": (kernels, kernels),
        "kernels, compiled": (operation, torch.compile(operation)),
        "formulas, compiled": (formulas, torch.compile(formulas)),
    }
    table(list(sides))
    row("resnet18", in_turn([step(*side) for side in sides.values()], rounds))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--batch", type=int, default=256)
    p.add_argument("--only", choices=["functions", "channels", "networks"])
    a = p.parse_args()
    warnings.filterwarnings("ignore", message="\\s*Online softmax")
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}.\n")
    if a.only in (None, "functions"):
        functions(a.rounds)
    if a.only in (None, "channels"):
        channels(a.rounds)
    if a.only in (None, "networks"):
        networks(a.rounds, a.batch)


if __name__ == "__main__":
    main()
