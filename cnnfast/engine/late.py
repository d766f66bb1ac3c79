"""Arrays that are made when they are asked for, and that nobody holds.

The kernels of a graph are such arrays: what a network reads from its file and what passes make of
it is in memory for one layer at a time, while a plan packs that layer, and of a large layer a few
rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast.variables import Float32Array, Variable

Rows: TypeAlias = Callable[[int, int], Float32Array]


@dataclass(frozen=True, eq=False)
class LateArray:
    """An array of a known shape.

    Attributes
    ----------
    make
        Returns the numbers: float32, C-contiguous.
    rows
        ``rows(first, last)`` returns rows of the last axis without making the others:
        ``make().reshape(-1, shape[-1])[first:last]``. None where it takes the whole array.
    """

    shape: tuple[int, ...]
    make: Callable[[], Float32Array]
    rows: Rows | None = None

    @property
    def source(self) -> Float32Array | Rows:
        """What a plan packs: `rows` where there is, otherwise the numbers."""
        return self.make() if self.rows is None else self.rows

    def map(
        self, function: Callable[[Float32Array], npt.NDArray[Any]], shape: tuple[int, ...]
    ) -> LateArray:
        """Return what `function` makes of the whole array: an array of `shape`."""
        return LateArray(shape, lambda: _float32(function(self.make())).reshape(shape))

    def reshape(self, *shape: int) -> LateArray:
        """Return the same numbers under another shape, every size of which is given."""
        rows = self.rows if shape[-1:] == self.shape[-1:] else None
        return LateArray(shape, lambda: self.make().reshape(shape), rows)

    def scaled(self, factors: npt.NDArray[np.float64]) -> LateArray:
        """Return the products with `factors`, of the shape of the last axes, rounded once."""
        rows = self.rows
        return LateArray(
            self.shape,
            lambda: _float32(self.make() * factors),
            None
            if rows is None or factors.ndim != 1
            else lambda first, last: _float32(rows(first, last) * factors),
        )

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.make(), dtype, copy=copy)


Weights: TypeAlias = Float32Array | LateArray


def late(weights: Weights | Variable) -> LateArray:
    """Return `weights`, as they are now, as an array that is made when it is asked for."""
    if isinstance(weights, LateArray):
        return weights
    numbers = weights.numbers() if isinstance(weights, Variable) else weights
    if isinstance(numbers, np.ndarray):
        return LateArray(weights.shape, lambda: numbers)
    return LateArray(weights.shape, numbers.read, numbers.rows)


def _float32(array: npt.NDArray[Any]) -> Float32Array:
    return np.ascontiguousarray(array, np.float32)
