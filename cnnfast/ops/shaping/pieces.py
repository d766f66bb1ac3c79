"""Pieces of tensors, taken, put together and turned: made of other operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base import eager
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import axis_of, call, is_tensor, refuse_batch
from cnnfast.ops.pointwise.comparison import where
from cnnfast.ops.pointwise.functions import CORE
from cnnfast.ops.shaping.arrangement import expand_dims
from cnnfast.ops.shaping.joining import concatenate, split
from cnnfast.ops.shaping.selection import get_item, pad
from cnnfast.symbolic.arguments import integer
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import IntOrSequence, OpenSizes, Tensor


def ndim_of(x: Any) -> int:
    """Return how many axes a tensor has, its batch included."""
    return len(x.shape) if isinstance(x, KerasTensor) else eager.numbers(x).ndim


def shape_of(x: Any) -> tuple[Any, ...]:
    """Return the shape of a tensor or of numbers; a batch is None."""
    return x.shape if isinstance(x, KerasTensor) else eager.numbers(x).shape


def along(axis: int, at: slice | int, rank: int) -> tuple[Any, ...]:
    """Return the key that takes `at` along an axis."""
    return tuple(at if place == axis else slice(None) for place in range(rank))


class Slice(Composite):
    """So many positions of each axis from a first one on."""

    module = CORE

    def __init__(self, shape: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.shape = list(shape)

    def composed(self, inputs: Any, start_indices: Any) -> Any:
        if is_tensor(start_indices) or any(is_tensor(s) for s in start_indices):
            raise UnsupportedError(
                f"`start_indices` must be numbers. Received: {start_indices}",
                advice="Take positions that are computed by `ops.take_along_axis`.",
            )
        starts = [integer(start) for start in np.asarray(start_indices).tolist()]
        known = shape_of(inputs)
        if len(starts) != len(known) or len(self.shape) != len(known):
            raise ValueError(
                f"`start_indices` and `shape` must have {len(known)} items. Received: "
                f"start_indices={starts}, shape={self.shape}"
            )
        key = []
        for axis, (start, size, own) in enumerate(zip(starts, self.shape, known, strict=True)):
            all_of_it = isinstance(size, BatchSize) or size is None or size == -1
            if axis == 0 and isinstance(inputs, KerasTensor):
                other = isinstance(size, BatchSize) and size.parts != inputs.parts
                if start or other or not (all_of_it or size == own):
                    refuse_batch(f"start_indices={starts}, shape={self.shape}")
                key.append(slice(None))
                continue
            # As in JAX, a slice that would end behind the axis begins earlier.
            if own is not None and not all_of_it:
                start = max(min(start, own - integer(size)), 0)  # noqa: PLW2901
            key.append(slice(start, None if all_of_it else start + integer(size)))
        return get_item(inputs, tuple(key))

    def _config(self) -> dict[str, Any]:
        return {"shape": [None if isinstance(s, BatchSize) else s for s in self.shape]}


class SliceUpdate(Composite):
    """A tensor with another in its place from a first position of each axis on."""

    module = CORE

    def composed(self, inputs: Any, start_indices: Any, updates: Any) -> Any:
        starts = [integer(start) for start in np.asarray(start_indices).tolist()]
        outer, inner = shape_of(inputs), shape_of(updates)
        if (
            len(starts) != len(outer)
            or len(inner) != len(outer)
            or None in (*outer[1:], *inner[1:])
        ):
            raise ValueError(
                "`inputs` and `updates` must have the same axes, of known sizes, and "
                f"`start_indices` an item for each. Received: shapes {outer} and {inner}, "
                f"start_indices={starts}"
            )
        drawn = isinstance(inputs, KerasTensor) or isinstance(updates, KerasTensor)
        if drawn and starts[0]:
            refuse_batch(f"start_indices={starts}")
        first = 1 if drawn else 0
        places = [
            max(min(start, size - own), 0)
            for start, size, own in zip(starts[first:], outer[first:], inner[first:], strict=True)
        ]
        inside = np.zeros((1, *outer[1:]) if drawn else outer, bool)
        spans = [slice(p, p + own) for p, own in zip(places, inner[first:], strict=True)]
        inside[(slice(None), *spans) if drawn else tuple(spans)] = True
        widths = [
            (p, size - own - p)
            for p, size, own in zip(places, outer[first:], inner[first:], strict=True)
        ]
        moved = pad(updates, [(0, 0), *widths] if drawn else widths)
        return where(inside, moved, inputs)


class Unstack(Composite):
    """A list of the positions of an axis, without it."""

    module = CORE

    def __init__(self, num: int | None = None, axis: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.num, self.axis = num, axis

    def composed(self, x: Any) -> list[Any]:
        shape = shape_of(x)
        axis = axis_of(self.axis, len(shape)) if is_tensor(x) else self.axis % len(shape)
        count = shape[axis]
        if count is None or self.num not in (None, count):
            raise ValueError(
                f"the axis must have a known size, and `num` be that. Received: shape {shape}, "
                f"axis={self.axis}, num={self.num}"
            )
        return [get_item(x, along(axis, place, len(shape))) for place in range(count)]

    def _config(self) -> dict[str, Any]:
        return {"num": self.num, "axis": self.axis}


class ArraySplit(Composite):
    """A list of so many parts along an axis, the first ones larger by one where they must."""

    def __init__(self, indices_or_sections: Any, axis: int = 0, *, name: str | None = None):
        super().__init__(name=name)
        self.indices_or_sections, self.axis = indices_or_sections, axis

    def composed(self, x: Any) -> list[Any]:
        cuts = self.indices_or_sections
        if isinstance(cuts, int):
            size = shape_of(x)[self.axis]
            if size is None:
                raise ValueError(f"the axis must have a known size. Received: {shape_of(x)}")
            each, larger = divmod(size, cuts)
            ends = np.cumsum([each + (part < larger) for part in range(cuts)])
            cuts = [int(end) for end in ends[:-1]]
        return split(x, list(cuts), self.axis)

    def _config(self) -> dict[str, Any]:
        return {"indices_or_sections": self.indices_or_sections, "axis": self.axis}


class _SplitAlong(Composite):
    axis = 0

    def __init__(self, indices_or_sections: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.indices_or_sections = indices_or_sections

    def composed(self, x: Any) -> list[Any]:
        return split(x, self.indices_or_sections, self._axis(x))

    def _axis(self, x: Any) -> int:
        return self.axis

    def _config(self) -> dict[str, Any]:
        return {"indices_or_sections": self.indices_or_sections}


class Vsplit(_SplitAlong):
    """A list of parts along the first axis."""


class Hsplit(_SplitAlong):
    """A list of parts along the second axis, or the only one."""

    def _axis(self, x: Any) -> int:
        return 0 if ndim_of(x) == 1 else 1


class Dsplit(_SplitAlong):
    """A list of parts along the third axis."""

    axis = 2


class Append(Composite):
    """Two tensors one behind the other along an axis."""

    def __init__(self, axis: int | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x1: Any, x2: Any) -> Any:
        first, second = eager.together(x1, x2)
        return np.append(first, second, axis=self.axis)

    def composed(self, x1: Any, x2: Any) -> Any:
        if self.axis is None:
            refuse_batch("axis=None, which lays out all numbers as one axis")
        return concatenate([x1, x2], self.axis)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Hstack(Composite):
    """Tensors one behind the other along the second axis, or the only one."""

    def composed(self, xs: Any) -> Any:
        return concatenate(xs, 0 if ndim_of(xs[0]) == 1 else 1)


class Vstack(Composite):
    """Arrays one behind the other along the first axis."""

    def composed(self, xs: Any) -> Any:
        return concatenate([expand_dims(x, 0) if ndim_of(x) < 2 else x for x in xs], 0)


class Dstack(Composite):
    """Tensors one behind the other along the third axis."""

    def compute(self, xs: Any) -> Any:
        return np.dstack(eager.together(*xs))

    def composed(self, xs: Any) -> Any:
        return concatenate([expand_dims(x, 2) if ndim_of(x) == 2 else x for x in xs], 2)


def slice_(inputs: Tensor, start_indices: Sequence[int], shape: OpenSizes) -> Tensor:
    """Return so many positions of each axis from a first one on.

    Parameters
    ----------
    start_indices
        The first position of each axis, batch included, where it is 0.
    shape
        How many of each; of the batch `cnnfast.ops.shape(x)[0]`, None or -1: all.

    Examples
    --------
    >>> cnnfast.ops.slice(np.array([[1.0, 2.0, 3.0]]), (0, 1), (1, 2))
    array([[2., 3.]], dtype=float32)
    """
    return call(Slice(shape), inputs, start_indices)


def slice_update(inputs: Tensor, start_indices: Sequence[int], updates: Tensor) -> Tensor:
    """Return a tensor with another in its place from a first position of each axis on.

    Parameters
    ----------
    start_indices
        The first position of each axis, batch included, where it is 0.
    updates
        With the axes of `inputs`, and no larger.
    """
    return call(SliceUpdate(), inputs, start_indices, updates)


def unstack(x: Tensor, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """Return a list of the positions of an axis, without it.

    Parameters
    ----------
    num
        How many there are, or None.
    axis
        Not the batch.
    """
    parts: list[Tensor] = Unstack(num, axis)(x)
    return parts


def array_split(x: Tensor, indices_or_sections: IntOrSequence, axis: int = 0) -> list[Tensor]:
    """Return a list of so many parts along an axis, the first ones larger by one where they must.

    Parameters
    ----------
    indices_or_sections
        How many parts, or where to cut.
    axis
        Not the batch.
    """
    parts: list[Tensor] = ArraySplit(indices_or_sections, axis)(x)
    return parts


def hsplit(x: Tensor, indices_or_sections: IntOrSequence) -> list[Tensor]:
    """Return a list of parts along the second axis, or the only one.

    Parameters
    ----------
    indices_or_sections
        How many parts of the same size, or where to cut.
    """
    parts: list[Tensor] = Hsplit(indices_or_sections)(x)
    return parts


def vsplit(x: Tensor, indices_or_sections: IntOrSequence) -> list[Tensor]:
    """Return a list of parts of an array along its first axis.

    Parameters
    ----------
    indices_or_sections
        How many parts of the same size, or where to cut.
    """
    parts: list[Tensor] = Vsplit(indices_or_sections)(x)
    return parts


def dsplit(x: Tensor, indices_or_sections: IntOrSequence) -> list[Tensor]:
    """Return a list of parts along the third axis.

    Parameters
    ----------
    indices_or_sections
        How many parts of the same size, or where to cut.
    """
    parts: list[Tensor] = Dsplit(indices_or_sections)(x)
    return parts


def append(x1: Tensor, x2: Tensor, axis: int | None = None) -> Tensor:
    """Return two tensors one behind the other along an axis.

    Parameters
    ----------
    axis
        Not the batch; None, all axes as one, of arrays only.
    """
    return call(Append(axis), x1, x2)


def hstack(xs: Sequence[Tensor]) -> Tensor:
    """Return tensors one behind the other along the second axis, or the only one."""
    return call(Hstack(), xs)


def vstack(xs: Sequence[Tensor]) -> Tensor:
    """Return arrays one behind the other along the first axis."""
    return call(Vstack(), xs)


def dstack(xs: Sequence[Tensor]) -> Tensor:
    """Return tensors one behind the other along the third axis."""
    return call(Dstack(), xs)
