"""Quantiles, and statistics that leave NaN out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call
from cnnfast.ops.pointwise.arithmetic import divide, subtract
from cnnfast.ops.pointwise.comparison import isnan, where
from cnnfast.ops.pointwise.elementwise import cast, sqrt, square
from cnnfast.ops.pointwise.functions import as_float, is_whole
from cnnfast.ops.reducing import reductions
from cnnfast.ops.reducing.reductions import amax, amin
from cnnfast.ops.reducing.statistics import OverAxes
from cnnfast.ops.shaping.ordering import one_axis
from cnnfast.ops.shaping.ordering import sort as sorted_along
from cnnfast.ops.shaping.pieces import ndim_of, shape_of
from cnnfast.ops.shaping.selection import take
from cnnfast.symbolic.arguments import axes, boolean

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, IntOrSequence, Tensor

QuantileMethod = Literal["linear", "lower", "higher", "midpoint", "nearest"]


class Quantile(Composite):
    """What a part of the numbers along an axis do not exceed."""

    computed: ClassVar[Any] = np.quantile
    whole: ClassVar[float] = 1.0

    def __init__(
        self,
        axis: Any = None,
        method: QuantileMethod = "linear",
        keepdims: bool = False,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.axis, self.method = axis, method
        self.keepdims = boolean(keepdims, "keepdims")

    def compute(self, x: Any, q: Any) -> Any:
        axis = None if self.axis is None else axes(self.axis, "axis")
        return type(self).computed(
            as_float(x), np.asarray(q, np.float32), axis, method=self.method, keepdims=self.keepdims
        )

    def composed(self, x: Any, q: Any) -> Any:
        parts = np.asarray(q, np.float64) / self.whole
        if parts.ndim:
            raise UnsupportedError(
                f"`q` must be one number, as several would come before the batch. Received: q={q}"
            )
        along = (None,) if self.axis is None else axes(self.axis, "axis")
        if len(along) > 1:
            raise UnsupportedError(f"`axis` must be one axis. Received: axis={self.axis}")
        axis = one_axis(along[0], ndim_of(x))
        size = shape_of(x)[axis]
        if size is None:
            raise ValueError(f"the axis must have a known size. Received: shape {shape_of(x)}")
        ordered = sorted_along(as_float(x), axis)
        place = float(parts) * (size - 1)
        low, high = int(np.floor(place)), int(np.ceil(place))
        if self.method == "nearest":
            low = high = int(np.round(place))
        weight = {"lower": 0.0, "higher": 1.0, "midpoint": 0.5}.get(self.method, place - low)
        first, second = (take(ordered, [at], axis) for at in (low, high))
        y: Any = first if low == high else first * (1.0 - weight) + second * weight
        # NaN, which is the last, makes NaN of all.
        y = where(isnan(take(ordered, [size - 1], axis)), float("nan"), y)
        return y if self.keepdims else reductions.sum(y, axis)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "method": self.method, "keepdims": self.keepdims}


class Percentile(Quantile):
    """What so many of a hundred numbers along an axis do not exceed."""

    computed = np.percentile
    whole = 100.0


class Median(OverAxes):
    """What half of the numbers along an axis do not exceed."""

    def composed(self, x: Any) -> Any:
        return Quantile(self.axis, keepdims=self.keepdims)(x, 0.5)


class _WithoutNan(OverAxes):
    """A statistic that leaves NaN out; a subclass says which, and what stands in its place."""

    of: ClassVar[Any]
    instead: ClassVar[float]

    def composed(self, x: Any) -> Any:
        y = x if is_whole(x) else where(isnan(x), self.instead, x)
        return type(self).of(y, self.axis, self.keepdims)


class Nansum(_WithoutNan):
    """The sum of all numbers but NaN."""

    of = staticmethod(reductions.sum)
    instead = 0.0


class Nanprod(_WithoutNan):
    """The product of all numbers but NaN."""

    of = staticmethod(reductions.prod)
    instead = 1.0


class _NanExtreme(_WithoutNan):
    def composed(self, x: Any) -> Any:
        if is_whole(x):
            return super().composed(x)
        nothing = amin(isnan(x), self.axis, self.keepdims)
        return where(nothing, float("nan"), super().composed(x))


class Nanmax(_NanExtreme):
    """The largest of all numbers but NaN."""

    of = staticmethod(amax)
    instead = -np.inf


class Nanmin(_NanExtreme):
    """The smallest of all numbers but NaN."""

    of = staticmethod(amin)
    instead = np.inf


class Nanmean(_WithoutNan):
    """The mean of all numbers but NaN."""

    def composed(self, x: Any) -> Any:
        numbers = cast(isnan(x) == 0, "float32")
        known: Any = where(isnan(x), 0.0, x)
        total = reductions.sum(known, self.axis, self.keepdims)
        return divide(total, reductions.sum(numbers, self.axis, self.keepdims))


class Nanvar(_WithoutNan):
    """The variance of all numbers but NaN."""

    def composed(self, x: Any) -> Any:
        distance = subtract(x, Nanmean(self.axis, keepdims=True)(x))
        return Nanmean(self.axis, self.keepdims)(square(distance))


class Nanstd(Nanvar):
    """The square root of the variance of all numbers but NaN."""

    def composed(self, x: Any) -> Any:
        return sqrt(super().composed(x))


def quantile(
    x: Tensor,
    q: float | Array,
    axis: IntOrSequence | None = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
) -> Tensor:
    """Return what a part of the numbers along an axis do not exceed.

    Parameters
    ----------
    q
        Which part, from 0 to 1.
    axis
        Not the batch; None, all axes, of arrays only.
    method
        What it is between two numbers.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Quantile(axis, method, keepdims), x, q)


def percentile(
    x: Tensor,
    q: float | Array,
    axis: IntOrSequence | None = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
) -> Tensor:
    """Return what so many of a hundred numbers along an axis do not exceed.

    Parameters
    ----------
    q
        How many, from 0 to 100.
    axis
        Not the batch; None, all axes, of arrays only.
    method
        What it is between two numbers.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Percentile(axis, method, keepdims), x, q)


def median(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return what half of the numbers along an axis do not exceed.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Median(axis, keepdims), x)


def nansum(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the sum of all numbers but NaN.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Nansum(axis, keepdims), x)


def nanprod(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the product of all numbers but NaN.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Nanprod(axis, keepdims), x)


def nanmax(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the largest of all numbers but NaN.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Nanmax(axis, keepdims), x)


def nanmin(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the smallest of all numbers but NaN.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Nanmin(axis, keepdims), x)


def nanmean(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the mean of all numbers but NaN.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Nanmean(axis, keepdims), x)


def nanvar(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the variance of all numbers but NaN.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Nanvar(axis, keepdims), x)


def nanstd(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the square root of the variance of all numbers but NaN.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Nanstd(axis, keepdims), x)
