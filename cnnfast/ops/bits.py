"""Functions of the bits of integers, in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnfast.ops.arrays import of_arrays
from cnnfast.ops.base import eager

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.symbolic.typing import Array


@of_arrays
def bitwise_and(x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Return the bits that both have."""
    return np.asarray(np.bitwise_and(*eager.together(x, y)))


@of_arrays
def bitwise_or(x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Return the bits that one or both have."""
    return np.asarray(np.bitwise_or(*eager.together(x, y)))


@of_arrays
def bitwise_xor(x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Return the bits that just one has."""
    return np.asarray(np.bitwise_xor(*eager.together(x, y)))


@of_arrays
def bitwise_left_shift(x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Return bits moved to the left."""
    return np.asarray(np.left_shift(*eager.together(x, y)))


@of_arrays
def bitwise_right_shift(x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Return bits moved to the right."""
    return np.asarray(np.right_shift(*eager.together(x, y)))


@of_arrays
def bitwise_invert(x: npt.ArrayLike) -> Array:
    """Return the bits that a number does not have."""
    return np.asarray(np.invert(eager.numbers(x)))
