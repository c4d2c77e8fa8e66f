"""The data sets of the command, as arrays: two of them come with the package.

`adact data list` tells which there are, and how to get the others.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adact import _native

if TYPE_CHECKING:
    import numpy


@dataclass
class Images:
    """Images to classify, as bytes from 0 to 255."""

    train: numpy.ndarray
    """To train on: uint8, (images, channels, height, width)."""
    train_labels: numpy.ndarray
    """Their classes: int64, (images,)."""
    test: numpy.ndarray
    """To test on: uint8, (images, channels, height, width)."""
    test_labels: numpy.ndarray
    """Their classes: int64, (images,)."""
    classes: list[str]
    """The names of the classes."""


def images(name: str = "fmnist-mini", data_dir: str | os.PathLike[str] | None = None) -> Images:
    """A data set of images: `fmnist-mini`, which is in the package, or one that is in the data folder, or a folder of images.

    Args:
        name: as `--dataset` of the command.
        data_dir: where the data sets lie. Default `ADACT_DATA`, then the platform's cache folder.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if there is no such data set, or its files are damaged.

    >>> import adact.datasets
    >>> data = adact.datasets.images()
    >>> data.train.shape, data.test.shape, data.classes[0]
    ((6000, 1, 28, 28), (1000, 1, 28, 28), 'T-shirt/top')
    """
    import numpy

    train, test, classes = _need("images")(name, None if data_dir is None else os.fspath(data_dir))

    def arrays(part: tuple[list[int], bytes, bytes]) -> tuple[numpy.ndarray, numpy.ndarray]:
        shape, pixels, labels = part
        pictures = numpy.frombuffer(pixels, numpy.uint8).reshape(shape).transpose(0, 3, 1, 2)
        # A copy, which may be written to, as PyTorch wants it.
        return pictures.copy(), numpy.frombuffer(labels, numpy.uint8).astype(numpy.int64)

    return Images(*arrays(train), *arrays(test), classes)


def text(name: str = "shakespeare", data_dir: str | os.PathLike[str] | None = None) -> str:
    """A text: `shakespeare`, which is in the package, or a file in UTF-8.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it is no text.

    >>> import adact.datasets
    >>> adact.datasets.text()[:14]
    'First Citizen:'
    """
    return _need("text")(name, None if data_dir is None else os.fspath(data_dir))


def _need(function: str):
    if not hasattr(_native, function):
        raise RuntimeError("this build of the package has no data sets: install the wheel")
    return getattr(_native, function)
