"""Small pictures of ten kinds of things: 60,000 of 32 x 32 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cnnfast.datasets import local
from cnnfast.utils import defaults

_FOLDER = "cifar-10-batches-py"
_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"


def load_data() -> local.Split:
    """Return ``(x_train, y_train), (x_test, y_test)``, uint8; labels are (samples, 1).

    Raises
    ------
    FileNotFoundError
        If the unpacked files are not in ``~/.keras/datasets``.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = cnnfast.datasets.cifar10.load_data()
    ... # doctest: +SKIP
    """
    folder = local.folder([f"{_FOLDER}-target/{_FOLDER}", _FOLDER], _ORIGIN)
    parts = [pictures(folder / f"data_batch_{number}", b"labels") for number in range(1, 6)]
    x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    return (x, y), pictures(folder / "test_batch", b"labels")


def pictures(path: Path, labels: bytes) -> tuple[local.Array, local.Array]:
    """Return the pictures of a file of CIFAR, and their labels."""
    found = local.batch(path)
    x = np.asarray(found[b"data"], np.uint8).reshape(-1, 3, 32, 32)
    if defaults.image_data_format() == "channels_last":
        x = x.transpose(0, 2, 3, 1)
    return x, np.asarray(found[labels], np.uint8)[:, None]
