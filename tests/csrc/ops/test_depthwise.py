"""Depthwise convolutions agree with the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from cnnfast.engine.ops import DepthwiseConv2D, Value, Window
from csrc.plans import run


@pytest.mark.long
@given(
    size=st.tuples(*[st.integers(1, 4)] * 2),
    strides=st.tuples(*[st.integers(1, 3)] * 2),
    dilation=st.tuples(*[st.integers(1, 2)] * 2),
    channels=st.integers(1, 40),
    multiplier=st.integers(1, 3),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_depthwise_convolutions(size, strides, dilation, channels, multiplier, pads, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 9, 11, channels), np.float32)
    kernel = rng.standard_normal((*size, channels, multiplier), np.float32)
    bias = rng.standard_normal(channels * multiplier, np.float32)
    check_depthwise(x, kernel, bias, Window(size, strides, dilation, pads))


@pytest.mark.parametrize("channels", [1, 2, 4, 8, 12, 24, 40, 63, 64, 65, 150])
@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_depthwise_convolutions_of_any_part_of_vectors(channels, size, dilation, rng):
    """Pixels of a row are joined where they fill vectors, and large images done by channel."""
    x = rng.standard_normal((2, 10, 24, channels), np.float32)
    kernel = rng.standard_normal((size, size, channels, 1), np.float32)
    reach = (size - 1) * dilation
    pads = (reach // 2, reach - reach // 2) * 2
    bias = rng.standard_normal(channels, np.float32)
    check_depthwise(x, kernel, bias, Window((size, size), (1, 1), (dilation, dilation), pads))


@pytest.mark.parametrize("channels", [2, 4, 8])
def test_pixels_whose_depthwise_windows_are_no_neighbours_are_not_joined(channels, rng):
    x = rng.standard_normal((2, 9, 17, channels), np.float32)
    kernel = rng.standard_normal((3, 3, channels, 1), np.float32)
    bias = rng.standard_normal(channels, np.float32)
    check_depthwise(x, kernel, bias, Window((3, 3), (1, 2)))


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [(1, 1), (1, 2)])
@pytest.mark.parametrize("channels", [16, 37])
def test_square_depthwise_windows(size, stride, dilation, channels, rng):
    x = rng.standard_normal((2, 9, 11, channels), np.float32)
    kernel = rng.standard_normal((size, size, channels, 1), np.float32)
    bias = rng.standard_normal(channels, np.float32)
    window = Window((size, size), (stride, stride), dilation, (1, 2, 2, 1))
    check_depthwise(x, kernel, bias, window)


def check_depthwise(x, kernel, bias, window):
    """Compare with a convolution that has a group for each channel, and threads with one."""
    height, width, channels, multiplier = kernel.shape
    grouped = kernel.reshape(height, width, 1, channels * multiplier)
    want = reference.conv2d(
        x,
        grouped,
        bias,
        strides=window.strides,
        pads=window.pads,
        dilation=window.dilation,
        groups=channels,
    )

    def add(graph, v):
        return graph.add(DepthwiseConv2D(v, Value(want.shape[1:]), kernel, bias, window))

    got = run(add, x)
    depth = height * width
    tolerance = reference.tolerance(depth, depth * abs(x).max() * abs(kernel).max() + 5)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(got, run(add, x, 3))
