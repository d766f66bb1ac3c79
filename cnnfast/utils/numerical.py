"""Numbers that scripts prepare for a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def set_random_seed(seed: int) -> None:
    """Seed Python's and NumPy's generators, and with them all initializers made afterwards."""
    import random

    random.seed(seed)
    np.random.seed(seed)
