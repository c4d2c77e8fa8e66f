"""A small convolutional network on Fashion-MNIST (mini), in PyTorch: alone, or studied.

    python cnn.py
    adact study --program 'python cnn.py' --seeds 7 --dataset fmnist-mini
"""

import argparse

import torch
from torch import nn
from torch.nn import functional as F

import adact
import adact.datasets

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--batch", type=int, default=64)
options = parser.parse_args()

run = adact.run()
torch.manual_seed(run.seed)
if run.threads:
    torch.set_num_threads(run.threads)

data = adact.datasets.images("fmnist-mini")
x, x_test = (torch.from_numpy(part).float() / 127.5 - 1 for part in (data.train, data.test))
y, y_test = torch.from_numpy(data.train_labels), torch.from_numpy(data.test_labels)


def block(channels: int, out: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]


model = nn.Sequential(*block(1, 32), *block(32, 64), *block(64, 128), nn.Flatten(), nn.Linear(128 * 9, 10))
model = run.activate(model)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)

for epoch in range(1, options.epochs + 1):
    model.train()
    losses = []
    for batch in torch.randperm(len(x)).split(options.batch):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        right = sum((model(part).argmax(1) == answers).sum().item() for part, answers in zip(x_test.split(250), y_test.split(250)))
    run.log(epoch, accuracy=right / len(x_test), train_loss=sum(losses) / len(losses))
run.done(test_examples=len(x_test))
