"""Planes that are turned, their diagonals and halves; differences along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base import eager
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import axis_of, call, refuse_batch
from cnnfast.ops.pointwise.arithmetic import multiply, subtract
from cnnfast.ops.pointwise.comparison import where
from cnnfast.ops.pointwise.functions import as_float
from cnnfast.ops.reducing.reductions import sum as total
from cnnfast.ops.shaping.arrangement import moveaxis, reshape, swapaxes
from cnnfast.ops.shaping.selection import flip, get_item, take
from cnnfast.symbolic.arguments import axes
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, Tensor

from cnnfast.ops.shaping.pieces import along, ndim_of, shape_of


class Fliplr(Composite):
    """The second axis backwards."""

    def composed(self, x: Any) -> Any:
        return flip(x, 1)


class Flipud(Composite):
    """The first axis backwards."""

    def composed(self, x: Any) -> Any:
        return flip(x, 0)


class Rot90(Composite):
    """A plane of two axes turned by 90 degrees, `k` times, from the first axis to the second."""

    def __init__(self, k: int = 1, axes: Any = (0, 1), *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.k, self.axes = k, axes

    def composed(self, array: Any) -> Any:
        plane, rank = axes(self.axes, "axes"), len(shape_of(array))
        if len(plane) != 2 or (plane[0] - plane[1]) % rank == 0:
            raise ValueError(
                f"Invalid axes: {self.axes}. Axes must be a tuple of two different dimensions. "
                f"Received: axes={self.axes} for a tensor of {rank} axes"
            )
        first, second = plane
        turns = self.k % 4
        if not turns:
            return array
        if turns == 2:
            return flip(array, (first, second))
        if turns == 1:
            return swapaxes(flip(array, second), first, second)
        return flip(swapaxes(array, first, second), second)

    def _config(self) -> dict[str, Any]:
        return {"k": self.k, "axes": self.axes}


class Diagonal(Composite):
    """The diagonal of two axes, as the last axis."""

    def __init__(
        self, offset: int = 0, axis1: int = 0, axis2: int = 1, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.offset, self.axis1, self.axis2 = offset, axis1, axis2

    def composed(self, x: Any) -> Any:
        rank = ndim_of(x)
        pair = (self.axis1 % rank, self.axis2 % rank)
        if isinstance(x, KerasTensor) and 0 in pair:
            refuse_batch(f"axis1={self.axis1}, axis2={self.axis2}")
        y = moveaxis(x, pair, (-2, -1))
        *leading, rows, columns = shape_of(y)
        if None in (rows, columns):
            raise ValueError(f"both axes must have known sizes. Received: shape {shape_of(x)}")
        places = [
            row * columns + row + self.offset
            for row in range(rows)
            if 0 <= row + self.offset < columns
        ]
        if not places:
            raise ValueError(f"the matrix has no such diagonal. Received: offset={self.offset}")
        flat = reshape(y, (*(-1 if size is None else size for size in leading), rows * columns))
        return take(flat, places, axis=-1)

    def _config(self) -> dict[str, Any]:
        return {"offset": self.offset, "axis1": self.axis1, "axis2": self.axis2}


class Trace(Diagonal):
    """The sum of the diagonal of two axes."""

    def composed(self, x: Any) -> Any:
        return total(super().composed(x), axis=-1)


class Tril(Composite):
    """The last two axes with zeros above a diagonal."""

    lower_part = True

    def __init__(self, k: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.k = k

    def composed(self, x: Any) -> Any:
        rows, columns = shape_of(x)[-2:]
        if isinstance(x, KerasTensor) and len(x.shape) < 3:
            refuse_batch(f"a tensor of shape {x.shape}, whose matrices have the batch as an axis")
        if None in (rows, columns):
            raise ValueError(f"both axes must have known sizes. Received: shape {shape_of(x)}")
        below = np.tri(rows, columns, self.k if self.lower_part else self.k - 1, dtype=bool)
        return where(below if self.lower_part else ~below, x, False)

    def _config(self) -> dict[str, Any]:
        return {"k": self.k}


class Triu(Tril):
    """The last two axes with zeros below a diagonal."""

    lower_part = False


class Diff(Composite):
    """What each position of an axis has more than the one before, `n` times."""

    def __init__(self, n: int = 1, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.n, self.axis = n, axis

    def compute(self, a: Any) -> Any:
        return np.diff(eager.numbers(a), self.n, self.axis)

    def composed(self, a: Any) -> Any:
        if a.dtype == "bool":
            raise UnsupportedError(
                f"truths have no difference. Received: {a}", advice="Compare by `ops.not_equal`."
            )
        rank = ndim_of(a)
        axis = axis_of(self.axis, rank) if isinstance(a, KerasTensor) else self.axis % rank
        for _ in range(self.n):
            after = get_item(a, along(axis, slice(1, None), rank))
            before = get_item(a, along(axis, slice(None, -1), rank))
            a = subtract(after, before)
        return a

    def _config(self) -> dict[str, Any]:
        return {"n": self.n, "axis": self.axis}


class Trapezoid(Composite):
    """The integral along an axis, by straight lines between the positions."""

    def __init__(self, x: Any = None, dx: float = 1.0, axis: int = -1, *, name: str | None = None):
        super().__init__(name=name)
        self.x, self.dx, self.axis = x, dx, axis

    def composed(self, y: Any) -> Any:
        y, rank = as_float(y), ndim_of(y)
        axis = axis_of(self.axis, rank) if isinstance(y, KerasTensor) else self.axis % rank
        after = get_item(y, along(axis, slice(1, None), rank))
        before = get_item(y, along(axis, slice(None, -1), rank))
        steps: Any = self.dx
        if self.x is not None:
            steps = np.diff(np.asarray(self.x, np.float32))
            if steps.ndim != 1:
                raise UnsupportedError(f"`x` must have one axis. Received: shape {steps.shape}")
            steps = steps.reshape(-1, *(1,) * (rank - 1 - axis))
        return total(multiply(multiply(after + before, 0.5), steps), axis=axis)

    def _config(self) -> dict[str, Any]:
        return {"x": self.x, "dx": self.dx, "axis": self.axis}


def fliplr(x: Tensor) -> Tensor:
    """Return a tensor with its second axis backwards."""
    return call(Fliplr(), x)


def flipud(x: Tensor) -> Tensor:
    """Return an array with its first axis backwards."""
    return call(Flipud(), x)


def rot90(array: Tensor, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Return a plane turned by 90 degrees, from its first axis to its second.

    Parameters
    ----------
    k
        How often.
    axes
        The two axes of the plane, the batch not among them.
    """
    return call(Rot90(k, axes), array)


def diagonal(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return the diagonal of two axes, as the last axis.

    Parameters
    ----------
    offset
        0 is the main diagonal, above it it is positive.
    axis1, axis2
        Not the batch.
    """
    return call(Diagonal(offset, axis1, axis2), x)


def trace(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return the sum of the diagonal of two axes.

    Parameters
    ----------
    offset
        0 is the main diagonal, above it it is positive.
    axis1, axis2
        Not the batch.
    """
    return call(Trace(offset, axis1, axis2), x)


def tril(x: Tensor, k: int = 0) -> Tensor:
    """Return matrices with zeros above a diagonal.

    Parameters
    ----------
    k
        0 is the main diagonal, above it it is positive.
    """
    return call(Tril(k), x)


def triu(x: Tensor, k: int = 0) -> Tensor:
    """Return matrices with zeros below a diagonal.

    Parameters
    ----------
    k
        0 is the main diagonal, above it it is positive.
    """
    return call(Triu(k), x)


def diff(a: Tensor, n: int = 1, axis: int = -1) -> Tensor:
    """Return what each position of an axis has more than the one before.

    Parameters
    ----------
    n
        How often.
    axis
        Not the batch.
    """
    return call(Diff(n, axis), a)


def trapezoid(y: Tensor, x: Array | None = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """Return the integral along an axis, by straight lines between the positions.

    Parameters
    ----------
    x
        Where the positions are; `dx` from one to the next where None.
    dx
        A distance.
    axis
        Not the batch.
    """
    return call(Trapezoid(x, dx, axis), y)
