"""Numbers that scripts prepare for a model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def to_categorical(x: npt.ArrayLike, num_classes: int | None = None) -> npt.NDArray[np.float64]:
    """Turn class numbers into rows with a single 1.

    Parameters
    ----------
    x
        Integers from 0 on, any shape; a last axis of size 1 is dropped.
    num_classes
        Size of the new last axis; the largest number plus 1 where None.

    Returns
    -------
    ndarray
        Of shape ``(*x.shape, num_classes)``.

    Raises
    ------
    ValueError
        If a number lies outside of the classes.
    """
    classes = np.asarray(x, np.int64)
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    count = int(classes.max()) + 1 if num_classes is None else num_classes
    if classes.size and not (classes.min() >= 0 and classes.max() < count):
        raise ValueError(
            f"Class numbers must lie between 0 and num_classes - 1 = {count - 1}. Received: "
            f"numbers from {classes.min()} to {classes.max()}"
        )
    return np.eye(count)[classes]


def normalize(x: npt.ArrayLike, axis: int = -1, order: int = 2) -> npt.NDArray[Any]:
    """Divide an array by its norms along an axis; what is all zeros stays so.

    Parameters
    ----------
    x
        Any shape.
    axis
        Along which it is normalized.
    order
        Of the norm: 2 is Euclid's.

    Examples
    --------
    >>> cnnfast.utils.normalize([3.0, 4.0])
    array([[0.6, 0.8]])
    """
    array = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    normalized: npt.NDArray[Any] = array / np.expand_dims(norm, axis)
    return normalized


def set_random_seed(seed: int) -> None:
    """Seed Python's and NumPy's generators, and with them all initializers made afterwards."""
    import random

    random.seed(seed)
    np.random.seed(seed)


def count_params(weights: Iterable[Any]) -> int:
    """Return how many numbers `weights` hold, what is there twice counted once.

    Examples
    --------
    >>> model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])
    >>> cnnfast.utils.data.numerical.count_params(model.weights)
    8
    """
    return sum(math.prod(weight.shape) for weight in {id(w): w for w in weights}.values())
