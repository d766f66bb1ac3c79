"""Small pictures of a hundred kinds of things: 60,000 of 32 x 32 pixels."""

from __future__ import annotations

from cnnfast.datasets import local
from cnnfast.datasets.cifar10 import pictures

_FOLDER = "cifar-100-python"
_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"


def load_data(label_mode: str = "fine") -> local.Split:
    """Return ``(x_train, y_train), (x_test, y_test)``, uint8; labels are (samples, 1).

    Parameters
    ----------
    label_mode
        ``"fine"`` for 100 classes, ``"coarse"`` for 20.

    Raises
    ------
    FileNotFoundError
        If the unpacked files are not in ``~/.keras/datasets``.
    ValueError
        If `label_mode` is neither.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = cnnfast.datasets.cifar100.load_data()
    ... # doctest: +SKIP
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(
            f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.'
        )
    folder = local.folder([f"{_FOLDER}-target/{_FOLDER}", _FOLDER], _ORIGIN)
    labels = f"{label_mode}_labels".encode()
    return pictures(folder / "train", labels), pictures(folder / "test", labels)
