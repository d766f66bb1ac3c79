"""Leave out what nothing reads."""

from __future__ import annotations

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Call, Op


def drop_unused(graph: Graph) -> Graph:
    """Return the graph without operations that no output follows from; a user's function stays."""
    read = set(graph.outputs)
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if isinstance(op, Call) or op.out in read:
            kept.append(op)
            read.update(op.inputs)
    return Graph(graph.inputs, kept[::-1], graph.outputs)
