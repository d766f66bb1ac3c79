"""Arrays that are made when they are asked for, and that nobody holds.

The kernels of a graph are such arrays: what a network reads from its file and what passes make of
it is in memory for one layer at a time, while a plan packs that layer, and of a large layer a few
rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary

import numpy as np

from cnnfast._core import Kernel
from cnnfast.utils.records import record
from cnnfast.variables import Float32Array, Variable

if TYPE_CHECKING:
    import numpy.typing as npt

Rows: TypeAlias = Callable[[int, int], Float32Array]


@record(frozen=True, eq=False)
class LateArray:
    """An array of a known shape.

    Attributes
    ----------
    make
        Returns the numbers: float32, C-contiguous.
    rows
        ``rows(first, last)`` returns rows of the last axis without making the others:
        ``make().reshape(-1, shape[-1])[first:last]``. None where it takes the whole array.
    key
        Which numbers they are and what becomes of them: arrays with equal keys and shapes, of
        which one still exists, are equal.
    numbers
        The same numbers, where they are in memory.
    """

    shape: tuple[int, ...]
    make: Callable[[], Float32Array]
    rows: Rows | None
    key: tuple[Hashable, ...]
    numbers: Float32Array | None = None

    def packable(self) -> Kernel:
        """Return what plans pack, and what they share of it."""
        if self.numbers is not None:
            return Kernel(self.numbers.reshape(self.shape), self.shape)
        if self.rows is not None:
            return Kernel(self.rows, self.shape)
        columns = self.shape[-1]
        return Kernel(lambda *_: self.make().reshape(-1, columns), self.shape, at_once=True)

    def map(
        self,
        function: Callable[[Float32Array], npt.NDArray[Any]],
        shape: tuple[int, ...],
        key: Hashable,
    ) -> LateArray:
        """Return what `function` makes of the whole array: an array of `shape`.

        `key` says what the function does: equal ones do the same.
        """
        return LateArray(
            shape,
            lambda: _float32(function(self.make())).reshape(shape),
            None,
            (*self.key, self.shape, key),
        )

    def reshape(self, *shape: int) -> LateArray:
        """Return the same numbers under another shape, every size of which is given."""
        rows = self.rows if shape[-1:] == self.shape[-1:] else None
        return LateArray(shape, lambda: self.make().reshape(shape), rows, self.key, self.numbers)

    def scaled(self, factors: npt.NDArray[np.float64]) -> LateArray:
        """Return the products with `factors`, of the shape of the last axes, rounded once.

        Of two axes the last one may be 1.
        """
        rows = self.rows

        def scaled_rows(first: int, last: int) -> Float32Array:
            assert rows is not None
            own = factors if factors.ndim == 1 else factors[np.arange(first, last) % len(factors)]
            return _float32(rows(first, last) * own)

        return LateArray(
            self.shape,
            lambda: _float32(self.make() * factors),
            None if rows is None or factors.ndim > 2 else scaled_rows,
            (*self.key, self.shape, factors.shape, factors.tobytes()),
        )

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.make(), dtype, copy=copy)


Weights: TypeAlias = "Float32Array | LateArray"


def late(weights: Weights | Variable) -> LateArray:
    """Return `weights`, as they are now, as an array that is made when it is asked for."""
    if isinstance(weights, LateArray):
        return weights
    numbers = weights.numbers() if isinstance(weights, Variable) else weights
    key = (Same(numbers),)
    if isinstance(numbers, np.ndarray):
        rows = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim else numbers.reshape(1, 1)
        return LateArray(weights.shape, lambda: numbers, lambda a, b: rows[a:b], key, numbers)
    return LateArray(weights.shape, numbers.read, numbers.rows, key)


class Same:
    """Equal to another of the very same object, which it keeps alive.

    As part of a key it lets nothing else take the object's place in memory, and so its ``id``.
    """

    def __init__(self, held: object) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._held is other._held

    def __hash__(self) -> int:
        return id(self._held)


class Kernels:
    """The kernels of a network, each once, for as long as a plan or a template has it."""

    def __init__(self) -> None:
        self._kernels: WeakValueDictionary[Hashable, Kernel] = WeakValueDictionary()

    def get(self, array: LateArray) -> Kernel:
        """Return the one kernel of these numbers under this shape."""
        key = (array.key, array.shape)
        kernel = self._kernels.get(key)
        if kernel is None:
            kernel = self._kernels[key] = array.packable()
        return kernel

    def all(self) -> list[Kernel]:
        """Return those that are in use."""
        return list(self._kernels.values())


def _float32(array: npt.NDArray[Any]) -> Float32Array:
    return np.ascontiguousarray(array, np.float32)
