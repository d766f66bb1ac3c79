"""Packed integers and rounded floats, against Keras and ml_dtypes."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from cnnfast.layers.quantized import numbers
from parity import keras


def test_packed_integers_are_those_of_keras(rng: np.random.Generator) -> None:
    for dtype, low, high in (("int8", -8, 8), ("uint8", 0, 16)):
        for axis in (0, 1, -1):
            whole = rng.integers(low, high, (5, 7)).astype(dtype)
            packed, _, count = keras.quantizers.pack_int4(whole, axis=axis, dtype=dtype)
            np.testing.assert_array_equal(
                numbers.unpack_int4(np.asarray(packed), count, axis), whole
            )


def test_floats_are_rounded_as_their_types_are(rng: np.random.Generator) -> None:
    grid = np.arange(256, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(np.float32)
    grid = np.sort(grid[np.isfinite(grid)])
    halves = (grid[1:] + grid[:-1]) / 2
    near = [np.nextafter(halves, side, dtype=np.float32) for side in (-np.inf, np.inf)]
    x = np.concatenate([grid, halves, *near, rng.normal(0, 100, 999), [np.nan, 5e-4, -1e-9]])
    x = x.astype(np.float32)
    expected = x.astype(ml_dtypes.float8_e4m3fn).astype(np.float32)
    fits = np.abs(x) <= 448
    np.testing.assert_array_equal(numbers.to_float8(x)[fits], expected[fits])
    np.testing.assert_array_equal(numbers.to_float8(np.float32([np.inf, -1e9])), [448, -448])
    assert np.isnan(numbers.to_float8(np.float32([np.nan]))).all()
    theirs = keras.quantizers.quantize_and_dequantize(
        x, np.float32(0.37), "float8_e4m3fn", "float32"
    )
    np.testing.assert_array_equal(numbers.through_float8(x, np.float32(0.37)), np.asarray(theirs))
    y = np.concatenate([x, 1 + np.arange(1, 9) / 256]).astype(np.float32)
    np.testing.assert_array_equal(
        numbers.to_bfloat16(y), y.astype(ml_dtypes.bfloat16).astype(np.float32)
    )


@pytest.mark.parametrize("indices", [[0, 2], [-1, 0], [0, np.nan], [np.inf, 0]])
def test_a_number_of_no_group_is_refused(indices: list[float]) -> None:
    with pytest.raises(ValueError, match="`g_idx` must hold numbers of groups, from 0 to 1"):
        numbers.group_numbers(np.array(indices, np.float32), 2)
    np.testing.assert_array_equal(
        numbers.group_numbers(np.array([0.75, 1.0, 1.5, -0.5], np.float32), 2), [0, 1, 1, 0]
    )
