"""Operations that pick, repeat, drop or pad positions along axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnnfast.engine import index_ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.engine.positions import Int32Array
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.lowering.resampling import LARGEST_AXIS
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import (
    Constant,
    Operation,
    axis_of,
    batch_shape,
    call,
    is_tensor,
    refuse_batch,
)
from cnnfast.symbolic.arguments import axes, integer, number
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, Borders, IntOrSequence, Key, PadMode, Tensor


class Selection(Operation):
    """Picks positions along axes; a subclass says which, axis by axis.

    ``_picked`` takes the size of each axis, batch included, and returns the positions to take
    of those that change, -1 standing for a number that is filled in.
    """

    def _picked(self, shape: Sequence[int]) -> Mapping[int, Int32Array]:
        raise NotImplementedError

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(self._sizes(batch_shape(x)), x.dtype)

    def _sizes(self, shape: BatchShape) -> BatchShape:
        """Return the output's shape; the size of an axis that is not known stays so if it moves."""
        one, two = ([tried if size is None else size for size in shape] for tried in _TRIED_SIZES)
        picked, again = self._picked(one), self._picked(two)
        sizes: list[int | None] = []
        for axis, size in enumerate(shape):
            count = len(picked[axis]) if axis in picked else size
            open_axis = size is None and axis in picked and count != len(again[axis])
            sizes.append(None if open_axis else count)
        return tuple(sizes)

    def lower(self, graph: Graph, x: Value) -> Value:
        return self._filled(graph, x, 0.0)

    def _filled(self, graph: Graph, x: Value, fill: float) -> Value:
        picked = self._picked([1, *x.shape])
        maps = {axis - 1: positions for axis, positions in picked.items()}
        return append.remap(graph, x, maps, fill)


# Stand in for an unknown size, to see whether the output's depends on it.
_TRIED_SIZES = (1 << 12, (1 << 12) + 8)


class Flip(Selection):
    """Axes backwards."""

    def __init__(self, axis: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any) -> Any:
        return np.flip(eager.numbers(x), self.axis)

    def _picked(self, shape: Sequence[int]) -> Mapping[int, Int32Array]:
        if self.axis is None:
            refuse_batch("axis=None, which is all axes")
        turned = {axis_of(axis, len(shape)) for axis in axes(self.axis, "axis")}
        return {axis: _every(shape[axis])[::-1] for axis in turned}

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Roll(Selection):
    """Positions moved along an axis, those at the end to the beginning."""

    def __init__(self, shift: Any, axis: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.shift, self.axis = shift, axis

    def compute(self, x: Any) -> Any:
        return np.roll(eager.numbers(x), self.shift, self.axis)

    def _picked(self, shape: Sequence[int]) -> Mapping[int, Int32Array]:
        if self.axis is None:
            refuse_batch("axis=None, which is all axes")
        shifts, positions = axes(self.shift, "shift"), axes(self.axis, "axis")
        pairs = zip(positions, shifts * (len(positions) // len(shifts) or 1), strict=True)
        moved = {axis_of(axis, len(shape)): shift for axis, shift in pairs}
        return {axis: np.roll(_every(shape[axis]), shift) for axis, shift in moved.items()}

    def _config(self) -> dict[str, Any]:
        return {"shift": self.shift, "axis": self.axis}


class Repeat(Selection):
    """Each position `repeats` times along one axis; a list says how often each."""

    def __init__(self, repeats: Any, axis: int | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.repeats, self.axis = repeats, axis

    def compute(self, x: Any) -> Any:
        return np.repeat(eager.numbers(x), self.repeats, self.axis)

    def _picked(self, shape: Sequence[int]) -> Mapping[int, Int32Array]:
        if self.axis is None:
            refuse_batch("axis=None, which lays out all numbers as one axis")
        axis = axis_of(self.axis, len(shape))
        times = axes(self.repeats, "repeats")
        every = _every(shape[axis])
        _check_positions(sum(times) if len(times) > 1 else len(every) * times[0])
        return {axis: np.repeat(every, times if len(times) > 1 else times[0])}

    def _config(self) -> dict[str, Any]:
        return {"repeats": self.repeats, "axis": self.axis}


class Tile(Selection):
    """The whole tensor `repeats` times along each axis, once along the batch."""

    def __init__(self, repeats: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.repeats = repeats

    def compute(self, x: Any) -> Any:
        return np.tile(eager.numbers(x), self.repeats)

    def _picked(self, shape: Sequence[int]) -> Mapping[int, Int32Array]:
        times = axes(self.repeats, "repeats")
        times = (1,) * (len(shape) - len(times)) + times
        if len(times) > len(shape) or times[0] != 1:
            refuse_batch(f"repeats={self.repeats}")
        picked = {}
        for axis, (size, count) in enumerate(zip(shape, times, strict=True)):
            if count != 1:
                _check_positions(size * count)
                picked[axis] = np.tile(_every(size), count)
        return picked

    def _config(self) -> dict[str, Any]:
        return {"repeats": self.repeats}


class Take(Operation):
    """The positions `indices` of one axis; they may be computed where a constant has the axis."""

    def __init__(self, axis: int | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any, indices: Any) -> Any:
        return np.take(eager.numbers(x), np.asarray(indices), axis=self.axis)

    def compute_output_spec(self, x: Any, indices: Any) -> KerasTensor:
        if is_tensor(x):
            return self._picking(indices).compute_output_spec(x)
        table = self._table(x)
        return KerasTensor((*batch_shape(indices), *table.shape[1:]), eager.dtype_of(x))

    def lower(self, graph: Graph, x: Any, indices: Any) -> Value:
        if isinstance(x, Value):
            return self._picking(indices).lower(graph, x)
        table = self._table(x)
        rows = append.constant(graph, table.reshape(len(table), -1))
        count = math.prod(indices.shape)
        places = append.reshape(graph, indices, (count, 1))
        picked = graph.add(index_ops.Gather(rows, places, Value((count, rows.shape[1])), 0))
        return append.reshape(graph, picked, (*indices.shape, *table.shape[1:]))

    def _table(self, x: Any) -> Array:
        """Return constants whose rows are picked by positions that are computed."""
        table: Array = np.asarray(eager.given(getattr(x, "array", x)))
        first = self.axis is None and table.ndim == 1
        if not table.ndim or not (first or self.axis in (0, -table.ndim)):
            raise UnsupportedError(
                "positions that are computed pick along the first axis of a constant, for theirs "
                f"is the batch. Received: axis={self.axis} of shape {table.shape}"
            )
        return table

    def _picking(self, indices: Any) -> Selection:
        if is_tensor(indices):
            raise UnsupportedError(
                f"`indices` must be constants beside a tensor. Received: {indices}",
                advice="What is computed for each image picks by `ops.take_along_axis`.",
            )
        array = indices.array if isinstance(indices, Constant) else np.asarray(indices)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise UnsupportedError(f"`indices` must be a list of integers. Received: {array!r}")
        return _Picking(self.axis, array.tolist())

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class _Picking(Selection):
    def __init__(self, axis: int | None, indices: list[int]) -> None:
        super().__init__(name="take")
        self._axis, self._indices = axis, indices

    def _picked(self, shape: Sequence[int]) -> Mapping[int, Int32Array]:
        if self._axis is None:
            refuse_batch("axis=None, which lays out all numbers as one axis")
        axis = axis_of(self._axis, len(shape))
        return {axis: _every(shape[axis])[list(self._indices)]}


_PAD_MODES = ("constant", "reflect", "symmetric", "edge", "wrap")


class Pad(Selection):
    """Positions added before and after each axis.

    Parameters
    ----------
    pad_width
        A (before, after) pair per axis, batch included.
    mode
        What they hold: ``"constant"``, or a way to continue the tensor, ``"reflect"``,
        ``"symmetric"``, ``"edge"`` or ``"wrap"``.
    """

    def __init__(self, pad_width: Any, mode: str = "constant", *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.mode = str(mode).lower()  # those of TensorFlow are in capitals
        if self.mode not in _PAD_MODES:
            raise UnsupportedError(f"`mode` must be one of {_PAD_MODES}. Received: mode={mode!r}")
        self.pad_width = pad_width

    def compute(self, x: Any, constant_values: Any = None) -> Any:
        self._check_constant(constant_values)
        array = eager.numbers(x)
        options: Any = {} if constant_values is None else {"constant_values": constant_values}
        return np.pad(array, self._pairs(array.ndim), **{"mode": self.mode, **options})

    def compute_output_spec(self, x: KerasTensor, constant_values: Any = None) -> KerasTensor:
        self._check_constant(constant_values)
        return super().compute_output_spec(x)

    def _check_constant(self, constant_values: Any) -> None:
        if constant_values is not None and self.mode != "constant":
            rule = "Argument `constant_values` can only be provided when `mode == 'constant'`."
            raise ValueError(f"{rule} Received: mode={self.mode}")

    def lower(self, graph: Graph, x: Value, constant_values: Any = None) -> Value:
        fill = 0.0 if constant_values is None else number(constant_values, "constant_values")
        return self._filled(graph, x, fill)

    def _picked(self, shape: Sequence[int]) -> Mapping[int, Int32Array]:
        pairs = self._pairs(len(shape))
        if pairs[0] != (0, 0):
            refuse_batch(f"pad_width={self.pad_width}")
        return {
            axis: _padded(shape[axis], pair, self.mode)
            for axis, pair in enumerate(pairs)
            if pair != (0, 0)
        }

    def _pairs(self, rank: int) -> list[tuple[int, int]]:
        widths = self.pad_width
        rows = widths if isinstance(widths, list | tuple) else [widths]
        if rows and not isinstance(rows[0], list | tuple):
            rows = [rows]
        pairs = [axes(row, "pad_width") for row in rows]
        pairs = [pair * 2 if len(pair) == 1 else pair for pair in pairs]
        pairs = pairs * rank if len(pairs) == 1 else pairs
        if len(pairs) != rank or any(len(pair) != 2 or min(pair) < 0 for pair in pairs):
            raise ValueError(
                f"`pad_width` must hold a pair for each of the {rank} axes. Received: "
                f"pad_width={self.pad_width}"
            )
        return [(before, after) for before, after in pairs]

    def _config(self) -> dict[str, Any]:
        return {"pad_width": self.pad_width, "mode": self.mode}


Roll.makes_new = Repeat.makes_new = Tile.makes_new = Pad.makes_new = True


def _padded(size: int, pair: tuple[int, int], mode: str) -> Int32Array:
    _check_positions(size + sum(pair))
    if mode == "constant":
        return np.pad(_every(size), pair, constant_values=-1)
    return np.pad(_every(size), pair, mode=mode)  # type: ignore[call-overload,no-any-return]


class _Key(NamedTuple):
    """What an index does to one axis: positions to take, and whether the axis goes."""

    positions: Int32Array
    drop: bool


class GetItem(Operation):
    """``x[key]`` with integers, slices, an ellipsis and new axes; the batch is taken whole."""

    def compute(self, x: Any, key: Any) -> Any:
        listed = isinstance(key, list) and not all(isinstance(item, int) for item in key)
        return eager.numbers(x)[tuple(key) if listed else key]

    def compute_output_spec(self, x: KerasTensor, key: Any) -> KerasTensor:
        shape = batch_shape(x)
        sizes: list[int | None] = []
        for axis, item in _per_axis(key, len(shape)):
            if axis is None:
                sizes.append(1)
            elif shape[axis] is None:
                # How many positions a slice finds is known when the size is.
                sizes += [] if isinstance(item, int) else [None]
            else:
                taken = _taken(shape[axis] or 0, item, axis)
                sizes += [] if taken.drop else [len(taken.positions)]
        if 0 in sizes:
            raise ValueError(f"the result must not be empty. Received: key={key}")
        return KerasTensor((shape[0], *sizes), x.dtype)

    def lower(self, graph: Graph, x: Value, key: Any) -> Value:
        maps: dict[int, Int32Array] = {}
        spans: dict[int, tuple[int, int]] = {}
        sizes = []
        for axis, item in _per_axis(key, len(x.shape) + 1):
            if axis is None:
                sizes.append(1)
                continue
            size = x.shape[axis - 1]
            if isinstance(item, slice) and item.step in (None, 1):
                spans[axis - 1] = _span(size, item)
                sizes.append(spans[axis - 1][1])
                continue
            taken = _taken(size, item, axis)
            maps[axis - 1] = taken.positions
            sizes += [] if taken.drop else [len(taken.positions)]
        if any(size < 1 for size in sizes):
            raise ValueError(f"the result must not be empty. Received: key={key}")
        y = append.crop(graph, append.remap(graph, x, maps), spans)
        return append.reshape(graph, y, tuple(sizes))


def _per_axis(key: Any, rank: int) -> list[tuple[int | None, Any]]:
    """Pair the items of `key` with axes behind the batch; a new axis has none."""
    items = list(key) if isinstance(key, list | tuple) else [key]
    items = [integer(item) if isinstance(item, np.integer) else item for item in items]
    for item in items:
        plain = item is None or item is Ellipsis or isinstance(item, slice)
        if not plain and (isinstance(item, bool) or not isinstance(item, int)):
            raise UnsupportedError(
                f"an index must be made of integers, slices, `...` and new axes. Received: {item!r}"
            )
    consumed = sum(item is not None and item is not Ellipsis for item in items)
    dots = [place for place, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1 or consumed > rank:
        raise ValueError(f"the index does not fit {rank} axes. Received: key={key}")
    place = dots[0] if dots else len(items)
    whole = [slice(None)] * (rank - consumed)
    items = [*items[:place], *whole, *items[place + len(dots) :]]
    if items[0] != slice(None) and items[0] not in (slice(0, None), slice(None, None, 1)):
        refuse_batch(f"key={key}")
    paired: list[tuple[int | None, Any]] = []
    axis = 0
    for item in items:
        paired.append((None, None) if item is None else (axis, item))
        axis += item is not None
    return paired[1:]


def _span(size: int, item: slice) -> tuple[int, int]:
    """Return the first position of a slice without steps, and their number, 0 or less for none."""

    def position(given: Any, default: int) -> int:
        if given is None:
            return default
        end: int = integer(given)
        return max(end + size, 0) if end < 0 else min(end, size)

    first = position(item.start, 0)
    return first, position(item.stop, size) - first


def _taken(size: int, item: Any, axis: int) -> _Key:
    if isinstance(item, slice):
        return _Key(_every(size)[item], drop=False)
    if not -size <= item < size:
        raise ValueError(f"axis {axis} has {size} positions. Received: index {item}")
    return _Key(_every(size)[[item]], drop=True)


def _every(size: int) -> Int32Array:
    _check_positions(size)
    return np.arange(size, dtype=np.int32)


def _check_positions(count: int) -> None:
    """Refuse, as soon as shapes are known, an axis whose positions would fill the memory."""
    if count > LARGEST_AXIS:
        raise ValueError(f"an axis can have {LARGEST_AXIS} positions at most. Received: {count}")


def flip(x: Tensor, axis: IntOrSequence | None = None) -> Tensor:
    """Return a tensor with axes backwards.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    """
    return call(Flip(axis), x)


def roll(x: Tensor, shift: IntOrSequence, axis: IntOrSequence | None = None) -> Tensor:
    """Return a tensor moved along an axis; what leaves it at the end comes in at the beginning.

    Parameters
    ----------
    shift
        How far, for each axis.
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    """
    return call(Roll(shift, axis), x)


def pad(
    x: Tensor,
    pad_width: Borders,
    mode: PadMode = "constant",
    constant_values: float | None = None,
) -> Tensor:
    """Return a tensor with positions added before and after each axis.

    Parameters
    ----------
    pad_width
        (before, after) for each axis, batch included.
    mode
        ``"constant"``, or how the tensor goes on: ``"reflect"``, ``"symmetric"``, ``"edge"``,
        ``"wrap"``.
    constant_values
        What a constant border holds; 0 where None.

    Examples
    --------
    >>> cnnfast.ops.pad(np.ones((1, 2)), ((0, 0), (1, 2)))
    array([[0., 1., 1., 0., 0.]], dtype=float32)
    """
    return call(Pad(pad_width, mode), x, constant_values=constant_values)


def take(x: Tensor, indices: Sequence[int] | Array, axis: int | None = None) -> Tensor:
    """Return positions of one axis.

    Parameters
    ----------
    indices
        A list of integers, or, of an array or variable, a tensor of them: below 0 they count from
        the end, and of a position that does not exist comes NaN.
    axis
        Not the batch, nor None.

    Examples
    --------
    >>> cnnfast.ops.take(np.array([[1.0, 2.0, 3.0]]), [2, 0], axis=1)
    array([[3., 1.]], dtype=float32)
    """
    return call(Take(axis), x, indices)


def get_item(x: Tensor, key: Key) -> Tensor:
    """Return ``x[key]``.

    Parameters
    ----------
    key
        Integers, slices, an ellipsis and new axes; the batch is taken whole.

    Examples
    --------
    >>> cnnfast.ops.get_item(np.array([[1.0, 2.0, 3.0]]), (slice(None), slice(1, None)))
    array([[2., 3.]], dtype=float32)
    """
    return call(GetItem(), x, key)
