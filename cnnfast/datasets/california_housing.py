"""Prices of houses in California: 20,640 rows of 8 numbers."""

from __future__ import annotations

from cnnfast.datasets import local

_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_SMALL = 600


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> local.Split:
    """Return ``(x_train, y_train), (x_test, y_test)``.

    Parameters
    ----------
    version
        ``"large"``, or ``"small"`` for the first 600 rows.
    path
        Name of the file in ``~/.keras/datasets``.
    test_split, seed
        Which part is for tests, and the order before.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If it is not Keras' file, or an argument is illegal.
    """
    if version not in ("large", "small"):
        raise ValueError(
            f"Argument `version` must be one of 'small', 'large'. Received: version={version}"
        )
    found = local.arrays("california_housing.npz", _HASH, path)
    rows = slice(_SMALL if version == "small" else None)
    return local.split(found["x"][rows], found["y"][rows], test_split, seed)
