"""Prices of houses in Boston: 506 rows of 13 numbers."""

from __future__ import annotations

from cnnfast.datasets import local

_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> local.Split:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    Parameters
    ----------
    path
        Name of the file in ``~/.keras/datasets``.
    test_split, seed
        Which part is for tests, and the order before.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If it is not Keras' file, or `test_split` is no part.
    """
    found = local.arrays("boston_housing.npz", _HASH, path)
    return local.split(found["x"], found["y"], test_split, seed)
