"""A multilayer perceptron on handwritten digits in JAX, whose mixture is a few lines of its own: the protocol of
`adact study --program` needs no library.

    pip install jax scikit-learn
    adact study --program 'python jax_mlp.py' --seeds 7 --dataset digits
"""

import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS, BATCH, WIDTH, LR = 10, 32, 64, 2e-3
PLACES = ["hidden1", "hidden2"]
CURVES = {
    "relu": jax.nn.relu,
    "elu": jax.nn.elu,
    "leaky_relu": jax.nn.leaky_relu,
    "prelu": lambda x: jnp.where(x > 0, x, 0.25 * x),  # with its first slope, which is not learned here
    "rrelu": lambda x: jnp.where(x > 0, x, 11 / 48 * x),  # with its mean slope
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "gelu": jax.nn.gelu,
    "tanh": jnp.tanh,
    "identity": lambda x: x,
}

# What to train: the activation of each place, or a mixture at each.
asked = os.environ.get("ADACT_ACTIVATION", "relu").split("+")
activations = asked * len(PLACES) if len(asked) == 1 else asked
candidates = os.environ.get("ADACT_CANDIDATES", "relu,elu,leaky_relu,prelu,rrelu,silu,mish").split(",")
seed = int(os.environ.get("ADACT_SEED", "0"))
log = Path(os.environ["ADACT_OUT"], "log.jsonl") if "ADACT_OUT" in os.environ else None

digits = load_digits()
x, x_test, y, y_test = train_test_split(digits.data / 8.0 - 1.0, digits.target, test_size=500, random_state=0)


def tell(line: dict) -> None:
    print(json.dumps(line))
    if log is not None:
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")


def act(x, place, w):
    if activations[place] != "adact":
        return CURVES[activations[place]](x)
    shares = jax.nn.softmax(w[place])
    return sum(share * CURVES[name](x) for share, name in zip(shares, candidates))


def logits(p, x):
    x = act(x @ p["w1"] + p["b1"], 0, p["mixtures"])
    x = act(x @ p["w2"] + p["b2"], 1, p["mixtures"])
    return x @ p["w3"] + p["b3"]


def loss(p, x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits(p, x)), y[:, None], 1).mean()


@jax.jit
def step(p, moments, count, x, y):
    """A step of Adam."""
    value, gradient = jax.value_and_grad(loss)(p, x, y)
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradient)
    rate = LR * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    return jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), p, m, v), (m, v), value


sizes = [x.shape[1], WIDTH, WIDTH, 10]
keys = jax.random.split(jax.random.key(seed), 4)
p = {"mixtures": jnp.zeros((len(PLACES), len(candidates)))}
for i, key in enumerate(keys[:3], start=1):
    p[f"w{i}"] = jax.random.normal(key, (sizes[i - 1], sizes[i])) * (2 / sizes[i - 1]) ** 0.5
    p[f"b{i}"] = jnp.zeros(sizes[i])
moments = (jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p))

count = 0
for epoch in range(1, EPOCHS + 1):
    order = jax.random.permutation(jax.random.fold_in(keys[3], epoch), len(x))
    total = 0.0
    for start in range(0, len(x) - BATCH + 1, BATCH):
        count += 1
        batch = order[start : start + BATCH]
        p, moments, value = step(p, moments, count, x[batch], y[batch])
        total += float(value)
    accuracy = float((logits(p, x_test).argmax(1) == y_test).mean())
    places = [
        {"place": place, "weights": p["mixtures"][i].tolist()} if activations[i] == "adact" else {"place": place, "activation": activations[i]}
        for i, place in enumerate(PLACES)
    ]
    tell({"epoch": epoch, "accuracy": accuracy, "train_loss": total / (len(x) // BATCH), "places": places})
parameters = sum(leaf.size for name, leaf in p.items() if name != "mixtures" or "adact" in activations)
tell({"done": True, "parameters": parameters, "test_examples": len(x_test)})
