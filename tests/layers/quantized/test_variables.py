"""Weights of one byte a number."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from cnnfast.engine.late import late
from cnnfast.layers.quantized.variables import IntegerVariable


def test_integers_take_a_byte_and_are_float32_where_they_are_packed() -> None:
    kernel = IntegerVariable((2, 3), "int8", name="kernel", path="a/kernel")
    assert (kernel.numpy().dtype, kernel.itemsize, kernel.storage) == (np.int8, 1, "deferred")
    assert IntegerVariable((1 << 40, 9), "int8", name="a", path="a").shape == (1 << 40, 9)
    whole = np.arange(-3, 3).reshape(2, 3)
    version = kernel.version
    kernel.assign(whole)
    assert kernel.version > version
    assert kernel.storage == "own"
    assert repr(kernel) == "<Variable path=a/kernel, shape=(2, 3), dtype=int8>"
    numbers = late(kernel)
    assert np.asarray(numbers).dtype == np.float32
    np.testing.assert_array_equal(numbers.make(), whole)
    assert numbers.rows is not None
    np.testing.assert_array_equal(numbers.rows(1, 2), whole[1:])
    np.testing.assert_array_equal(kernel + 1, whole + 1)
    for twin in (pickle.loads(pickle.dumps(kernel)), copy.deepcopy(kernel)):
        assert (twin.dtype, twin.path) == ("int8", "a/kernel")
        np.testing.assert_array_equal(twin.numpy(), whole)
    with pytest.raises(ValueError, match="read-only"):
        kernel.numpy()[0, 0] = 1


@pytest.mark.parametrize("value", [0.5, 128, -129, np.nan, np.inf])
def test_numbers_that_do_not_fit_are_refused_and_change_nothing(value: float) -> None:
    kernel = IntegerVariable((2,), "int8", name="kernel", path="a/kernel")
    kernel.assign([1, 2])
    with pytest.raises(ValueError, match="whole numbers from -128 to 127"):
        kernel.assign([value, 0])
    with pytest.raises(ValueError, match="must match"):
        kernel.assign([1, 2, 3])
    np.testing.assert_array_equal(kernel.numpy(), [1, 2])
