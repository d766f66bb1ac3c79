"""Plans of one or a few operations, run on arrays: what the tests of the core share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.engine.program import build as build_plan

Floats = npt.NDArray[np.float32]


def graph_of(shape: tuple[int, ...], add: Callable[[Graph, Value], Value]) -> Graph:
    """The graph of one input of `shape` whose output is what `add` returns."""
    graph = Graph()
    graph.outputs = [add(graph, graph.add_input(shape))]
    return graph


def run_graph(graph: Graph, x: Floats, threads: int = 1) -> Floats:
    """The output of `graph` for the batch `x`; NaN where the plan would leave it unwritten."""
    plan = build_plan(graph)
    out = np.full((len(x), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run([x], [out], threads)
    return out


def run(add: Callable[[Graph, Value], Value], x: Floats, threads: int = 1) -> Floats:
    """The output of the operations that `add` appends, for the batch `x`."""
    return run_graph(graph_of(x.shape[1:], add), x, threads)
