"""adact.torch.AdAct against the same mixture composed of PyTorch's operations, on this machine's CPU.

Run:  pip install ./crates/python torch && python benches/torch_module.py [--threads 2] [--rounds 3]
      (needs a C++ compiler for torch.compile)

Prints a Markdown table: the best round's median of milliseconds, or microseconds where it says so. All sides take turns.
"""
import argparse
import statistics
import time

import torch
from torch.nn import functional as F

import adact.torch
from compare import cpu, mixture, network, step_seconds


def once(run, x, gradient):
    """Seconds of a forward and a backward pass, without gradients from before, as after `zero_grad`."""
    x.grad = None
    if isinstance(run, torch.nn.Module):
        run.zero_grad()
    start = time.perf_counter()
    run(x).backward(gradient)
    return time.perf_counter() - start


def medians(runs, elements, dtype, repeats, rounds):
    """The best median of each, in seconds."""
    x = torch.randn(elements, dtype=dtype, requires_grad=True)
    gradient = torch.randn(elements, dtype=dtype)
    best = [float("inf")] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            for _ in range(5):
                once(run, x, gradient)
            best[i] = min(best[i], statistics.median(once(run, x, gradient) for _ in range(repeats)))
    return best


def step(net, repeats):
    """The median of training steps of the paper's network at 3x32x32, batch 64, in seconds."""
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def next_batch():
        return torch.randn(64, 3, 32, 32).contiguous(memory_format=torch.channels_last), torch.randint(10, (64,))

    return step_seconds(net, optimizer, next_batch, repeats)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--elements", type=int, default=2_097_152)
    a = p.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(a.threads)
    print(f"Forward and backward, {a.threads} threads of {cpu()}, torch {torch.__version__}.\n")
    print("| | composed | composed, compiled | adact.torch.AdAct | AdAct / compiled |\n|---|---|---|---|---|")
    for dtype in (torch.float32, torch.bfloat16):
        ours, theirs = adact.torch.AdAct(), mixture()
        if dtype is not torch.float32:
            theirs = theirs.to(dtype)
        runs = [theirs, torch.compile(theirs), ours]
        eager, compiled, own = (1e3 * t for t in medians(runs, a.elements, dtype, 15, a.rounds))
        name = str(dtype).removeprefix("torch.")
        print(f"| {a.elements:,} of {name}, ms | {eager:.1f} | {compiled:.1f} | **{own:.2f}** | {own / compiled:.2f} |", flush=True)
    runs = [mixture(), adact.torch.AdAct(), adact.torch.AdAct().eval(), F.silu]
    eager, own, evaluation, silu = (1e6 * t for t in medians(runs, 1000, torch.float32, 2000, a.rounds))
    print(f"\n1,000 elements, microseconds: composed {eager:.0f}, AdAct {own:.0f} (evaluation mode {evaluation:.0f}), F.silu {silu:.0f}.")
    nets = [network("adact", 3, 32), torch.compile(network("adact", 3, 32)), network("adact", 3, 32)]
    for name in [name for name, _ in nets[2].named_children()]:
        if type(nets[2][int(name)]).__name__ == "Mixture":
            nets[2][int(name)] = adact.torch.AdAct()
    times = [[1e3 * step(net, 20) for net in nets] for _ in range(a.rounds)]
    eager, compiled, own = (min(column) for column in zip(*times))
    print(
        f"\nA training step of the paper's network, 3x32x32, batch 64, ms: composed {eager:.1f}, compiled {compiled:.1f}, "
        f"with AdAct {own:.1f} ({own / min(eager, compiled):.2f} of the best)."
    )


if __name__ == "__main__":
    main()
