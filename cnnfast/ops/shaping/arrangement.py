"""Operations that move numbers to other axes or shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import Operation, axis_of, batch_shape, call, product, refuse_batch
from cnnfast.symbolic.arguments import axes, integer
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.elsewhere import Turned
from cnnfast.symbolic.tensor import KerasTensor, alike

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import IntOrSequence, OpenSizes, Tensor


class Arrangement(Operation):
    """Gives each image another shape; a subclass gives `_arranged`."""

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(self._arranged(batch_shape(x)), x.dtype)

    def _arranged(self, shape: BatchShape) -> BatchShape:
        """Return the shape of the output, batch included."""
        raise NotImplementedError

    def compute(self, x: Any) -> Any:
        raise NotImplementedError

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._arranged(batch_shape(x))
        return append.reshape(graph, x, tuple(integer(size) for size in shape[1:]))


class Reshape(Arrangement):
    """The same numbers in another shape.

    Parameters
    ----------
    newshape
        Batch included, as -1 or None; one other size may be -1 if the batch is None. Where the
        other sizes are too few for an image, or too many, parts of it are moved into the batch, or
        back.
    """

    keeps_parts = False

    def __init__(self, newshape: Sequence[int | None], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.newshape = list(newshape) if isinstance(newshape, list | tuple) else [newshape]
        if any(isinstance(size, int) and size < -1 for size in self.newshape):
            raise ValueError(
                "Each dimension in `newshape` must be a non-negative integer, or `-1` for a single "
                f"unknown dimension. Received: newshape={newshape}"
            )

    def compute(self, x: Any) -> Any:
        sizes = [-1 if size is None else integer(size) for size in self.newshape]
        return np.reshape(eager.numbers(x), sizes)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        sizes = self._behind_batch(x.shape)
        parts = _parts(x, product(sizes))
        batch, wanted = x.shape[0], self.newshape[0]
        batch = batch if batch is None else batch * parts // x.parts
        if parts == 0 or (wanted not in (None, -1) and wanted != batch):
            self._refuse(x.shape)
        made = alike(x, (batch, *sizes))
        made.parts = parts
        return made

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = tuple(integer(size) for size in self._behind_batch(batch_shape(x)))
        if product(shape) != product(x.shape):
            return graph.add(ops.Rebatch(x, Value(shape)))
        return append.reshape(graph, x, shape)

    def _behind_batch(self, shape: BatchShape) -> list[int | None]:
        """Return the sizes behind the batch; one that is open is found where the batch stays."""
        _, *sizes = (None if s is None else integer(s) for s in self.newshape)
        total, known = product(shape[1:]), [size for size in sizes if size not in (None, -1)]
        fixed = product(known) or 0
        open_axes = [axis for axis, size in enumerate(sizes) if size in (None, -1)]
        if len(open_axes) > 1:
            raise ValueError(
                f"`newshape` may leave one size open. Received: newshape={self.newshape}"
            )
        if open_axes:
            if total is not None and (not fixed or total % fixed):
                self._refuse(shape)
            sizes[open_axes[0]] = None if total is None else total // fixed
        return sizes

    def _refuse(self, shape: BatchShape) -> None:
        refuse_batch(
            f"newshape={self.newshape} for a tensor of shape {shape}, so that an image would not "
            "stay one"
        )

    def _config(self) -> dict[str, Any]:
        return {"newshape": self.newshape}


class ExpandDims(Arrangement):
    """New axes of size 1 at `axis`, batch included."""

    def __init__(self, axis: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any) -> Any:
        return np.expand_dims(eager.numbers(x), axes(self.axis, "axis"))

    def _arranged(self, shape: BatchShape) -> BatchShape:
        positions = axes(self.axis, "axis")
        rank = len(shape) + len(positions)
        new = {axis_of(axis, rank) for axis in positions}
        old = iter(shape)
        return tuple(1 if axis in new else next(old) for axis in range(rank))

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Squeeze(Arrangement):
    """Without the axes of size 1 at `axis`; without all of them, but the batch, for None."""

    def __init__(self, axis: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any) -> Any:
        axis = None if self.axis is None else axes(self.axis, "axis")
        return np.squeeze(eager.numbers(x), axis)

    def _arranged(self, shape: BatchShape) -> BatchShape:
        if self.axis is None:
            return (shape[0], *(size for size in shape[1:] if size != 1))
        dropped = {axis_of(axis, len(shape)) for axis in axes(self.axis, "axis")}
        if any(shape[axis] not in (1, None) for axis in dropped):
            raise ValueError(
                f"only axes of size 1 can be dropped. Received: axis={self.axis} of shape {shape}"
            )
        return tuple(size for axis, size in enumerate(shape) if axis not in dropped)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Ravel(Arrangement):
    """All numbers of an array as one axis; refused of a tensor, whose batch it would swallow."""

    def compute(self, x: Any) -> Any:
        return np.ravel(eager.numbers(x))

    def _arranged(self, shape: BatchShape) -> BatchShape:
        refuse_batch(f"a tensor of shape {shape} to be laid out as one axis")


class Permutation(Operation):
    """Puts axes in another order; a subclass gives `_order`, batch included."""

    def _order(self, rank: int) -> list[int]:
        raise NotImplementedError

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x)
        return np.transpose(array, self._order(array.ndim))

    def _own_order(self, rank: int) -> list[int]:
        order = self._order(rank)
        if sorted(order) != list(range(rank)):
            raise ValueError(f"all {rank} axes must stand once. Received: {order}")
        if order[0]:
            refuse_batch(f"the order of axes {order}")
        return order

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        shape = batch_shape(x)
        return KerasTensor([shape[axis] for axis in self._own_order(len(shape))], x.dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        order = self._own_order(len(x.shape) + 1)
        return append.transpose(graph, x, [axis - 1 for axis in order[1:]])


class Transpose(Permutation):
    """Axes in the order `axes`, batch included."""

    def __init__(self, axes: Sequence[int] | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axes = None if axes is None else list(axes)

    def _order(self, rank: int) -> list[int]:
        if self.axes is None:
            return list(range(rank))[::-1]
        return [_position(axis, rank) for axis in self.axes]

    def _config(self) -> dict[str, Any]:
        return {"axes": self.axes}


class Moveaxis(Permutation):
    """The axes `source` at the places `destination`; the others stay in order."""

    def __init__(self, source: Any, destination: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.source, self.destination = source, destination

    def _order(self, rank: int) -> list[int]:
        source = [_position(axis, rank) for axis in axes(self.source, "source")]
        target = [_position(axis, rank) for axis in axes(self.destination, "destination")]
        order = [axis for axis in range(rank) if axis not in source]
        for place, axis in sorted(zip(target, source, strict=True)):
            order.insert(place, axis)
        return order

    def _config(self) -> dict[str, Any]:
        return {"source": self.source, "destination": self.destination}


class Swapaxes(Permutation):
    """Two axes in each other's place."""

    def __init__(self, axis1: int, axis2: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis1, self.axis2 = axis1, axis2

    def _order(self, rank: int) -> list[int]:
        order = list(range(rank))
        a, b = _position(self.axis1, rank), _position(self.axis2, rank)
        order[a], order[b] = b, a
        return order

    def _config(self) -> dict[str, Any]:
        return {"axis1": self.axis1, "axis2": self.axis2}


def _position(axis: Any, rank: int) -> int:
    """Return `axis` counted from the batch, which is an axis like others here."""
    number = integer(axis)
    if not -rank <= number < rank:
        raise ValueError(f"the tensor has {rank} axes. Received: axis={axis}")
    return number % rank


def reshape(x: Tensor, newshape: OpenSizes) -> Tensor:
    """Return the same numbers in another shape.

    Parameters
    ----------
    newshape
        Batch included, as `cnnfast.ops.shape(x)[0]`, -1 or None; one other size may be -1 where the
        batch is not. Where the other sizes are those of windows, these are moved into the batch,
        and must be moved back before a model returns them.

    Examples
    --------
    >>> cnnfast.ops.reshape(np.ones((2, 6)), (-1, 2, 3)).shape
    (2, 2, 3)
    """
    listed = isinstance(newshape, list | tuple) and len(newshape) > 0
    if isinstance(x, KerasTensor) and not isinstance(x, Turned) and listed:
        return call(Reshape(_without_batch(x, newshape)), x)
    return call(Reshape(newshape), x)  # type: ignore[arg-type]


def _without_batch(x: KerasTensor, newshape: OpenSizes) -> list[int | None]:
    """Return a shape with a number for each size that is known, so that -1 is the batch alone."""
    batch, *sizes = newshape
    if any(isinstance(size, BatchSize) for size in sizes):
        refuse_batch(f"newshape={newshape}, with the batch among other axes")
    if not isinstance(batch, BatchSize) and batch is not None:
        return list(newshape)  # type: ignore[arg-type]
    parts = batch.parts if isinstance(batch, BatchSize) else x.parts
    if parts == x.parts and None in x.shape[1:]:
        return [None, *sizes]  # type: ignore[list-item]
    return [-1, *behind_batch(parts, x.parts, x.shape[1:], sizes)]


def behind_batch(
    parts: int, before: int, behind: BatchShape, sizes: Sequence[Any]
) -> list[int | None]:
    """Return `sizes` behind a batch of `parts` places an image, with what an open one must be.

    `before` is how many places there were, and `behind` what stood behind them.
    """
    total = product(behind)
    others = product([size for size in sizes if size not in (None, -1)])
    # What is left for an open size, or that none is left.
    left, rest = divmod((total or 0) * before, parts * (others or 1))
    is_open = any(size in (None, -1) for size in sizes)
    if total is None or rest or (not is_open and left != (others != 0)):
        refuse_batch(f"sizes {tuple(sizes)} for {parts} parts of images of {before} x {behind}")
    return [left if size in (None, -1) else size for size in sizes]


def _parts(x: KerasTensor, each: int | None) -> int:
    """Return how many places along the batch an image has that hold `each` numbers; 0 if none."""
    total = product(x.shape[1:])
    if total is None or each is None or total == each:
        return x.parts
    return 0 if not each or (x.parts * total) % each else x.parts * total // each


def ravel(x: Tensor) -> Tensor:
    """Return all numbers of an array as one axis."""
    return call(Ravel(), x)


def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """Return a tensor with its axes in another order.

    Parameters
    ----------
    axes
        The order, batch included, which stays the first.

    Examples
    --------
    >>> cnnfast.ops.transpose(np.ones((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    return call(Transpose(axes), x)


def squeeze(x: Tensor, axis: IntOrSequence | None = None) -> Tensor:
    """Return a tensor without axes of size 1.

    Parameters
    ----------
    axis
        One or several, batch included; None for all of size 1 but the batch.
    """
    return call(Squeeze(axis), x)


def expand_dims(x: Tensor, axis: IntOrSequence) -> Tensor:
    """Return a tensor with new axes of size 1.

    Parameters
    ----------
    axis
        Where they are in the result, batch included.

    Examples
    --------
    >>> cnnfast.ops.expand_dims(np.ones((2, 3)), 1).shape
    (2, 1, 3)
    """
    if isinstance(x, BatchSize):
        sizes: Any = [x]  # in a shape that is put together
        return sizes
    return call(ExpandDims(axis), x)


def moveaxis(x: Tensor, source: IntOrSequence, destination: IntOrSequence) -> Tensor:
    """Return a tensor with some axes at other places; the others stay in order.

    Parameters
    ----------
    source
        Which axes.
    destination
        Where they are in the result.
    """
    return call(Moveaxis(source, destination), x)


def swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    """Return a tensor with two axes in each other's place.

    Parameters
    ----------
    axis1
        One of them.
    axis2
        The other.
    """
    return call(Swapaxes(axis1, axis2), x)
