"""Clothes: 70,000 pictures of 28 x 28 pixels."""

from __future__ import annotations

import gzip

import numpy as np

from cnnfast.datasets import local
from cnnfast.utils.data.local_files import get_file

_STORE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_LABELS_BEGIN, _PIXELS_BEGIN = 8, 16
_SIZE = 28


def load_data() -> local.Split:
    """Return ``(x_train, y_train), (x_test, y_test)``, uint8.

    Raises
    ------
    FileNotFoundError
        If the files are not in ``~/.keras/datasets/fashion-mnist``.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = cnnfast.datasets.fashion_mnist.load_data()
    ... # doctest: +SKIP
    """
    return _part("train"), _part("t10k")


def _part(prefix: str) -> tuple[local.Array, local.Array]:
    labels = np.frombuffer(_unpacked(f"{prefix}-labels-idx1-ubyte.gz"), np.uint8)[_LABELS_BEGIN:]
    pixels = np.frombuffer(_unpacked(f"{prefix}-images-idx3-ubyte.gz"), np.uint8)[_PIXELS_BEGIN:]
    return pixels.reshape(len(labels), _SIZE, _SIZE), labels


def _unpacked(name: str) -> bytes:
    path = get_file(name, origin=_STORE + name, cache_subdir="datasets/fashion-mnist")
    with gzip.open(path, "rb") as file:
        return file.read()
