"""The walks over a graph that passes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Op, Value

Merge = Callable[[Op, Op], Op | None]


def count_readers(graph: Graph) -> Counter[Value]:
    """How often each value is read, by operations or as an output of the graph."""
    readers = Counter(op.x for op in graph.ops)
    readers.update(graph.outputs)
    return readers


def merge_into_producer(graph: Graph, merge: Merge) -> Graph:
    """Replace pairs of operations by what ``merge(first, second)`` makes of them.

    A pair is an operation and the only reader of its output; `merge` returns None to leave
    it as it is. Chains merge from the front: ``merge(merge(a, b), c)``.
    """
    readers = count_readers(graph)
    producers: dict[Value, int] = {}
    ops: list[Op | None] = []
    for op in graph.ops:
        position = producers.get(op.x)
        first = ops[position] if position is not None else None
        merged = merge(first, op) if first is not None and readers[op.x] == 1 else None
        if position is not None and merged is not None:
            ops[position] = None
        producers[op.out] = len(ops)
        ops.append(op if merged is None else merged)
    return Graph(graph.inputs, [op for op in ops if op is not None], graph.outputs)
