"""Steps along an axis are those of NumPy, on any number of threads, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnfast._core import PlanBuilder, ScanKind
from cnnfast.engine import index_ops, ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from csrc.plans import run

# (axis, shape of an image): columns beside one another, and more of them than a strip holds.
SHAPES = [
    (0, (9,)),
    (1, (3, 17)),
    (0, (17, 5)),
    (1, (4, 33, 70)),
    (2, (2, 3, 130)),
    (0, (3, 2, 67)),
]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("axis", "shape"), SHAPES)
def test_a_step_along_an_axis_is_that_of_numpy(
    axis: int, shape: tuple[int, ...], threads: int, rng: np.random.Generator
) -> None:
    x = np.round(rng.normal(size=(4, *shape)), 1).astype(np.float32) + 0  # no -0
    own = axis + 1
    count = (shape[axis] + 1) // 2
    few = (*shape[:axis], count, *shape[axis + 1 :])
    one = (*shape[:axis], 1, *shape[axis + 1 :])

    def extreme(graph: Graph, v: Value) -> Value:
        return graph.add(index_ops.Extreme(v, Value(one), axis, largest=True))

    def order(graph: Graph, v: Value) -> Value:
        return graph.add(index_ops.Order(v, Value(few), axis, descending=False))

    def sums(graph: Graph, v: Value) -> Value:
        return graph.add(index_ops.Scan(v, Value(shape), axis, ScanKind.SUM))

    def ordered(graph: Graph, v: Value) -> Value:
        places = graph.add(index_ops.Order(v, Value(shape), axis, descending=False))
        return graph.add(index_ops.Gather(v, places, Value(shape), axis))

    largest = np.expand_dims(x.argmax(own), own)
    first = np.take(np.argsort(x, own, kind="stable"), np.arange(count), own)
    np.testing.assert_array_equal(run(extreme, x, threads), largest)
    np.testing.assert_array_equal(run(order, x, threads), first)
    np.testing.assert_allclose(run(sums, x, threads), x.cumsum(own), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(run(ordered, x, threads), np.sort(x, own))


@pytest.mark.parametrize("largest", [True, False])
def test_of_zeros_the_one_with_a_sign_is_smaller(largest: bool) -> None:
    x = np.array([[-0.0, 0.0, -0.0], [0.0, -0.0, 0.0], [-0.0, -1.0, 1.0]], np.float32)

    def extreme(graph: Graph, v: Value) -> Value:
        return graph.add(index_ops.Extreme(v, Value((1,)), 0, largest))

    expected = [[1], [0], [2]] if largest else [[0], [1], [1]]
    np.testing.assert_array_equal(run(extreme, x), expected)


def test_a_position_picks_all_behind_it(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 5, 3, 4)).astype(np.float32)
    places = np.array([4, 0, -1, 5, -5, -6], np.float32)

    def rows(graph: Graph, v: Value) -> Value:
        at = graph.add(ops.Constant(Value((6, 1, 1)), places.reshape(6, 1, 1)))
        return graph.add(index_ops.Gather(v, at, Value((6, 3, 4)), 0))

    expected = np.take(x, [4, 0, 4, 0, 0, 0], axis=1)
    expected[:, [3, 5]] = np.nan
    np.testing.assert_array_equal(run(rows, x), expected)


WRONG: list[Callable[[Any, int], Any]] = [
    lambda b, x: b.extreme(x, [3], 2, True),
    lambda b, x: b.extreme(x, [4], 1, True),
    lambda b, x: b.order(x, 1, 5, True),
    lambda b, x: b.order(x, 1, 0, True),
    lambda b, x: b.order(x, -1, 1, True),
    lambda b, x: b.scan(x, 2, ScanKind.SUM),
    lambda b, x: b.gather(x, b.input([2, 4]), [2, 4], 1),
    lambda b, x: b.gather(x, x, [3, 5], 1),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_refused(wrong: Callable[[Any, int], Any]) -> None:
    builder = PlanBuilder()
    with pytest.raises(ValueError, match=r"."):
        wrong(builder, builder.input([3, 4]))
