"""Pieces that several layers lower to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Shape, Value


def reshape(graph: Graph, x: Value, shape: Shape) -> Value:
    """View `x` under another shape; no operation where it is the same."""
    return x if x.shape == shape else graph.add(ops.Reshape(x, Value(shape)))


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


def softmax(graph: Graph, x: Value, axes: Sequence[int]) -> Value:
    """Softmax over `axes` together; axes count from 0 and leave the batch out."""
    rest = [a for a in range(len(x.shape)) if a not in axes]
    order = [*rest, *axes]
    moved = transpose(graph, x, order)
    joined = math.prod(x.shape[a] for a in axes)
    rows = reshape(graph, moved, (*moved.shape[: len(rest)], joined))
    y = graph.add(ops.Softmax(rows, Value(rows.shape)))
    back = [order.index(a) for a in range(len(order))]
    return transpose(graph, reshape(graph, y, moved.shape), back)
