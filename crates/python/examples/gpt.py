"""A language model of characters on Shakespeare, in PyTorch, after nanoGPT's recipe for a CPU: alone, or studied.

    python gpt.py
    adact study --program 'python gpt.py --steps 1000' --dataset shakespeare --metric loss --seeds 8 --variants adact,optimized,gelu,relu
"""

import argparse
import math

import torch
from torch import nn
from torch.nn import functional as F

import adact
import adact.datasets

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=2000)
parser.add_argument("--eval-every", type=int, default=250)
options = parser.parse_args()
CONTEXT, BATCH, DIM, DEPTH, HEADS = 64, 12, 128, 4, 4
LR, MIN_LR, WARMUP = 1e-3, 1e-4, 100

run = adact.run()
torch.manual_seed(run.seed)
if run.threads:
    torch.set_num_threads(run.threads)

text = adact.datasets.text("shakespeare")
characters = sorted(set(text))
tokens = torch.tensor([characters.index(c) for c in characters])[torch.tensor(list(map(characters.index, text)))]
train, validation = tokens[: len(tokens) * 9 // 10], tokens[len(tokens) * 9 // 10 :]


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM, bias=False), nn.LayerNorm(DIM, bias=False)
        self.qkv, self.proj = nn.Linear(DIM, 3 * DIM, bias=False), nn.Linear(DIM, DIM, bias=False)
        self.mlp = nn.Sequential(nn.Linear(DIM, 4 * DIM, bias=False), nn.GELU(), nn.Linear(4 * DIM, DIM, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, 2))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = x + self.proj(attended)
        return x + self.mlp(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(len(characters), DIM), nn.Embedding(CONTEXT, DIM)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm, self.head = nn.LayerNorm(DIM, bias=False), nn.Linear(DIM, len(characters), bias=False)
        self.head.weight = self.tokens.weight
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                residual = name.endswith(("proj.weight", "mlp.2.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * DEPTH) if residual else 0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.tokens(x) + self.positions.weight[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def loss_of(windows: torch.Tensor) -> torch.Tensor:
    """The mean loss of windows of one character more than the context."""
    return F.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def rate(step: int) -> float:
    if step < WARMUP:
        return LR * (step + 1) / (WARMUP + 1)
    part = (step - WARMUP) / max(1, options.steps - WARMUP)
    return MIN_LR + (LR - MIN_LR) * (1 + math.cos(math.pi * part)) / 2


model = run.activate(Gpt())
matrices = [p for p in model.parameters() if p.dim() == 2]
others = [p for p in model.parameters() if p.dim() != 2]
groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.99))
every_window = validation[: (len(validation) - 1) // CONTEXT * CONTEXT + 1].unfold(0, CONTEXT + 1, CONTEXT)

losses = []
for step in range(options.steps):
    for group in optimizer.param_groups:
        group["lr"] = rate(step)
    starts = torch.randint(len(train) - CONTEXT, (BATCH,))
    optimizer.zero_grad()
    loss = loss_of(torch.stack([train[i : i + CONTEXT + 1] for i in starts]))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
    if (step + 1) % options.eval_every == 0 or step + 1 == options.steps:
        model.eval()
        with torch.no_grad():
            judged = [loss_of(part).item() * len(part) for part in every_window.split(128)]
        model.train()
        epoch = math.ceil((step + 1) / options.eval_every)
        run.log(epoch, loss=sum(judged) / len(every_window), train_loss=sum(losses) / len(losses))
        losses.clear()
run.done()
