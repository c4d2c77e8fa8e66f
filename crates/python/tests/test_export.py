"""`adact export` writes what onnxruntime answers alike: trained networks of the command, all of them."""

import json
import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from adact import notebook

try:
    COMMAND = notebook._command()
except RuntimeError:
    pytest.skip("there is no command: install the wheel", allow_module_level=True)

TINY = "--epochs 1 --limit-train 128 --limit-test 64"
NETWORKS = {
    "convnet": f"{TINY}",
    "convnet-choices": f"{TINY} --activation prelu+rrelu+adact:gelu,hardswish,tanh,identity,silu+leaky_relu",
    "resnet20": f"--network resnet:1 {TINY} --granularity channel",
    "vit": f"--network vit --dim 32 --depth 2 {TINY} --activation gelu+adact",
    "unet": "--network unet --base 4 --levels 3 --side 32 --epochs 1 --limit-train 16 --limit-test 4",
    "gpt": "--network gpt --dim 32 --depth 2 --context 16 --steps 20 --limit-test 2000 --granularity channel",
}


def adact(folder, line):
    words = [*COMMAND, *line.split(" ")]
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture(params=NETWORKS)
def trained(folder, request):
    if not (folder / request.param).exists():
        adact(folder, f"train -q {NETWORKS[request.param]} --out {request.param}")
    return request.param


def session(path, folded):
    model = onnx.load(path)
    norms = sum(node.op_type == "BatchNormalization" for node in model.graph.node)
    assert norms == 0 or not folded
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 18)]
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def pictures(folder, shape):
    """Pictures as files, and as a network takes them."""
    _, channels, height, width = shape
    rng = np.random.default_rng(0)
    bytes_ = rng.integers(0, 256, (3, height, width, channels), dtype=np.uint8)
    for i, pixels in enumerate(bytes_):
        Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels).save(folder / f"{i}.png")
    return ((bytes_ / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2).astype(np.float32)


@pytest.mark.parametrize("fold", ["", " --fold-batch-norm"])
def test_onnxruntime_answers_alike(folder, trained, fold):
    out = folder / f"{trained}{len(fold)}.onnx"
    adact(folder, f"export {trained} --out {out}{fold}")
    run = session(out, bool(fold))
    meta = run.get_modelmeta().custom_metadata_map
    classes = json.loads(meta["classes"])
    if trained == "gpt":
        assert meta["network"] == "gpt"
        return follows_the_text(folder, run, classes)
    images = pictures(folder, run.get_inputs()[0].shape)
    (logits,) = run.run(None, {"images": images})
    files = " ".join(f"{i}.png" for i in range(3))
    if trained == "unet":
        adact(folder, f"predict {trained} {files} --out masks --json")
        for i in range(3):
            mask = np.asarray(Image.open(folder / f"masks/{i}-mask.png"))
            close = np.sort(logits[i], axis=0)
            sure = close[-1] - close[-2] > 1e-4
            assert (mask == logits[i].argmax(0))[sure].all() and sure.mean() > 0.99
        return
    assert meta["normalisation"] == "(byte / 255 - 0.5) / 0.5" and len(classes) == 10
    answers = [json.loads(line) for line in adact(folder, f"predict {trained} {files} --json").splitlines()]
    exp = np.exp(logits - logits.max(1, keepdims=True))
    for row, answer in zip(exp / exp.sum(1, keepdims=True), answers):
        expected = dict(answer["probabilities"])
        assert np.abs(row - [expected[name] for name in classes]).max() < 1e-5
    # The batch is open.
    assert np.allclose(run.run(None, {"images": images[:1]})[0], logits[:1], atol=1e-5)


def follows_the_text(folder, run, characters):
    """The likeliest next characters are those that the command writes."""
    text = json.loads(adact(folder, "sample gpt --prompt ROMEO: --temperature 0 --count 30 --json"))["text"]
    tokens = [characters.index(c) for c in "ROMEO:"]
    for c in text:
        (logits,) = run.run(None, {"tokens": np.array([tokens[-16:]], np.int64)})
        likeliest = logits[0, -1].argsort()[::-1]
        gap = logits[0, -1][likeliest[0]] - logits[0, -1][characters.index(c)]
        assert gap < 1e-4, (c, characters[likeliest[0]])
        tokens.append(characters.index(c))
    # What comes later changes nothing before it, and there may be several texts at once.
    both = np.array([tokens[:8], tokens[8:16]], np.int64)
    (logits,) = run.run(None, {"tokens": both})
    (start,) = run.run(None, {"tokens": both[:1, :3]})
    assert np.allclose(logits[:1, :3], start, atol=1e-5)
