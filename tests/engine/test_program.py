"""A user's NumPy functions run between plans."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine.ops import Activate, Activation, Binary, Call, Value
from cnnfast.engine.program import Program, build
from csrc.plans import graph_of

SQUARE = Activation(ActivationKind.SQUARE)


def sandwich(function):
    """square, `function`, then the sum of both: the function's input is read twice."""

    def add(graph, x):
        squared = graph.add(Activate(x, Value(x.shape), SQUARE))
        called = graph.add(Call((squared,), Value(x.shape), function, "user"))
        return graph.add(Binary(called, squared, Value(x.shape), BinaryKind.ADD))

    return graph_of((3,), add)


def run(program, x):
    out = np.empty((len(x), *program.output_shapes[0]), np.float32)
    program.run([x], [out], 2)
    return out


def test_a_function_runs_between_two_plans():
    program = build(sandwich(lambda x: x[:, ::-1].astype(np.float64)))
    assert isinstance(program, Program)
    got = run(program, np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    np.testing.assert_array_equal(got, [[10, 8, 10], [52, 50, 52]])


def test_a_function_that_returns_another_shape_is_named():
    program = build(sandwich(lambda x: x[:, :2]))
    with pytest.raises(
        ValueError, match=r"'user' must return .*\(2, 3\).*Received: shape \(2, 2\)"
    ):
        run(program, np.ones((2, 3), np.float32))


def test_a_function_may_be_the_whole_model():
    graph = graph_of((3,), lambda g, x: g.add(Call((x,), Value((1,)), _total, "total")))
    np.testing.assert_array_equal(run(build(graph), np.ones((2, 3), np.float32)), [[3], [3]])


def _total(x):
    return x.sum(1, keepdims=True)
