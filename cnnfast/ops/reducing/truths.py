"""Whether all numbers along axes are true, some, or how many."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call
from cnnfast.ops.pointwise.comparison import not_equal
from cnnfast.ops.pointwise.elementwise import cast
from cnnfast.ops.reducing import reductions
from cnnfast.ops.reducing.reductions import amax, amin

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import IntOrSequence, Tensor


from cnnfast.ops.reducing.statistics import OverAxes


class Any(OverAxes):
    """Whether one number or more is not 0."""

    def composed(self, x: typing.Any) -> typing.Any:
        return amax(not_equal(x, 0), self.axis, self.keepdims)


class All(OverAxes):
    """Whether all numbers are not 0."""

    def composed(self, x: typing.Any) -> typing.Any:
        return amin(not_equal(x, 0), self.axis, self.keepdims)


class CountNonzero(Composite):
    """How many numbers are not 0."""

    def __init__(self, axis: typing.Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def composed(self, x: typing.Any) -> typing.Any:
        return reductions.sum(cast(not_equal(x, 0), "int32"), self.axis)

    def _config(self) -> dict[str, typing.Any]:
        return {"axis": self.axis}


def count_nonzero(x: Tensor, axis: IntOrSequence | None = None) -> Tensor:
    """Return how many numbers are not 0.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    """
    return call(CountNonzero(axis), x)


def any(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return whether one number or more is not 0.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Any(axis, keepdims), x)


def all(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return whether all numbers are not 0.

    Parameters
    ----------
    axis
        The batch not among them; None, all axes, of arrays only.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(All(axis, keepdims), x)
