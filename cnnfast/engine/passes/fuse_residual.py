"""Let a convolution add the other branch of a residual block to its sums."""

from __future__ import annotations

from dataclasses import replace

from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import LINEAR, Binary, Conv2D, Op, Value
from cnnfast.engine.passes.rewrite import count_readers, joined


def fuse_residual(graph: Graph) -> Graph:
    """Conv2D, Binary ADD -> Conv2D at the place of the addition.

    Where the convolution's output is read by the addition alone, and no axis is repeated.
    """
    readers = count_readers(graph)
    producers: dict[Value, int] = {}
    ops: list[Op | None] = []
    for op in graph.ops:
        position = _convolution(op, producers, ops, readers)
        merged: Op = op
        if position is not None and isinstance(op, Binary):
            first = ops[position]
            assert isinstance(first, Conv2D)
            other = op.y if op.x is first.out else op.x
            merged = joined(replace(first, out=op.out, residual=other), first, op)
            ops[position] = None
        producers[op.out] = len(ops)
        ops.append(merged)
    return Graph(graph.inputs, [op for op in ops if op is not None], graph.outputs)


def _convolution(
    op: Op, producers: dict[Value, int], ops: list[Op | None], readers: dict[Value, int]
) -> int | None:
    """Return the position of the convolution that can take `op` in; the later one of two."""
    if not isinstance(op, Binary) or op.kind is not BinaryKind.ADD or op.x.shape != op.y.shape:
        return None
    positions = [producers[x] for x in op.inputs if x in producers and readers[x] == 1]
    fitting = [p for p in positions if _is_bare(ops[p])]
    return max(fitting, default=None)


def _is_bare(op: Op | None) -> bool:
    return (
        isinstance(op, Conv2D)
        and op.activation == LINEAR
        and op.residual is None
        and op.scale is None
    )
