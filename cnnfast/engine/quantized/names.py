"""Names of values that stay the same from one lowering of a network to the next."""

from __future__ import annotations

from collections import Counter

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Op, Value


def names_of(graph: Graph) -> dict[Value, str]:
    """Return a name for each value: of the layers that make it, and what they do there.

    What a layer does several times is counted in the order in which it is done.
    """
    seen: Counter[str] = Counter()
    names: dict[Value, str] = {}
    for value in graph.inputs:
        names[value] = _counted("input", seen)
    for op in graph.ops:
        names[op.out] = _counted(f"{label(op)}: {type(op).__name__}", seen)
    return names


def label(op: Op) -> str:
    """Return the layers that an operation comes from, as reports show them."""
    return " + ".join(op.layers)


def _counted(name: str, seen: Counter[str]) -> str:
    seen[name] += 1
    return name if seen[name] == 1 else f"{name} {seen[name]}"
