"""Statistics over axes that are made of other operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call
from cnnfast.ops.pointwise.arithmetic import divide, multiply, power, subtract
from cnnfast.ops.pointwise.comparison import not_equal
from cnnfast.ops.pointwise.elementwise import NN, absolute, cast, sqrt, square
from cnnfast.ops.pointwise.functions import as_float
from cnnfast.ops.reducing import reductions
from cnnfast.ops.reducing.reductions import amax, amin, mean, var
from cnnfast.ops.shaping.pieces import ndim_of, shape_of
from cnnfast.ops.shaping.shapes import ones_like
from cnnfast.symbolic.arguments import axes, boolean, number
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnfast.symbolic.typing import Array, IntOrSequence, Tensor

LINALG = "keras.src.ops.linalg"


class OverAxes(Composite):
    """Of `axis`, batch included; a subclass gives `composed`."""

    def __init__(
        self, axis: Any = None, keepdims: bool = False, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.axis = axis
        self.keepdims = boolean(keepdims, "keepdims")

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "keepdims": self.keepdims}


class Ptp(OverAxes):
    """The distance of the largest number from the smallest."""

    def composed(self, x: Any) -> Any:
        largest, smallest = (f(x, self.axis, self.keepdims) for f in (amax, amin))
        return subtract(largest, smallest)


class Average(Composite):
    """The mean, in which each number may have a weight."""

    def __init__(self, axis: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def composed(self, x: Any, weights: Any = None) -> Any:
        if weights is None:
            return mean(x, self.axis)
        if not isinstance(weights, KerasTensor):
            weights = as_float(weights)
            if weights.ndim == 1 and ndim_of(x) > 1 and isinstance(self.axis, int):
                behind = ndim_of(x) - 1 - self.axis % ndim_of(x)
                weights = weights.reshape(-1, *(1,) * behind)
        shape = ones_like(x) if isinstance(x, KerasTensor) else np.ones(shape_of(x), np.float32)
        total = reductions.sum(multiply(as_float(x), weights), self.axis)
        return divide(total, reductions.sum(multiply(as_float(shape), weights), self.axis))

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Moments(Composite):
    """The mean and the variance over axes."""

    module = NN

    def __init__(
        self,
        axes: Any,
        keepdims: bool = False,
        synchronized: bool = False,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if synchronized:
            raise UnsupportedError(f"`synchronized` must be False. Received: {synchronized}")
        self.axes, self.keepdims = axes, boolean(keepdims, "keepdims")

    def composed(self, x: Any) -> tuple[Any, Any]:
        return mean(x, self.axes, self.keepdims), var(x, self.axes, self.keepdims)

    def _config(self) -> dict[str, Any]:
        return {"axes": self.axes, "keepdims": self.keepdims, "synchronized": False}


class Norm(Composite):
    """The norm of the vectors along one axis, or of the matrices of two."""

    module = LINALG

    def __init__(
        self, ord: Any = None, axis: Any = None, keepdims: bool = False, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.ord, self.axis = ord, axis
        self.keepdims = boolean(keepdims, "keepdims")

    def compute(self, x: Any) -> Any:
        axis: Any = None if self.axis is None else axes(self.axis, "axis")
        axis = axis[0] if axis is not None and len(axis) == 1 else axis
        return np.linalg.norm(as_float(x), self.ord, axis, self.keepdims)

    def composed(self, x: Any) -> Any:
        y = as_float(x)
        along = (None,) * ndim_of(x) if self.axis is None else axes(self.axis, "axis")
        if len(along) > 1:
            return self._of_matrices(y, along)
        size = absolute(y)
        if self.ord in (None, 2):
            return sqrt(reductions.sum(square(y), self.axis, self.keepdims))
        if self.ord in (np.inf, -np.inf):
            return (amax if self.ord > 0 else amin)(size, self.axis, self.keepdims)
        if self.ord == 0:
            return reductions.sum(cast(not_equal(y, 0), "float32"), self.axis, self.keepdims)
        order = number(self.ord, "ord")
        if order == 1:
            return reductions.sum(size, self.axis, self.keepdims)
        total = reductions.sum(power(size, order), self.axis, self.keepdims)
        return power(total, 1.0 / order)

    def _of_matrices(self, y: Any, along: Sequence[Any]) -> Any:
        if self.ord in (None, "fro"):
            return sqrt(reductions.sum(square(y), self.axis, self.keepdims))
        if self.ord not in (1, -1, np.inf, -np.inf):
            raise UnsupportedError(
                "a norm of computed matrices must be 'fro', 1, -1, inf or -inf, as singular values "
                f"are not computed. Received: ord={self.ord}"
            )
        rows, columns = along
        summed, kept = (rows, columns) if abs(self.ord) == 1 else (columns, rows)
        sums = reductions.sum(absolute(y), summed, keepdims=True)
        norm = (amax if self.ord > 0 else amin)(sums, kept, keepdims=True)
        return norm if self.keepdims else reductions.sum(norm, tuple(along))

    def _config(self) -> dict[str, Any]:
        return {"ord": self.ord, "axis": self.axis, "keepdims": self.keepdims}


def moments(
    x: Tensor, axes: IntOrSequence, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance over axes.

    Parameters
    ----------
    axes
        The batch not among them.
    keepdims
        Whether axes of size 1 stay.
    synchronized
        Must be False.
    """
    middle, variance = Moments(axes, keepdims, synchronized)(x)
    return middle, variance


def norm(
    x: Tensor,
    ord: float | str | None = None,
    axis: IntOrSequence | None = None,
    keepdims: bool = False,
) -> Tensor:
    """Return the norm of the vectors along one axis, or of the matrices of two.

    Parameters
    ----------
    ord
        Of which kind; None is the Euclidean, or Frobenius', norm.
    axis
        One axis or two, the batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Norm(ord, axis, keepdims), x)


def average(
    x: Tensor, axis: IntOrSequence | None = None, weights: Array | KerasTensor | None = None
) -> Tensor:
    """Return the mean, in which each number may have a weight.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    weights
        Of each number, or of each position of the axis.
    """
    return call(Average(axis), x, weights=weights)


def ptp(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the distance of the largest number from the smallest.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Ptp(axis, keepdims), x)
