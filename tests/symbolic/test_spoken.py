"""Functions of the user's: which are traced, and which run on arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers, ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Call, Value
from cnnfast.errors import UnsupportedError
from cnnfast.ops import relu
from cnnfast.symbolic.spoken import is_of_tensors


def by_module(x: Any) -> Any:
    return cnnfast.ops.tanh(x) + 1.0


def by_name(x: Any) -> Any:
    return relu(x) * 2.0


def through_another(x: Any) -> Any:
    return by_module(x) - 1.0


def with_import(x: Any) -> Any:
    from cnnfast import ops as own

    return own.sigmoid(x)


def in_comprehension(x: Any) -> Any:
    return sum(ops.square(y) for y in (x, x)) - ops.square(x)


def scaled(x: Any, factor: float = 2.0) -> Any:
    return ops.sqrt(ops.square(x)) * factor


def arrays_only(x: Any) -> Any:
    return np.maximum(x, 0.1)


def neither(x: Any) -> Any:
    return x * 3.0


def both(x: Any) -> Any:
    return np.asarray(ops.relu(x)) + np.float32(1.0)


class Called:
    def __call__(self, x: Any) -> Any:
        return ops.exp(x)

    def method(self, x: Any) -> Any:
        return ops.exp(-x)


def closed_over() -> Callable[[Any], Any]:
    function = relu
    return lambda x: function(x) + 0.5


OF_TENSORS = [
    *(by_module, by_name, through_another, with_import, in_comprehension, scaled),
    *(partial(scaled, factor=3.0), Called(), Called().method, closed_over()),
]
OF_ARRAYS = [arrays_only, neither, both, np.tanh]


@pytest.mark.parametrize("function", OF_TENSORS)
def test_what_speaks_of_this_package_is_traced(function: Any) -> None:
    assert is_of_tensors(function)
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(2, 6)
    layer = layers.Lambda(function)
    drawn = cnnfast.Sequential([layers.Input((6,)), layer])
    np.testing.assert_allclose(drawn(x), np.asarray(function(x)), rtol=1e-5)
    np.testing.assert_array_equal(layers.Lambda(function)(x), drawn(x))
    graph = Graph()
    layer.lower(graph, Value((6,)))
    assert not any(isinstance(op, Call) for op in graph.ops)


@pytest.mark.parametrize("function", OF_ARRAYS)
def test_what_speaks_of_numpy_or_of_neither_runs_on_arrays(function: Any) -> None:
    assert not is_of_tensors(function)
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(2, 6)
    np.testing.assert_array_equal(layers.Lambda(function)(x), function(x))


def test_a_traced_function_runs_no_more_when_a_model_predicts() -> None:
    calls = []

    def counting(x: Any) -> Any:
        calls.append(x)
        return ops.relu(x)

    model = cnnfast.Sequential([layers.Input((6,)), layers.Dense(3), layers.Lambda(counting)])
    model.predict(np.ones((2, 6)), verbose=0)
    drawn = len(calls)
    model.predict(np.ones((5, 6)), verbose=0)
    assert len(calls) == drawn


def test_a_traced_lambda_takes_and_returns_several() -> None:
    def halves(inputs: Any, by: float = 1.0) -> Any:
        left, right = inputs
        return {"sum": ops.add(left, right) * by, "both": (left, ops.relu(right))}

    left, right = layers.Input((3,)), layers.Input((3,))
    outputs = layers.Lambda(halves, arguments={"by": 2.0})([left, right])
    model = cnnfast.Model([left, right], outputs)
    a, b = np.ones((2, 3), np.float32), -np.ones((2, 3), np.float32)
    made = model.predict([a, b], verbose=0)
    np.testing.assert_array_equal(made["sum"], 0 * a)
    np.testing.assert_array_equal(made["both"][0], a)
    np.testing.assert_array_equal(made["both"][1], 0 * a)


def test_an_activation_of_tensors_is_traced() -> None:
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(2, 6)
    kernel = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    plain, own = layers.Dense(4, use_bias=False), layers.Dense(4, scaled, use_bias=False)
    for layer in (plain, own):
        layer.build((None, 6))
        layer.set_weights([kernel])
    np.testing.assert_allclose(own(x), 2 * np.abs(plain(x)), rtol=1e-6)


def test_what_goes_wrong_in_a_function_names_it_and_its_line() -> None:
    def choosing(x: Any) -> Any:
        return ops.relu(x) if x else x

    with pytest.raises(TypeError, match=r"choosing.*test_spoken\.py, line \d+: `return ops"):
        layers.Dense(3, activation=choosing)(np.ones((2, 6)))


def test_a_function_that_differs_each_time_is_refused() -> None:
    numbers = iter(range(100))

    def counting(x: Any) -> Any:
        return ops.relu(x) * float(next(numbers))

    with pytest.raises(UnsupportedError, match="must compute the same whenever it runs"):
        layers.Lambda(counting)(np.ones((2, 6)))
