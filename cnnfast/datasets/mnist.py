"""Handwritten digits: 70,000 pictures of 28 x 28 pixels."""

from __future__ import annotations

from cnnfast.datasets import local

_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> local.Split:
    """Return ``(x_train, y_train), (x_test, y_test)``, uint8.

    Parameters
    ----------
    path
        Name of the file in ``~/.keras/datasets``.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    ValueError
        If it is not Keras' file.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = cnnfast.datasets.mnist.load_data()
    ... # doctest: +SKIP
    """
    found = local.arrays("mnist.npz", _HASH, path)
    return (found["x_train"], found["y_train"]), (found["x_test"], found["y_test"])
