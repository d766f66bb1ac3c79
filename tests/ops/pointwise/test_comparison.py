"""Comparisons, logic, choices and order in a graph are those of Keras, and run in the core."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import ops
from cnnfast._core import Plan
from cnnfast.errors import UnsupportedError
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.variables import Variable
from operation_parity import Case, compare, model_of

VECTOR = np.array([0.5, -0.5, 0.0, 1.0], np.float32)

CASES: dict[str, Case] = {
    "comparisons": lambda o, x, y: (
        *(o.equal(x, y), o.not_equal(x, y), o.greater(x, y), o.greater_equal(x, y)),
        *(o.less(x, y), o.less_equal(x, y)),
    ),
    "with numbers": lambda o, x, y: (
        x > 0,
        x < 0.5,
        o.less_equal(0.25, x),
        x <= 0,
        o.equal(x, 0),
        x != 1,
    ),
    "with vectors": lambda o, x, y: (o.greater(x, VECTOR), o.less(VECTOR, x), x >= VECTOR),
    "broadcast": lambda o, x, y: (x > y[:, :1, :, :1], x[..., :1] <= y[:, :1]),
    "logic": lambda o, x, y: (
        *(o.logical_and(x > 0, y > 0), o.logical_or(x > 0, y > 0), o.logical_xor(x > 0, y > 0)),
        *(o.logical_not(x > 0), ~(x > 0), (x > 0) & (y > 0), (x > 0) | (y > 0), (x > 0) ^ (y > 0)),
    ),
    "logic of numbers": lambda o, x, y: (
        *(o.logical_and(x, y), o.logical_or(x, o.relu(y)), o.logical_not(o.relu(x))),
        o.logical_xor(o.relu(x), y),
    ),
    "where": lambda o, x, y: (
        *(o.where(x > 0, x, y), o.where(x > y, 1.0, 0.0), o.where(x > 0, x, -1.0)),
        *(o.where(x > 0, 0.0, y), o.where(x[..., :1] > 0, x, y), o.where(x > 0, x[:, :1], y)),
    ),
    "where of vectors": lambda o, x, y: (o.where(x > 0, VECTOR, y), o.where(VECTOR > 0, x, y)),
    "where of integers": lambda o, x, y: o.where(x > 0, 1, 0),
    "not numbers": lambda o, x, y: (o.isnan(x), o.isinf(x), o.isfinite(x)),
    "argmax": lambda o, x, y: (
        *(o.argmax(x, axis=-1), o.argmax(x, axis=1), o.argmax(x, axis=2, keepdims=True)),
        *(o.argmin(x, axis=-1), o.argmin(x, axis=1, keepdims=True)),
    ),
    "sort": lambda o, x, y: (o.sort(x), o.sort(x, axis=1), o.argsort(x), o.argsort(x, axis=2)),
    "top_k": lambda o, x, y: (*o.top_k(x, 2), *o.top_k(o.transpose(x, (0, 3, 2, 1)), 5)),
    "cumsum": lambda o, x, y: (o.cumsum(x, axis=1), o.cumsum(x, axis=-1), o.cumsum(x > 0, axis=2)),
    "cumprod": lambda o, x, y: (o.cumprod(x, axis=1), o.cumprod(x, axis=-1)),
    "take_along_axis": lambda o, x, y: (
        *(o.take_along_axis(x, o.argsort(x, axis=1), axis=1),),
        *(o.take_along_axis(x, o.argmax(x, axis=-1, keepdims=True), axis=-1),),
        *(o.take_along_axis(x, o.argmax(y, axis=2, keepdims=True), axis=2),),
    ),
    "mod": lambda o, x, y: (o.mod(x, y), x % 0.3, 1 % x, o.mod(x, -0.7)),
    "arctan2": lambda o, x, y: (o.arctan2(x, y), o.arctan2(x, VECTOR), o.arctan2(1.0, x)),
}


def tensors(rng: np.random.Generator) -> list[np.ndarray]:
    x, y = (rng.normal(size=(3, 6, 5, 4)).astype(np.float32) for _ in range(2))
    x[0, 0, 0] = y[0, 0, 0]  # some are equal
    x[1, 2] = np.round(x[1, 2])  # zeros of both signs
    return [x, y]


@pytest.mark.parametrize("case", CASES)
def test_an_operation_is_that_of_keras(case: str, rng: np.random.Generator) -> None:
    compare(CASES[case], tensors(rng))


@pytest.mark.parametrize("case", CASES)
def test_it_runs_in_one_plan(case: str) -> None:
    model = model_of(cnnfast, CASES[case], (6, 5, 4))
    x = np.ones((2, 6, 5, 4), np.float32)
    model.predict([x, x], verbose=0)
    (plan,) = model._executor.plans.values()
    assert isinstance(plan, Plan)


SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 3e38, 1e-45], np.float32)


def test_infinities_and_nan_are_treated_as_in_keras() -> None:
    rest = np.roll(SPECIAL, 1)
    x = [np.stack([SPECIAL] * 3)[None], np.stack([SPECIAL, rest, np.roll(rest, 3)])[None]]
    # A denormal number is 0 in a plan.
    x = [np.where(np.abs(array) == np.float32(1e-45), 0, array) for array in x]
    for name in ("comparisons", "logic", "logic of numbers", "not numbers"):
        compare(CASES[name], x)
    compare(lambda o, a, b: (o.where(a > b, a, b), o.where(b, a, 0.0), o.where(a, a, b)), x)
    compare(lambda o, a, b: (o.argmax(a, axis=-1), o.argmin(b, axis=-1)), x)
    compare(lambda o, a, b: (o.sort(b, axis=1), o.sort(a), *o.top_k(a, 4)), x)


def test_a_chosen_zero_keeps_its_sign() -> None:
    x = cnnfast.Input((2,))
    model = cnnfast.Model(x, 1.0 / ops.where(x > 1, -0.0, x))
    made = model.predict(np.array([[2.0, -0.0]], np.float32), verbose=0)
    np.testing.assert_array_equal(made, [[-np.inf, -np.inf]])


def test_the_largest_of_zeros_is_one_without_a_sign(rng: np.random.Generator) -> None:
    x = rng.choice(np.array([-0.0, 0.0, -1.0], np.float32), size=(3, 6, 5, 4))
    x[1] = np.abs(x[1])

    def positions(o: Any, a: Any, b: Any) -> Any:
        return [f(a, axis=axis) for f in (o.argmax, o.argmin) for axis in (1, 2, 3)]

    compare(positions, [x, x])
    for made, expected in zip(positions(ops, x, x), positions(keras.ops, x, x), strict=True):
        np.testing.assert_array_equal(made, expected)


def test_equal_numbers_stay_in_order() -> None:
    x = np.tile(np.array([3, 1, 2], np.float32), 40)[None]
    begin = cnnfast.Input((120,))
    model = cnnfast.Model(begin, [ops.argsort(begin), ops.top_k(begin, 50)[1]])
    order, top = model.predict(x, verbose=0)
    np.testing.assert_array_equal(order[0], np.argsort(x[0], kind="stable"))
    np.testing.assert_array_equal(top[0], np.argsort(-x[0], kind="stable")[:50])


def test_a_position_that_does_not_exist_gives_no_number() -> None:
    x, at = cnnfast.Input((3,)), cnnfast.Input((5,), dtype="int32")
    model = cnnfast.Model([x, at], ops.take_along_axis(x, at, axis=1))
    numbers = np.array([[10, 20, 30]], np.float32)
    made = model.predict([numbers, np.array([[0, -1, 3, -3, -4]])], verbose=0)
    np.testing.assert_array_equal(made, [[10, 30, np.nan, 10, np.nan]])


def test_rows_of_a_table_are_taken_by_positions_that_are_computed(
    rng: np.random.Generator,
) -> None:
    table = rng.normal(size=(7, 4, 2)).astype(np.float32)
    at = cnnfast.Input((5,), dtype="int32")
    model = cnnfast.Model(at, ops.take(Variable(table, name="table"), at, axis=0))
    places = rng.integers(-7, 7, (3, 5))
    assert model.output_shape == (None, 5, 4, 2)
    np.testing.assert_array_equal(model.predict(places, verbose=0), table[places])
    with pytest.raises(UnsupportedError, match=r"first axis of a constant.*Received: axis=1"):
        ops.take(table, at, axis=1)
    with pytest.raises(UnsupportedError, match=r"take_along_axis.*Received: "):
        ops.take(cnnfast.Input((5,)), at, axis=1)


def test_bits_do_not_depend_on_the_batch(rng: np.random.Generator) -> None:
    x = rng.normal(size=(9, 40, 7)).astype(np.float32)
    begin = cnnfast.Input((40, 7))
    outputs = [ops.sort(begin, axis=1), ops.cumsum(begin, axis=1), ops.argmax(begin, axis=1)]
    model = cnnfast.Model(begin, outputs)
    for many, *ones in zip(
        model.predict(x, verbose=0),
        *(model.predict(row[None], verbose=0) for row in x),
        strict=True,
    ):
        np.testing.assert_array_equal(many, np.concatenate(ones))


def test_a_comparison_is_a_tensor_of_truths() -> None:
    x = cnnfast.Input((3,))
    for made in (x > 0, x == 0, x != 1, ops.isnan(x), ops.logical_not(x)):
        assert isinstance(made, KerasTensor)
        assert made.dtype == "bool"
    assert (x == None) is False  # noqa: E711
    with pytest.raises(TypeError, match=r"neither true nor false"):
        bool(x > 0)


ACROSS_THE_BATCH = {
    "argmax": ops.argmax,
    "argmin": lambda x: ops.argmin(x, axis=0),
    "sort": lambda x: ops.sort(x, axis=0),
    "cumsum": ops.cumsum,
    "take_along_axis": lambda x: ops.take_along_axis(x, ops.argsort(x, axis=1), axis=0),
    "where": lambda x: ops.where(x > 0, x, np.ones((4, 3))),
    "another rank": lambda x: ops.where(ops.argmax(x, axis=1) > 0, x, x),
}


@pytest.mark.parametrize("case", ACROSS_THE_BATCH)
def test_what_would_cross_the_batch_is_refused(case: str) -> None:
    with pytest.raises(UnsupportedError, match=r"batch.*Received: "):
        ACROSS_THE_BATCH[case](cnnfast.Input((3,)))


def test_positions_where_a_condition_holds_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"where\(condition, x1, x2\).*Received: "):
        ops.where(cnnfast.Input((3,)) > 0)
