"""Pieces that several layers lower to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnfast._core import ActivationKind, BinaryKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import Weights
from cnnfast.engine.ops import Activation, Float32Array, Shape, Value
from cnnfast.engine.positions import Positions, Repeated, Span, listed
from cnnfast.lowering.resampling import LARGEST_AXIS
from cnnfast.lowering.resampling import resize as resize  # noqa: PLC0414 - for others to import

if TYPE_CHECKING:
    import numpy.typing as npt


def reshape(graph: Graph, x: Value, shape: Shape) -> Value:
    """View `x` under another shape; no operation where it is the same."""
    return x if x.shape == shape else graph.add(ops.Reshape(x, Value(shape)))


def renewed(graph: Graph, x: Value) -> Value:
    """Return the same numbers as another value, which has no mask yet."""
    return graph.add(ops.Reshape(x, Value(x.shape)))


def transpose(graph: Graph, x: Value, axes: Sequence[int]) -> Value:
    """Reorder the axes of `x`; no operation where the order stays."""
    if list(axes) == list(range(len(axes))):
        return x
    out = Value(tuple(x.shape[axis] for axis in axes))
    return graph.add(ops.Transpose(x, out, tuple(axes)))


def axis_to_end(graph: Graph, x: Value, axis: int) -> Value:
    """Move one axis behind the others: channels_first to channels_last is axis 0."""
    rest = [a for a in range(len(x.shape)) if a != axis]
    return transpose(graph, x, [*rest, axis])


def axis_from_end(graph: Graph, x: Value, axis: int) -> Value:
    """Undo `axis_to_end`."""
    order = list(range(len(x.shape) - 1))
    order.insert(axis, len(x.shape) - 1)
    return transpose(graph, x, order)


def activate(graph: Graph, x: Value, steps: Sequence[Activation]) -> Value:
    """Apply elementwise functions one after the other."""
    for step in steps:
        x = graph.add(ops.Activate(x, Value(x.shape), step))
    return x


def over_rows(
    graph: Graph, x: Value, axes: Sequence[int], function: Callable[[Value], Value]
) -> Value:
    """Apply `function`, which works on the last axis, to `axes` of `x` joined to one.

    Axes count from 0 and leave the batch out.
    """
    rest = [a for a in range(len(x.shape)) if a not in axes]
    order = [*rest, *axes]
    moved = transpose(graph, x, order)
    joined = math.prod(x.shape[a] for a in axes)
    y = function(reshape(graph, moved, (*moved.shape[: len(rest)], joined)))
    back = [order.index(a) for a in range(len(order))]
    return transpose(graph, reshape(graph, y, moved.shape), back)


def softmax(graph: Graph, x: Value, axes: Sequence[int]) -> Value:
    """Softmax over `axes` together; axes count from 0 and leave the batch out."""
    return over_rows(graph, x, axes, lambda rows: graph.add(ops.Softmax(rows, Value(rows.shape))))


def constant(graph: Graph, array: npt.ArrayLike) -> Value:
    """Add numbers that are the same for every image; no batch axis."""
    numbers = np.asarray(array, np.float32, order="C")  # which leaves a number without axes
    return graph.add(ops.Constant(Value(numbers.shape), numbers))


def binary(graph: Graph, x: Value, y: Value, kind: BinaryKind) -> Value:
    """Combine two tensors of the same rank number by number; axes of size 1 are repeated."""
    shape = tuple(n if m == 1 else m for m, n in zip(x.shape, y.shape, strict=True))
    return graph.add(ops.Binary(x, y, Value(shape), kind))


def where(graph: Graph, condition: Value, x: Value, other: float) -> Value:
    """Keep `x` where the condition, of the same rank, is not 0; `other` elsewhere."""
    kept = binary(graph, x, condition, BinaryKind.KEEP)
    if other == 0.0:
        return kept
    filled = constant(graph, np.full((1,) * len(x.shape), other, np.float32))
    left = binary(graph, filled, condition, BinaryKind.LEAVE)
    return binary(graph, kept, left, BinaryKind.EITHER)


def concat(graph: Graph, xs: Sequence[Value], axis: int) -> Value:
    """Put tensors one behind the other; the axis counts without the batch."""
    if len(xs) == 1:
        return xs[0]
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return graph.add(ops.Concat(tuple(xs), Value(tuple(shape)), axis))


def reduce(graph: Graph, x: Value, kind: ReductionKind, axes: Sequence[int]) -> Value:
    """Reduce `axes`, which count without the batch, to size 1 each."""
    axes = sorted(axes)
    while axes:
        last = axes.pop() + 1
        first = last - 1
        while axes and axes[-1] == first - 1:
            first = axes.pop()
        ones = (1,) * (last - first)
        out = Value((*x.shape[:first], *ones, *x.shape[last:]))
        x = graph.add(ops.Reduce(x, out, kind, first, last))
    return x


def product(
    graph: Graph,
    x: Value,
    matrix: Weights,
    bias: Float32Array | None,
    shape: Shape,
    activation: Activation = ops.LINEAR,
    float32: bool = False,
) -> Value:
    """``activation(x @ matrix + bias)``: `x` in rows as the matrix takes them, out as `shape`."""
    inputs, outputs = matrix.shape
    # A matrix without columns is refused where it is planned.
    rows = math.prod(shape) // max(outputs, 1)
    # The 1x1 convolution over one row of pixels.
    y = graph.add(
        ops.Conv2D(
            reshape(graph, x, (1, rows, inputs)),
            Value((1, rows, outputs)),
            matrix.reshape(1, 1, inputs, outputs),
            bias,
            activation=activation,
            float32=float32,
        )
    )
    return reshape(graph, y, shape)


def remap(
    graph: Graph, x: Value, maps: Mapping[int, npt.NDArray[np.integer]], fill: float = 0.0
) -> Value:
    """Pick positions along some axes; -1 stands for `fill`. Axes count without the batch."""
    moved = {
        axis: listed(np.ascontiguousarray(positions, np.int32), x.shape[axis])
        for axis, positions in maps.items()
        if not np.array_equal(positions, np.arange(x.shape[axis]))
    }
    return pick(graph, x, moved, fill)


def pick(graph: Graph, x: Value, positions: Mapping[int, Positions], fill: float = 0.0) -> Value:
    """Pick positions along some axes, all of which change; no operation where none does."""
    if not positions:
        return x
    shape = tuple(
        positions[axis].count if axis in positions else size for axis, size in enumerate(x.shape)
    )
    picked = tuple(positions.get(axis) for axis in range(len(shape)))
    return graph.add(ops.Remap(x, Value(shape), picked, fill))


def crop(graph: Graph, x: Value, spans: Mapping[int, tuple[int, int]]) -> Value:
    """Keep (count) positions from (first) on, of some axes; see `Span`."""
    moved = {
        axis: Span(x.shape[axis], first, count)
        for axis, (first, count) in spans.items()
        if not (first == 0 and count == x.shape[axis])
    }
    return pick(graph, x, moved)


def pad(graph: Graph, x: Value, pads: Mapping[int, tuple[int, int]], fill: float = 0.0) -> Value:
    """Add (before, after) positions to some axes; a negative number cuts positions off.

    Raises
    ------
    ValueError
        If an axis becomes too long.
    """
    moved = {}
    for axis, (before, after) in pads.items():
        size = x.shape[axis]
        if size + before + after > LARGEST_AXIS:
            raise ValueError(
                f"An axis can be padded to at most {LARGEST_AXIS} positions. "
                f"Received: {size} positions and a padding of {(before, after)}"
            )
        if before != 0 or after != 0:
            moved[axis] = Span(size, -before, size + before + after)
    return pick(graph, x, moved, fill)


def repeat(graph: Graph, x: Value, times: Mapping[int, int]) -> Value:
    """Repeat each position of some axes so many times.

    Raises
    ------
    ValueError
        If an axis becomes too long.
    """
    for axis, count in times.items():
        if x.shape[axis] * count > LARGEST_AXIS:
            raise ValueError(
                f"An axis can be repeated to at most {LARGEST_AXIS} positions. "
                f"Received: {x.shape[axis]} positions, {count} times"
            )
    moved = {axis: Repeated(x.shape[axis], count) for axis, count in times.items() if count != 1}
    return pick(graph, x, moved)


NO_SHIFT = -0.0
"""What leaves every number as it is, -0 included, which + 0 does not."""


def scale_and_shift(graph: Graph, x: Value, scale: npt.ArrayLike, shift: npt.ArrayLike) -> Value:
    """``x * scale + shift``, both of shapes that broadcast to that of `x` without the batch."""
    factor, term = _vector(scale), _vector(shift)
    if factor.size == 1 and term.size == 1:
        step = Activation(ActivationKind.SCALE, factor.item(), term.item())
        return activate(graph, x, [step])
    if factor.ndim <= 1 and term.ndim <= 1:
        channels = (x.shape[-1],)
        factor, term = (np.broadcast_to(a, channels) for a in (factor, term))
        return graph.add(ops.Affine(x, Value(x.shape), _owned(factor), _owned(term)))
    for array, kind in ((factor, BinaryKind.MULTIPLY), (term, BinaryKind.ADD)):
        full = array.reshape((1,) * (len(x.shape) - array.ndim) + array.shape)
        x = graph.add(ops.Binary(x, constant(graph, full), Value(x.shape), kind))
    return x


def _vector(value: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return `value` without leading axes of size 1."""
    array = np.asarray(value, np.float64)
    while array.ndim and array.shape[0] == 1:
        array = array[0]
    return array


def _owned(array: npt.NDArray[np.float64]) -> Float32Array:
    return np.ascontiguousarray(array, np.float32)


def depth_to_space(graph: Graph, x: Value, block: int) -> Value:
    """Spread the channels over blocks of pixels: channel ``(row * block + column) * C + c``."""
    height, width, channels = x.shape
    depth = channels // block**2
    y = reshape(graph, x, (height, width, block, block, depth))
    y = transpose(graph, y, (0, 2, 1, 3, 4))
    return reshape(graph, y, (height * block, width * block, depth))


def space_to_depth(graph: Graph, x: Value, block: int) -> Value:
    """Undo `depth_to_space`."""
    height, width, channels = x.shape
    y = reshape(graph, x, (height // block, block, width // block, block, channels))
    y = transpose(graph, y, (0, 2, 1, 3, 4))
    return reshape(graph, y, (height // block, width // block, block**2 * channels))
