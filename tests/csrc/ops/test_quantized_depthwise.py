"""Depthwise convolutions of bytes have the bits of the rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfast._core import PlanBuilder
from cnnfast.engine.ops import Window
from csrc.bytes import Bytes, Rounding, check, plan_of, random_bytes, random_rounding, run


def out_size(window, height, width):
    return tuple(
        (n + sum(window.pads[2 * i : 2 * i + 2]) - (window.size[i] - 1) * window.dilation[i] - 1)
        // window.strides[i]
        + 1
        for i, n in enumerate((height, width))
    )


def sums_of(x, kernel, bias, window):
    """The exact sums, in int64."""
    height, width, channels, multiplier = kernel.shape
    top, bottom, left, right = window.pads
    padded = np.pad(x.counted, ((0, 0), (top, bottom), (left, right), (0, 0)))
    rows, columns = out_size(window, *x.numbers.shape[1:3])
    sums = np.zeros((len(padded), rows, columns, channels, multiplier), np.int64)
    for i in range(height):
        for j in range(width):
            first, left = i * window.dilation[0], j * window.dilation[1]
            tap = padded[
                :,
                first : first + (rows - 1) * window.strides[0] + 1 : window.strides[0],
                left : left + (columns - 1) * window.strides[1] + 1 : window.strides[1],
            ]
            sums += tap[..., None] * kernel[i, j].astype(np.int64)
    return sums.reshape(*sums.shape[:3], -1) + (0 if bias is None else bias)


def random_kernel(rng, *shape):
    ends = rng.choice([-127, 127], shape)
    return np.where(rng.random(shape) < 0.3, ends, rng.integers(-127, 128, shape)).astype(
        np.float32
    )


class Depthwise:
    """A convolution of random numbers, its expected output, and how it is added to a plan."""

    def __init__(self, rng, x, size, window, multiplier=1, rounding=None, bias=True):
        channels = x.numbers.shape[-1]
        filters = channels * multiplier
        kernel = random_kernel(rng, *size, channels, multiplier)
        shift = rng.integers(-50000, 50000, filters).astype(np.int32) if bias else None
        rounding = rounding or random_rounding(rng, filters, size[0] * size[1])
        self.expected = rounding.of_sums(sums_of(x, kernel, shift, window))
        self.arguments = (self.expected.shape[1:], kernel, shift, window.numbers, *rounding.numbers)
        self.zero_point = rounding.zero_point

    def add(self, builder, x):
        return builder.quantized_depthwise_conv2d(x, *self.arguments)

    def made(self):
        return Bytes((self.expected + self.zero_point).astype(np.uint8), self.zero_point)


def check_depthwise(rng, shape, window, **options):
    x = random_bytes(rng, *shape)
    made = Depthwise(rng, x, window.size, window, **options)
    return check(made.add, [x], made.expected, shown=made.zero_point is not None)


@pytest.mark.parametrize("width", [7, 8])
def test_every_number_of_channels(width, rng):
    """Any part of a vector, and neighbours of a row that fill vectors together."""
    for channels in range(1, 71):
        window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
        check_depthwise(rng, (2, 5, width, channels), window)


@pytest.mark.parametrize("channels", [8, 24, 40, 64, 130])
def test_every_width_and_height(channels, rng):
    for width in range(1, 19):
        for size, height in ((3, 3), (5, 4)):
            pads = (size // 2,) * 4
            window = Window((size, size), (1, 1), (1, 1), pads)
            check_depthwise(rng, (2, height, width, channels), window)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 2), (2, 1), (3, 3), (1, 7)])
@pytest.mark.parametrize("channels", [3, 16, 64, 100])
def test_square_windows(size, strides, channels, rng):
    window = Window((size, size), strides, (1, 1), (1, 2, 0, 1))
    check_depthwise(rng, (2, 9, 14, channels), window)


@pytest.mark.parametrize("dilation", [(1, 2), (2, 1), (3, 3)])
@pytest.mark.parametrize("size", [(3, 3), (5, 5), (1, 3), (4, 2)])
@pytest.mark.parametrize("channels", [5, 32, 70])
def test_dilation_and_other_windows(dilation, size, channels, rng):
    window = Window(size, (1, 1), dilation, (2, 2, 1, 3))
    check_depthwise(rng, (2, 13, 13, channels), window)


@pytest.mark.parametrize("multiplier", [2, 3, 5])
@pytest.mark.parametrize("channels", [1, 3, 16, 33, 64])
def test_multipliers(multiplier, channels, rng):
    window = Window((3, 3), (2, 1), (1, 1), (1, 1, 1, 1))
    check_depthwise(rng, (2, 7, 6, channels), window, multiplier=multiplier)


@pytest.mark.parametrize("zero_point", [0, 1, 128, 255])
def test_the_border_is_the_zero_point(zero_point, rng):
    x = random_bytes(rng, 2, 6, 9, 72, zero_point=zero_point)
    window = Window((5, 5), (1, 1), (1, 1), (4, 4, 4, 4))
    made = Depthwise(rng, x, (5, 5), window, bias=False)
    check(made.add, [x], made.expected)


@pytest.mark.parametrize("channels", [7, 64, 150])
def test_sums_as_float32(channels, rng):
    """They are not rounded, and may have no bounds."""
    lower = np.where(rng.random(channels) < 0.5, -np.inf, -20).astype(np.float32)
    upper = np.where(rng.random(channels) < 0.5, np.inf, 30).astype(np.float32)
    multiplier = rng.uniform(-0.01, 0.01, channels).astype(np.float32)
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    rounding = Rounding(multiplier, None, lower, upper)
    check_depthwise(rng, (2, 6, 10, channels), window, rounding=rounding)


@pytest.mark.parametrize("multiplier", [2.0, 1e6, 3e38])
def test_numbers_that_no_integer_holds_stay_in_their_bounds(multiplier, rng):
    """They are bounded before they are rounded, by a kernel for any window."""
    channels = 70
    signs = rng.choice([-1, 1], channels).astype(np.float32)
    rounding = random_rounding(rng, channels, 9)
    rounding = Rounding(signs * np.float32(multiplier), *rounding.numbers[1:])
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    with np.errstate(over="ignore"):
        check_depthwise(rng, (2, 5, 6, channels), window, rounding=rounding)


def test_halves_go_to_the_even_byte(rng):
    """Of odd zero points, too: what is even is the byte, and not the number."""
    channels = 80
    x = Bytes(rng.integers(0, 256, (1, 1, 9, channels)).astype(np.uint8), 7)
    kernel = np.ones((1, 1, channels, 1), np.float32)
    ones = np.ones(channels, np.float32)
    rounding = Rounding(ones / 2, 101, -101 * ones, 154 * ones)
    expected = rounding.of_numbers(x.counted.astype(np.float32) / 2)
    assert ((expected + 101) % 2 == 0)[x.counted % 2 == 1].all()
    window = Window((1, 1))
    arguments = (x.numbers.shape[1:], kernel, None, window.numbers, *rounding.numbers)
    check(lambda b, v: b.quantized_depthwise_conv2d(v, *arguments), [x], expected)


@pytest.mark.long
@given(
    size=st.tuples(*[st.integers(1, 5)] * 2),
    strides=st.tuples(*[st.integers(1, 3)] * 2),
    dilation=st.tuples(*[st.integers(1, 2)] * 2),
    channels=st.integers(1, 140),
    multiplier=st.sampled_from([1, 1, 1, 2, 3]),
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_convolutions(size, strides, dilation, channels, multiplier, pads, seed):
    window = Window(size, strides, dilation, pads)
    check_depthwise(
        np.random.default_rng(seed), (2, 9, 11, channels), window, multiplier=multiplier
    )


def pointwise(rng, x, filters):
    """A 1x1 convolution behind, what it makes and how it is added."""
    channels = x.numbers.shape[-1]
    kernel = random_kernel(rng, 1, 1, channels, filters)
    rounding = random_rounding(rng, filters, channels)
    expected = rounding.of_sums(x.counted @ kernel[0, 0].astype(np.int64))
    multiplier, *bounds = rounding.numbers
    arguments = (expected.shape[1:], kernel, None, Window((1, 1)).numbers, 1)
    return expected, lambda b, v: b.quantized_conv2d(v, *arguments, multiplier, None, 0.0, *bounds)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels", [16, 72])
def test_bands(stride, channels, rng):
    """A separable convolution makes a few rows at a time, which begin at any row."""
    x = random_bytes(rng, 3, 41, 24, channels)
    window = Window((3, 3), (stride, stride), (1, 1), (1, 1, 1, 1))
    depthwise = Depthwise(rng, x, (3, 3), window)
    expected, add = pointwise(rng, depthwise.made(), 24)
    plan = check(lambda b, v: add(b, depthwise.add(b, v)), [x], expected)
    assert any(step.algorithm == "bands" for step in plan.steps)


@pytest.mark.parametrize("channels", [3, 40, 64, 70])
def test_slices_of_a_concatenation(channels, rng):
    """Written and read among the channels of others, where no pixels are joined."""
    x = random_bytes(rng, 2, 6, 7, channels)
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    rounding = random_rounding(rng, channels, 9)
    first = Depthwise(rng, x, (3, 3), window, rounding=rounding)
    second = Depthwise(rng, first.made(), (3, 3), window, rounding=rounding)
    shape = (6, 7, 2 * channels)

    def add(builder, value):
        one = first.add(builder, value)
        return builder.concat([second.add(builder, one), one], shape, 2)

    check(add, [x], np.concatenate([second.expected, first.expected], -1))


def add_with(**changes):
    """A step of three channels, with some arguments of another value."""
    ones = np.ones(3, np.float32)
    arguments = {
        "shape": (4, 4, 3),
        "kernel": np.ones((3, 3, 3, 1), np.float32),
        "bias": np.zeros(3, np.int32),
        "window": Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1)).numbers,
        "multiplier": ones,
        "zero_point": 10,
        "lower": -10 * ones,
        "upper": 245 * ones,
    }
    arguments.update(changes)
    return lambda builder, x: builder.quantized_depthwise_conv2d(x, **arguments)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kernel": np.full((3, 3, 3, 1), 0.5, np.float32)}, "integers from -127 to 127"),
        ({"kernel": np.full((3, 3, 3, 1), -128, np.float32)}, "integers from -127 to 127"),
        ({"kernel": np.full((3, 3, 3, 1), np.nan, np.float32)}, "integers from -127 to 127"),
        ({"bias": np.full(3, 2**31 - 2000, np.int32)}, "must be an int32"),
        ({"bias": np.zeros(2, np.int32)}, "bias has another shape"),
        ({"lower": np.full(3, -11, np.float32)}, "bounds are whole numbers"),
        ({"upper": np.full(3, 245.5, np.float32)}, "bounds are whole numbers"),
        ({"lower": np.full(3, np.nan, np.float32)}, "bounds are whole numbers"),
        ({"multiplier": np.ones(2, np.float32)}, "for each channel"),
        ({"zero_point": 256}, "a zero point is a byte"),
        ({"shape": (4, 5, 3)}, "leaves its padded image"),
    ],
)
def test_what_does_not_fit_is_refused(changes, rule, rng):
    x = random_bytes(rng, 1, 4, 4, 3)
    plan_of(add_with(), [x])
    with pytest.raises(ValueError, match=rule):
        plan_of(add_with(**changes), [x])


def test_numbers_of_float32_are_refused():
    builder = PlanBuilder()
    x = builder.input((4, 4, 3))
    with pytest.raises(ValueError, match="tensors of uint8"):
        add_with()(builder, x)


def test_the_largest_sums_are_exact(rng):
    """A bias as large as it may be, and all products of one sign."""
    channels = 65
    x = Bytes(np.full((1, 5, 5, channels), 255, np.uint8), 0)
    sign = rng.choice([-1, 1], channels)
    kernel = np.broadcast_to(127.0 * sign, (5, 5, channels))[..., None].astype(np.float32)
    most = 2**31 - 1 - 255 * 127 * 25
    bias = (most * sign).astype(np.int32)
    one = np.ones(channels, np.float32)
    rounding = Rounding(one, None, -np.inf * one, np.inf * one)
    window = Window((5, 5))
    expected = rounding.of_sums(sums_of(x, kernel, bias, window))
    assert abs(expected).max() == 2**31
    arguments = (expected.shape[1:], np.ascontiguousarray(kernel), bias, window.numbers)
    plan = plan_of(
        lambda b, v: b.quantized_depthwise_conv2d(v, *arguments, *rounding.numbers), [x], False
    )
    np.testing.assert_array_equal(run(plan, [x]), expected)
