"""Casts to integers of few bits, beside Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import cnnfast

NARROW = ("int8", "uint8", "int16", "uint16", "int32")


def predicted(package: Any, given: str, wanted: str, x: Any) -> Any:
    inputs = package.Input(x.shape[1:], dtype=given)
    y = package.ops.cast(package.ops.cast(inputs, wanted), "float32")
    return package.Model(inputs, y).predict(x, verbose=0)


@pytest.mark.parametrize("wanted", NARROW)
def test_floats_end_at_the_limits_and_integers_begin_again(wanted: str) -> None:
    floats = np.array([[200.7, -200.7, -0.5, 3.9, 7e4, -7e4, 3e9, -3e9]], np.float32)
    integers = np.array([[300, -5, 70000, -40000, 127, -128, 255, 0]], np.int32)
    for x in (floats, integers):
        given = x.dtype.name
        np.testing.assert_array_equal(
            predicted(cnnfast, given, wanted, x), predicted(keras, given, wanted, x)
        )


def test_floats_in_arrays_end_at_the_limits_too() -> None:
    x = np.array([[200.7, -200.7, np.nan, 3e30]])
    for dtype in (*NARROW, "int64"):
        limits = np.iinfo("int32" if dtype == "int64" else dtype)
        made = cnnfast.ops.cast(x, dtype)
        assert made[0, 2] == 0
        assert made[0, 3] == limits.max
        assert made[0, 0] == min(200, limits.max)
        assert made[0, 1] == max(-200, limits.min)
