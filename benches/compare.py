"""A training step of the paper's ConvNet, and of other networks, in PyTorch and in adact, in turn, on this machine's CPU.

Run:  cargo build --release && python benches/compare.py [--shape 3x32x32] [--batch 64] [--threads 2] [--rounds 2]
      python benches/compare.py activation [--elements 2097152]
      python benches/compare.py networks [--networks resnet20,unet,vit,gpt,gpt-large] [--modes eager,compile,bf16,bf16+compile]
      (needs: torch, and a C++ compiler for torch.compile)

Prints a Markdown table: medians of milliseconds, the best round of each side, and ratios to PyTorch's best mode. Both sides
take as many rounds, one after the other, so that a busy machine is busy for both.
"""
import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODES = ["eager", "channels_last", "compile", "compile+channels_last", "bf16+channels_last", "bf16+compile+channels_last"]


def cpu():
    """The processor's name."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def ours(*arguments):
    """What `adact bench` prints, one object a line."""
    command = [ROOT / "target/release/adact", "bench", *arguments, "--json"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def peer(*arguments):
    """The same from PyTorch, in a process of its own."""
    command = [sys.executable, __file__, "--peer", *arguments]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


# ---- PyTorch's side ----------------------------------------------------------------------------------------------------


def mixture():
    """The paper's module, written as a user of PyTorch would write it."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(7))
            self.prelu = nn.PReLU()

        def forward(self, x):
            p = torch.softmax(self.w, 0)
            y = p[0] * F.relu(x) + p[1] * F.elu(x) + p[2] * F.leaky_relu(x) + p[3] * self.prelu(x)
            return y + p[4] * F.rrelu(x, training=self.training) + p[5] * F.silu(x) + p[6] * F.mish(x)

    return Mixture()


def activation(name):
    from torch import nn

    return mixture() if name == "adact" else {"relu": nn.ReLU, "silu": nn.SiLU, "mish": nn.Mish}[name]()


def network(name, channels, side):
    from torch import nn

    layers = []
    for out in (32, 64, 128, 256):
        conv = nn.Conv2d(channels, out, 3, padding=1)
        nn.init.kaiming_uniform_(conv.weight, nonlinearity="relu")
        layers += [conv, nn.BatchNorm2d(out), activation(name), nn.MaxPool2d(2)]
        channels = out
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * (side // 16) ** 2, 10))


def step_seconds(run, optimizer, next_batch, steps, bf16=False):
    """The median of training steps, in seconds, after five that don't count."""
    import torch
    from torch.nn import functional as F

    times = []
    for step in range(steps + 5):
        x, y = next_batch()
        start = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = run(x)
        F.cross_entropy(logits.float(), y).backward()
        optimizer.step()
        if step >= 5:
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def peer_step(name, mode, shape, batch, steps):
    import torch

    channels, side, _ = shape
    net = network(name, channels, side)
    layout = torch.channels_last if "channels_last" in mode else torch.contiguous_format
    net = net.to(memory_format=layout)
    run = torch.compile(net) if "compile" in mode else net
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def next_batch():
        return torch.randn(batch, *shape).contiguous(memory_format=layout), torch.randint(10, (batch,))

    seconds = step_seconds(run, optimizer, next_batch, steps, "bf16" in mode)
    print(json.dumps({"activation": name, "mode": mode, "ms": 1e3 * seconds}))


def peer_network(name, activation_name, mode, steps):
    import torch

    from networks import WORKS

    make, base, shape, answers, classes, _ = WORKS[name]
    net = make(base if activation_name == "base" else mixture).train()
    is_map = len(shape) == 4
    if is_map and name != "vit":
        net = net.to(memory_format=torch.channels_last)
    run = torch.compile(net) if "compile" in mode else net
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)

    def next_batch():
        x = torch.randn(shape) if is_map else torch.randint(classes, shape)
        if is_map and name != "vit":
            x = x.contiguous(memory_format=torch.channels_last)
        return x, torch.randint(classes, answers)

    seconds = step_seconds(run, optimizer, next_batch, steps, "bf16" in mode)
    print(json.dumps({"network": name, "activation": activation_name, "mode": mode, "ms": 1e3 * seconds}))


def peer_activation(name, mode, elements, steps):
    import torch

    module = activation(name)
    run = torch.compile(module) if mode == "compile" else module
    x, gradient = torch.randn(elements, requires_grad=True), torch.randn(elements)
    times = []
    for step in range(steps + 5):
        x.grad = None
        start = time.perf_counter()
        run(x).backward(gradient)
        if step >= 5:
            times.append(time.perf_counter() - start)
    print(json.dumps({"activation": name, "mode": mode, "ms": 1e3 * statistics.median(times)}))


# ---- both sides --------------------------------------------------------------------------------------------------------


def best(results, key):
    """The smallest median of several rounds."""
    return min(r[key] for r in results)


def compare_steps(a):
    common = ["--shape", a.shape, "--batch", str(a.batch), "--threads", str(a.threads), "--steps", str(a.steps)]
    theirs, mine = {}, {}
    for _ in range(a.rounds):
        for name in ("relu", "adact"):
            mine.setdefault(name, []).extend(ours("step", "--activation", name, *common))
            for mode in MODES:
                theirs.setdefault((name, mode), []).extend(peer("step", name, mode, *common))
    print(f"Training step, {a.shape}, batch {a.batch}, {a.threads} threads of {cpu()}; ms, the best median of {a.rounds} rounds.\n")
    print("| | " + " | ".join(f"PyTorch {m}" for m in MODES) + " | adact | adact / best | adact / best f32 | adact / eager |")
    print("|---" * (len(MODES) + 5) + "|")
    for name in ("relu", "adact"):
        times = {mode: best(theirs[name, mode], "ms") for mode in MODES}
        own = best(mine[name], "ms_per_step")
        best_f32 = min(t for mode, t in times.items() if "bf16" not in mode)
        ratios = [own / t for t in (min(times.values()), best_f32, times["eager"])]
        cells = [f"{t:.1f}" for t in times.values()] + [f"**{own:.1f}**", *(f"{r:.2f}" for r in ratios)]
        print(f"| {name} | " + " | ".join(cells) + " |")
    ratio = best(mine["adact"], "ms_per_step") / best(mine["relu"], "ms_per_step")
    print(f"\nadact's AdAct step takes {ratio:.2f} times its ReLU step.")


def compare_networks(a):
    from networks import WORKS

    modes, kinds = a.modes.split(","), ("base", "adact")
    plain = [mode for mode in modes if "bf16" not in mode]
    print(f"Training step, {a.threads} threads of {cpu()}; ms, the best median of {a.rounds} rounds.\n")
    print("| | " + " | ".join(f"PyTorch {m}" for m in modes)
          + " | adact | adact bf16 | adact / best f32 | adact (bf16) / best | AdAct / base |")
    print("|---" * (len(modes) + 6) + "|")
    for name in a.networks.split(","):
        theirs, mine = {}, {}
        precisions = ["f32", "bf16"] if name.startswith("gpt") else ["f32"]
        for _ in range(a.rounds):
            for kind in kinds:
                arguments = [*WORKS[name][-1], "--activation", kind, "--threads", str(a.threads), "--steps", str(a.steps)]
                for precision in precisions:
                    mine.setdefault((kind, precision), []).extend(ours("step", *arguments, "--precision", precision))
                for mode in modes:
                    common = ["--threads", str(a.threads), "--steps", str(a.steps)]
                    theirs.setdefault((kind, mode), []).extend(peer("networks", name, kind, mode, *common))
        own = {key: best(results, "ms_per_step") for key, results in mine.items()}
        for kind in kinds:
            times = {mode: best(theirs[kind, mode], "ms") for mode in modes}
            exact, rounded = own[kind, "f32"], own.get((kind, "bf16"))
            cells = [f"{t:.1f}" for t in times.values()]
            cells += [f"**{exact:.1f}**", f"**{rounded:.1f}**" if rounded else ""]
            cells.append(f"{exact / min(times[mode] for mode in plain):.2f}")
            # Against the best of all modes with the best of ours.
            cells.append(f"{(rounded or exact) / min(times.values()):.2f}")
            cells.append(f"{exact / own['base', 'f32']:.2f}" if kind == "adact" else "")
            print(f"| {name}, {kind} | " + " | ".join(cells) + " |", flush=True)


def compare_activations(a):
    common = ["--elements", str(a.elements), "--threads", str(a.threads)]
    names, theirs, mine = ("relu", "silu", "mish", "adact"), {}, {}
    for _ in range(a.rounds):
        for result in ours("activation", *common):
            mine.setdefault(result["activation"], []).append(result)
        for name in names:
            for mode in ("eager", "compile"):
                theirs.setdefault((name, mode), []).extend(peer("activation", name, mode, *common, "--steps", str(a.steps)))
    print(f"Forward and backward of {a.elements:,} elements, {a.threads} threads of {cpu()}; ms, the best median of {a.rounds} rounds.\n")
    print("| | PyTorch eager | PyTorch compiled | adact | adact / compiled |\n|---|---|---|---|---|")
    for name in names:
        eager, compiled = (best(theirs[name, mode], "ms") for mode in ("eager", "compile"))
        own = best(mine[name], "forward_backward_ms")
        print(f"| {name} | {eager:.2f} | {compiled:.2f} | **{own:.2f}** | {own / compiled:.2f} |")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("work", nargs="?", default="step", choices=["step", "activation", "networks"])
    p.add_argument("peer", nargs="*", help=argparse.SUPPRESS)
    p.add_argument("--peer", dest="is_peer", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--shape", default="3x32x32")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, default=30)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--elements", type=int, default=2_097_152)
    p.add_argument("--networks", default="resnet20,unet,vit,gpt,gpt-large")
    p.add_argument("--modes", default="eager,compile,bf16,bf16+compile")
    a = p.parse_intermixed_args()
    if not a.is_peer:
        return {"step": compare_steps, "activation": compare_activations, "networks": compare_networks}[a.work](a)
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(a.threads)
    if a.work == "networks":
        return peer_network(*a.peer, a.steps)
    name, mode = a.peer
    if a.work == "step":
        peer_step(name, mode, tuple(map(int, a.shape.split("x"))), a.batch, a.steps)
    else:
        peer_activation(name, mode, a.elements, a.steps)


if __name__ == "__main__":
    main()
