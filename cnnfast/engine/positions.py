"""Which positions of an axis an operation picks: as a rule, so that sizes may stay open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cnnfast.utils.records import record

if TYPE_CHECKING:
    import numpy.typing as npt

Int32Array: TypeAlias = "npt.NDArray[np.int32]"


@record(frozen=True)
class Made:
    """What ``function(*arguments)`` returns, once every size among the arguments is a number."""

    function: Callable[..., object]
    arguments: tuple[object, ...]


class Positions:
    """Positions of an axis, in the order they are picked; -1 for a number that is filled in."""

    count: int

    @property
    def made(self) -> Made | Int32Array:
        """How they are computed."""
        raise NotImplementedError


@record(frozen=True)
class Span(Positions):
    """`count` positions from `first` on; those outside the `inputs` that there are, are filled."""

    inputs: int
    first: int
    count: int

    @property
    def made(self) -> Made:
        return Made(span, (self.inputs, self.first, self.count))


@record(frozen=True)
class Repeated(Positions):
    """Each of `inputs` positions so many times."""

    inputs: int
    times: int

    @property
    def count(self) -> int:  # type: ignore[override]
        return self.inputs * self.times

    @property
    def made(self) -> Made:
        return Made(repeated, (self.inputs, self.times))


@record(frozen=True)
class Nearest(Positions):
    """The input nearest to each of `count` outputs: ``floor((i + 0.5) * inputs / count)``."""

    inputs: int
    count: int

    @property
    def made(self) -> Made:
        return Made(nearest, (self.inputs, self.count))


@record(frozen=True, eq=False)
class Picked(Positions):
    """Positions that are listed."""

    array: Int32Array

    @property
    def count(self) -> int:  # type: ignore[override]
        return len(self.array)

    @property
    def made(self) -> Int32Array:
        return self.array


def listed(array: Int32Array, inputs: int) -> Positions:
    """Return the positions in `array`, of an axis of `inputs`, as a rule where they follow one."""
    inside = np.flatnonzero(array >= 0)
    if len(inside):
        first = int(array[inside[0]] - inside[0])
        if np.array_equal(array, span(inputs, first, len(array))):
            return Span(inputs, first, len(array))
    return Picked(array)


def span(inputs: int, first: int, count: int) -> Int32Array:
    """Return the positions of a `Span`."""
    positions = np.arange(first, first + count, dtype=np.int32)
    return np.where((positions >= 0) & (positions < inputs), positions, np.int32(-1))


def repeated(inputs: int, times: int) -> Int32Array:
    """Return the positions of a `Repeated`."""
    return np.repeat(np.arange(inputs, dtype=np.int32), times)


def nearest(inputs: int, count: int) -> Int32Array:
    """Return the positions of a `Nearest`."""
    doubled = 2 * np.arange(count, dtype=np.int64) + 1
    return (doubled * inputs // (2 * count)).astype(np.int32)
