"""Kernels as integers, one scale for each output channel."""

import numpy as np
import pytest

from cnnfast.engine.late import late
from cnnfast.engine.quantized.weights import MOST_PRODUCTS, integer_weights


@pytest.mark.parametrize(
    ("shape", "axes"), [((3, 3, 5, 7), 1), ((3, 3, 5, 2), 2), ((1, 1, 9, 1), 1)]
)
def test_each_channel_uses_all_integers(shape, axes):
    rng = np.random.default_rng(0)
    spread = 10.0 ** rng.uniform(-4, 2, shape[4 - axes :])
    kernel = (rng.standard_normal(shape) * spread).astype(np.float32)
    made = integer_weights(kernel, np.zeros(spread.size), axes, 0.1)
    integers = np.asarray(made.kernel)
    assert integers.dtype == np.float32
    assert np.array_equal(integers, np.rint(integers))
    flat = np.abs(integers).reshape(-1, spread.size)
    assert np.array_equal(flat.max(axis=0), np.full(spread.size, 127))
    restored = integers * made.scales.reshape(spread.shape)
    assert np.all(np.abs(restored - kernel) <= 0.5001 * made.scales.reshape(spread.shape))


def test_rows_are_those_of_the_whole():
    kernel = np.random.default_rng(1).standard_normal((40, 3, 5, 6)).astype(np.float32)
    made = integer_weights(kernel, np.zeros(6), 1, 1.0).kernel
    assert made.rows is not None
    whole = np.asarray(made).reshape(-1, 6)
    assert np.array_equal(made.rows(7, 55), whole[7:55])


def test_a_bias_far_larger_than_the_weights_takes_their_place():
    kernel = np.full((1, 1, 4, 2), 1e-9, np.float32)
    made = integer_weights(kernel, np.array([1e3, 0.0]), 1, 0.01)
    assert made.bias[0] * made.scales[0] * 0.01 == pytest.approx(1e3, rel=1e-6)
    assert np.abs(np.asarray(made.kernel)[..., 0]).max() == 0
    assert np.abs(np.asarray(made.kernel)[..., 1]).max() == 127


def test_zero_weights_have_a_scale():
    made = integer_weights(np.zeros((1, 1, 3, 2), np.float32), np.zeros(2), 1, 1.0)
    assert np.array_equal(made.scales, [1.0, 1.0])


def test_the_longest_sum_with_the_largest_bias_is_an_int32():
    assert MOST_PRODUCTS * 255 * 127 + 2**29 < 2**31


def test_other_scales_are_another_kernel():
    kernel = late(np.ones((1, 1, 3, 2), np.float32))
    first, second = (
        integer_weights(kernel, np.array([bias, 0.0]), 1, 1e-9).kernel.key for bias in (0.0, 9e9)
    )
    assert first != second
