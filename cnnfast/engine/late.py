"""Arrays that are made when they are asked for, and that nobody holds.

The kernels of a graph are such arrays: what a network reads from its file and what passes make of
it is in memory for one layer at a time, while a plan packs that layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast.variables import Float32Array, Variable


@dataclass(frozen=True, eq=False)
class LateArray:
    """An array of a known shape.

    Attributes
    ----------
    make
        Returns the numbers: float32, C-contiguous.
    """

    shape: tuple[int, ...]
    make: Callable[[], Float32Array]

    def map(
        self, function: Callable[[Float32Array], npt.NDArray[Any]], shape: tuple[int, ...]
    ) -> LateArray:
        """Return what `function` makes of the numbers: an array of `shape`."""

        def make() -> Float32Array:
            return np.ascontiguousarray(function(self.make()), np.float32).reshape(shape)

        return LateArray(shape, make)

    def reshape(self, *shape: int) -> LateArray:
        """Return the same numbers under another shape, every size of which is given."""
        return self.map(lambda array: array, shape)

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.make(), dtype, copy=copy)


Weights: TypeAlias = Float32Array | LateArray


def late(weights: Weights | Variable) -> LateArray:
    """Return `weights` as an array that is made when it is asked for."""
    if isinstance(weights, LateArray):
        return weights
    if isinstance(weights, Variable):
        return LateArray(weights.shape, weights.numpy)
    return LateArray(weights.shape, lambda: weights)
