"""Operations that join tensors or take them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.eager import promoted
from cnnfast.ops.base.operation import (
    Operation,
    axis_of,
    batch_shape,
    call,
    is_tensor,
    rank_of,
    spec_of,
    value_of,
)
from cnnfast.symbolic.arguments import axes, integer
from cnnfast.symbolic.batch_size import in_sizes, joined_sizes
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import IntOrSequence, Tensor

_MOST_PARTS = 2**12  # of a split; each is a tensor


class Concatenate(Operation):
    """Tensors one behind the other along `axis`, batch included."""

    def __init__(self, axis: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, xs: Any) -> Any:
        return np.concatenate(eager.together(*xs), axis=self.axis)

    def compute_output_spec(self, xs: Sequence[Any]) -> KerasTensor:
        shapes = _shapes(xs)
        axis = axis_of(self.axis, len(shapes[0]))
        sizes = list(_common(shapes, axis))
        parts = [shape[axis] for shape in shapes]
        sizes[axis] = None if None in parts else sum(part or 0 for part in parts)
        return KerasTensor(sizes, promoted(*xs))

    def lower(self, graph: Graph, xs: Sequence[Any]) -> Value:
        rank = rank_of(xs)
        axis = axis_of(self.axis, rank)
        _common(_shapes(xs), axis)
        return append.concat(graph, [value_of(graph, x, rank) for x in xs], axis - 1)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Stack(Operation):
    """Tensors one behind the other along a new axis at `axis`, batch included."""

    def __init__(self, axis: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any) -> Any:
        return np.stack(eager.together(*x), axis=self.axis)

    def compute_output_spec(self, xs: Sequence[Any]) -> KerasTensor:
        sizes = list(_common(_shapes(xs), None))
        sizes.insert(axis_of(self.axis, len(sizes) + 1), len(xs))
        return KerasTensor(sizes, promoted(*xs))

    def lower(self, graph: Graph, xs: Sequence[Any]) -> Value:
        rank = rank_of(xs)
        axis = axis_of(self.axis, rank + 1) - 1
        _common(_shapes(xs), None)
        values = [value_of(graph, x, rank) for x in xs]
        parts = [append.reshape(graph, x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in values]
        return append.concat(graph, parts, axis)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Split(Operation):
    """A list of parts along `axis`: so many of the same size, or cut at a list of positions."""

    def __init__(self, indices_or_sections: Any, axis: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.indices_or_sections = indices_or_sections
        self.axis = axis

    def compute(self, x: Any) -> Any:
        array, axis = eager.numbers(x), integer(self.axis)
        edges = self._parts(array.shape[axis])
        return [np.take(array, np.arange(*edge), axis=axis) for edge in edges]

    def _parts(self, size: int | None) -> list[tuple[int, int]]:
        """Return where each part begins and ends."""
        if size is None:
            raise UnsupportedError(
                "an axis to be split must have a known size. Received: an axis of any size"
            )
        cuts = self.indices_or_sections
        if isinstance(cuts, list | tuple):
            places = [integer(cut) for cut in cuts]
            places = [min(max(p + size if p < 0 else p, 0), size) for p in places]
        else:
            (count,) = axes(cuts, "indices_or_sections")
            if count < 1 or size % count:
                raise ValueError(
                    f"the {size} positions cannot be split evenly. Received: {count} parts"
                )
            if count > _MOST_PARTS:
                raise ValueError(f"at most {_MOST_PARTS} parts can be made. Received: {count}")
            places = list(range(size // count, size, size // count))
        edges = list(zip([0, *places], [*places, size], strict=True))
        if any(first >= last for first, last in edges):
            raise ValueError(f"a part must not be empty. Received: {cuts} of {size} positions")
        return edges

    def compute_output_spec(self, x: KerasTensor) -> list[KerasTensor]:
        shape = batch_shape(x)
        axis = axis_of(self.axis, len(shape))
        return [
            KerasTensor((*shape[:axis], last - first, *shape[axis + 1 :]), x.dtype)
            for first, last in self._parts(shape[axis])
        ]

    def lower(self, graph: Graph, x: Value) -> list[Value]:
        axis = axis_of(self.axis, len(x.shape) + 1) - 1
        return [
            append.remap(graph, x, {axis: np.arange(first, last, dtype=np.int32)})
            for first, last in self._parts(x.shape[axis])
        ]

    def _config(self) -> dict[str, Any]:
        return {"indices_or_sections": self.indices_or_sections, "axis": self.axis}


def _shapes(xs: Any) -> list[BatchShape]:
    """Return the shapes of tensors and constants; a constant is the same for each image."""
    if not isinstance(xs, list | tuple) or not xs or not any(is_tensor(x) for x in xs):
        raise UnsupportedError(f"expected a list of tensors. Received: {xs!r:.200}")
    rank = rank_of(xs)
    shapes: list[BatchShape] = []
    for x in xs:
        if not is_tensor(x) and np.ndim(eager.given(x)) != rank:
            raise ValueError(
                "tensors must have the same number of axes. Received: a constant of shape "
                f"{np.shape(eager.given(x))} beside tensors with {rank} axes"
            )
        shape = spec_of(x, rank)
        shapes.append(shape if is_tensor(x) else (None, *shape[1:]))
    return shapes


def _common(shapes: Sequence[BatchShape], along: int | None) -> BatchShape:
    """Return the shape that all have, but for the axis `along`."""
    if len({len(shape) for shape in shapes}) > 1:
        raise ValueError(f"tensors must have the same number of axes. Received: {shapes}")
    sizes: list[int | None] = []
    for axis, column in enumerate(zip(*shapes, strict=True)):
        known = {size for size in column if size is not None}
        if axis != along and len(known) > 1:
            raise ValueError(f"shapes must be the same in the other axes. Received: {shapes}")
        sizes.append(known.pop() if known else None)
    return tuple(sizes)


def stack(x: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Return tensors one behind the other along a new axis.

    Parameters
    ----------
    x
        Of the same shape.
    axis
        Where the new axis is, batch included.

    Examples
    --------
    >>> cnnfast.ops.stack([np.ones((1, 2)), np.zeros((1, 2))], axis=1).shape
    (1, 2, 2)
    """
    if in_sizes(x):
        sizes: Any = list(x)  # a shape
        return sizes  # type: ignore[no-any-return]
    return call(Stack(axis), x)


def concatenate(xs: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Return tensors one behind the other along an axis.

    Parameters
    ----------
    xs
        Of the same shape but for the axis.
    axis
        Batch included, which it must not be.

    Examples
    --------
    >>> cnnfast.ops.concatenate([np.ones((1, 2)), np.zeros((1, 1))], axis=1)
    array([[1., 1., 0.]], dtype=float32)
    """
    if isinstance(xs, list | tuple) and any(map(in_sizes, xs)):
        sizes: Any = joined_sizes(xs)  # a shape
        return sizes  # type: ignore[no-any-return]
    return call(Concatenate(axis), xs)


def split(x: Tensor, indices_or_sections: IntOrSequence, axis: int = 0) -> list[Tensor]:
    """Return the parts of a tensor along an axis.

    Parameters
    ----------
    indices_or_sections
        How many parts of the same size, or where to cut.
    axis
        Batch included, which it must not be.

    Examples
    --------
    >>> [part.shape for part in cnnfast.ops.split(np.ones((1, 4)), 2, axis=1)]
    [(1, 2), (1, 2)]
    """
    parts: list[Tensor] = Split(indices_or_sections, axis)(x)
    return parts
