"""The walks over a graph that passes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Op, UnaryOp, Value

Merge = Callable[[Op, UnaryOp], Op | None]
OpT = TypeVar("OpT", bound=Op)


def joined(merged: OpT, first: Op, second: Op) -> OpT:
    """Return `merged`, which takes the place of two operations, with the layers of both."""
    return replace(merged, layers=tuple(dict.fromkeys(first.layers + second.layers)))


def count_readers(graph: Graph) -> Counter[Value]:
    """How often each value is read, by operations or as an output of the graph."""
    readers = Counter(graph.outputs)
    for op in graph.ops:
        readers.update(op.inputs)
    return readers


def merge_into_producer(graph: Graph, merge: Merge) -> Graph:
    """Replace pairs of operations by what ``merge(first, second)`` makes of them.

    A pair is an operation and a unary one that alone reads its output; `merge` returns None to
    leave it as it is. Chains merge from the front: ``merge(merge(a, b), c)``.
    """
    readers = count_readers(graph)
    producers: dict[Value, int] = {}
    ops: list[Op | None] = []
    for op in graph.ops:
        merged = None
        if isinstance(op, UnaryOp) and readers[op.x] == 1 and op.x in producers:
            position = producers[op.x]
            first = ops[position]
            merged = None if first is None else merge(first, op)
            if first is not None and merged is not None:
                ops[position] = None
                merged = joined(merged, first, op)
        producers[op.out] = len(ops)
        ops.append(op if merged is None else merged)
    return Graph(graph.inputs, [op for op in ops if op is not None], graph.outputs)
