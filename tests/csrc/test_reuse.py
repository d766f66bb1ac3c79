"""Operations that write over their first input: the numbers stay right and take less memory."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast._core import BinaryKind, ReductionKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Affine, Binary, Reduce, Reshape, Value
from cnnfast.engine.program import build as build_plan
from csrc.plans import Floats, graph_of, run

HEIGHT, WIDTH, CHANNELS = IMAGE = (6, 5, 24)


def doubled(graph: Graph, v: Value) -> Value:
    scale = np.full(v.shape[-1], 2, np.float32)
    return graph.add(Affine(v, Value(v.shape), scale, np.zeros_like(scale)))


def largest(graph: Graph, v: Value) -> Value:
    """The maximum of each channel, (1, 1, channels)."""
    return graph.add(Reduce(v, Value((1, 1, v.shape[-1])), ReductionKind.MAX, 0, 2))


def binary(graph: Graph, x: Value, y: Value, kind: BinaryKind) -> Value:
    return graph.add(Binary(x, y, Value(IMAGE), kind))


def gated(graph: Graph, v: Value) -> Value:
    return binary(graph, v, largest(graph, v), BinaryKind.MULTIPLY)


@pytest.fixture
def x(rng: np.random.Generator) -> Floats:
    return rng.standard_normal((3, *IMAGE), np.float32)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_value_that_is_read_later_is_not_written_over(x: Floats, threads: int) -> None:
    def add(graph: Graph, v: Value) -> Value:
        first = doubled(graph, v)
        sums = binary(graph, doubled(graph, gated(graph, first)), first, BinaryKind.ADD)
        return doubled(graph, sums)

    product = 2 * x * (2 * x).max((1, 2), keepdims=True)
    np.testing.assert_array_equal(run(add, x, threads), 2 * (2 * product + 2 * x))


def test_a_value_that_is_read_later_in_another_shape_is_not_written_over(x: Floats) -> None:
    def add(graph: Graph, v: Value) -> Value:
        first = doubled(graph, v)
        flat = graph.add(Reshape(first, Value((HEIGHT * WIDTH * CHANNELS,))))
        again = doubled(graph, gated(graph, first))
        unchanged = graph.add(Reshape(doubled(graph, flat), Value(IMAGE)))
        return binary(graph, again, unchanged, BinaryKind.SUBTRACT)

    product = 2 * x * (2 * x).max((1, 2), keepdims=True)
    np.testing.assert_array_equal(run(add, x), 2 * product - 4 * x)


def test_an_input_that_is_repeated_is_not_written_over(x: Floats) -> None:
    def add(graph: Graph, v: Value) -> Value:
        image = doubled(graph, v)
        rest = binary(graph, largest(graph, image), image, BinaryKind.SUBTRACT)
        return doubled(graph, rest)

    want = 2 * ((2 * x).max((1, 2), keepdims=True) - 2 * x)
    np.testing.assert_array_equal(run(add, x), want)


def test_what_is_written_over_its_input_takes_no_memory_of_its_own() -> None:
    def workspace(steps: int) -> int:
        def add(graph: Graph, v: Value) -> Value:
            v = doubled(graph, v)
            for _ in range(steps):
                v = gated(graph, v)
            return doubled(graph, v)

        return build_plan(graph_of(IMAGE, add)).workspace_bytes(1, 1)

    image = 4 * HEIGHT * WIDTH * CHANNELS
    assert image <= workspace(1) < 1.5 * image
    assert workspace(4) == workspace(1)
