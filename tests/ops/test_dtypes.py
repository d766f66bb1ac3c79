"""Operations on integers, truths and what is not finite: the numbers and dtypes of Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import ops
from cnnfast.errors import UnsupportedError
from parity import keras

X = np.array([[-2.5, 0.5, 1.0, 3.5]], np.float32)
N = np.array([[-3, 0, 2, 16777217]], np.int32)  # the first that float32 does not hold
Q = np.array([[0, 1, 2, 250]], np.uint8)
T = X > 0

AT_ONCE: dict[str, Callable[[Any], Any]] = {
    "relu": lambda o: (o.relu(N), o.relu(T), o.relu(Q)),
    "trunc": lambda o: (o.trunc(N), o.trunc(T), o.trunc(X)),
    "nan_to_num": lambda o: (o.nan_to_num(N), o.nan_to_num(T)),
    "nansum": lambda o: (o.nansum(N), o.nansum(T, axis=1), o.nansum(Q)),
    "nanmax": lambda o: (o.nanmax(N, axis=1), o.nanmin(Q, axis=1)),
    "imag": lambda o: (o.imag(N), o.imag(X)),
    "square": lambda o: (o.square(T), o.square(N)),
    "tril": lambda o: (o.tril(np.ones((3, 3), bool)), o.triu(np.ones((3, 3), bool))),
    "trapezoid": lambda o: o.trapezoid(T, axis=1),
    "clip": lambda o: (o.clip(N, 0.5, 1.5), o.clip(N, 0, 5), o.clip(T, 0, 1)),
    "divide": lambda o: (o.divide(Q, -1), o.divide(-1, Q[:, 1:]), o.divide(T, T[:, 1:2])),
    "arctan2": lambda o: (o.arctan2(Q, -1), o.arctan2(T, T)),
    "truths as integers": lambda o: (o.mod(T, True), o.power(T, T), o.floor_divide(T, True)),
    "vander": lambda o: o.vander(Q[0], 3),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_integers_and_truths_give_the_numbers_and_dtypes_of_keras(case: str) -> None:
    made, expected = (AT_ONCE[case](o) for o in (ops, keras.ops))
    for ours, tensor in zip(
        *(x if type(x) is tuple else (x,) for x in (made, expected)), strict=True
    ):
        theirs = np.asarray(tensor)
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


SPECIAL = np.array(
    [[-np.inf, -np.inf, -np.inf], [np.inf, 1.0, 2.0], [np.nan, 1.0, 2.0]], np.float32
)

IN_MODELS: dict[str, Callable[[Any, Any], Any]] = {
    "floor_divide": lambda o, x: x // 0.1,
    "floor_divide below 0": lambda o, x: (x // -0.1, 7.0 // x),
    "maximum of NaN": lambda o, x: (o.maximum(x, np.nan), o.minimum(x, np.nan)),
    "sum of truths": lambda o, x: o.sum(x > 0, axis=1) + o.sum(x > 1, axis=1),
    "square of truths": lambda o, x: o.square(x > 0) + o.square(x > 1),
    "clip of integers": lambda o, x: o.clip(o.cast(x, "int32"), 0.5, 1.5) * 3,
    "tril of truths": lambda o, x: o.tril(o.reshape(x > -9, (-1, 2, 2))),
}


@pytest.mark.parametrize("case", IN_MODELS)
def test_a_model_computes_integers_and_truths_as_keras(case: str) -> None:
    x = cnnfast.Input((4,))
    made, expected = (IN_MODELS[case](*pair) for pair in ((ops, x), (keras.ops, X)))
    for tensor, theirs in zip(
        *(y if type(y) is tuple else (y,) for y in (made, expected)), strict=True
    ):
        assert tensor.dtype == keras.backend.standardize_dtype(theirs.dtype)
        ours = cnnfast.Model(x, tensor).predict(X, verbose=0)
        np.testing.assert_allclose(ours, np.asarray(theirs, np.float32), rtol=1e-6)


@pytest.mark.parametrize("name", ["logsumexp", "log_softmax"])
def test_a_logarithm_of_sums_of_what_is_infinite_is_that_of_keras(name: str) -> None:
    x = cnnfast.Input((3,))
    model = cnnfast.Model(x, getattr(ops, name)(x, axis=1))
    expected = np.asarray(getattr(keras.ops, name)(SPECIAL, axis=1))
    np.testing.assert_array_equal(model.predict(SPECIAL, verbose=0), expected)


WRAPPING: dict[str, Callable[[Any], Any]] = {
    "negative": lambda x: ops.negative(ops.cast(x, "uint8")),
    "square": lambda x: ops.square(ops.cast(x, "uint8")),
    "matmul": lambda x: ops.matmul(x > 0, np.ones((4, 2), bool)),
    "einsum": lambda x: ops.einsum("bi,ij->bj", x > 0, np.ones((4, 2), bool)),
    "inner": lambda x: ops.inner(x > 0, np.ones(4, bool)),
    "layer_normalization": lambda x: ops.layer_normalization(ops.cast(x, "int32")),
    "rms_normalization": lambda x: ops.rms_normalization(N),
    "prod": lambda x: ops.prod(x, axis=1, dtype="int32"),
}


@pytest.mark.parametrize("case", WRAPPING)
def test_what_keras_computes_in_integers_is_refused(case: str) -> None:
    with pytest.raises(UnsupportedError, match=r"[Cc]ast.*Received: "):
        WRAPPING[case](cnnfast.Input((4,)))
