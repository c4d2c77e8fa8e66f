"""The networks of `adact bench step --network`, written as a user of PyTorch would write them.

Each takes `act`, which makes the activation of one place. `WORKS` says what a training step works on.
"""
import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a shortcut (He et al. 2015)."""

    def __init__(self, inputs, outputs, stride, act):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), act(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        )
        self.act = act()

    def forward(self, x):
        return self.act(self.main(x) + self.shortcut(x))


class ResNet20(nn.Module):
    def __init__(self, act):
        super().__init__()
        layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), act()], 16
        for outputs in (16, 32, 64):
            for _ in range(3):
                layers.append(Residual(inputs, outputs, 1 if inputs == outputs else 2, act))
                inputs = outputs
        self.features, self.head = nn.Sequential(*layers), nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


class Transformer(nn.Module):
    """A pre-norm block: attention and an MLP, each around a shortcut."""

    def __init__(self, dim, heads, act, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), act(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        batch, length, dim = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, dim // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.proj(mixed.transpose(1, 2).reshape(batch, length, dim))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, act, dim=128, depth=6, heads=4, patch=4):
        super().__init__()
        self.patches = nn.Conv2d(3, dim, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.zeros(1, (32 // patch) ** 2 + 1, dim))
        self.blocks = nn.Sequential(*(Transformer(dim, heads, act, causal=False) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


class GPT(nn.Module):
    def __init__(self, act, context=64, dim=128, depth=4, heads=4, vocabulary=65):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, dim), nn.Embedding(context, dim)
        self.blocks = nn.Sequential(*(Transformer(dim, heads, act, causal=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        return F.linear(self.norm(self.blocks(x)), self.tokens.weight).transpose(1, 2)


def twice(inputs, outputs, act):
    layers = []
    for i in (inputs, outputs):
        layers += [nn.Conv2d(i, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), act()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self, act, widths=(16, 32, 64, 128)):
        super().__init__()
        self.down = nn.ModuleList(twice(i, o, act) for i, o in zip((3, *widths), widths))
        steps = list(zip(widths, widths[1:]))[::-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(low, high, 2, 2) for high, low in steps)
        self.join = nn.ModuleList(twice(2 * high, high, act) for high, _ in steps)
        self.head = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        kept = []
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            kept.append(x)
        kept.pop()
        for up, join in zip(self.up, self.join):
            x = join(torch.cat([kept.pop(), up(x)], 1))
        return self.head(x)


LARGE = {"context": 256, "dim": 384, "depth": 6, "heads": 6}

# network, base activation, shape of the inputs, shape of the answers, classes, arguments of `adact bench step`
WORKS = {
    "resnet20": (ResNet20, nn.ReLU, (128, 3, 32, 32), (128,), 10, ["--network", "resnet20"]),
    "unet": (UNet, nn.ReLU, (8, 3, 128, 128), (8, 128, 128), 2, ["--network", "unet"]),
    "vit": (ViT, nn.GELU, (64, 3, 32, 32), (64,), 10, ["--network", "vit"]),
    "gpt": (GPT, nn.GELU, (12, 64), (12, 64), 65, ["--network", "gpt"]),
    "gpt-large": (
        lambda act: GPT(act, **LARGE), nn.GELU, (8, 256), (8, 256), 65,
        ["--network", "gpt", "--batch", "8", *(v for k, n in LARGE.items() for v in (f"--{k}", str(n)))],
    ),
}
