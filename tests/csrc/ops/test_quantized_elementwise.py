"""Sums, products, tables and scales of bytes have the bits of the rule."""

from __future__ import annotations

import numpy as np
import pytest

from csrc.bytes import Bytes, Rounding, check, nearest, plan_of, random_bytes, random_rounding

SHAPES = [(1,), (7,), (5, 6), (3, 4, 5), (5, 7, 64), (2, 9, 130), (9, 31, 33), (2, 3, 2, 17)]


def bounds_of(rng):
    zero_point = int(rng.integers(0, 256))
    if rng.random() < 0.5:
        return zero_point, float(-zero_point), float(255 - zero_point)
    ends = np.sort(rng.integers(-zero_point, 256 - zero_point, 2))
    return zero_point, float(ends[0]), float(ends[1])


def bounded(r, bounds):
    zero_point, lower, upper = bounds
    return nearest(np.clip(r, np.float32(lower), np.float32(upper)), zero_point)


def multiplier_of(rng):
    return float(np.float32(rng.uniform(-1.5, 1.5)))


def check_add(rng, x, y, same_of_y=None):
    one, other, bounds = multiplier_of(rng), multiplier_of(rng), bounds_of(rng)
    terms = x.counted.astype(np.float32) * np.float32(one)
    counted = y.counted if same_of_y is None else same_of_y
    expected = bounded(terms + counted.astype(np.float32) * np.float32(other), bounds)
    return check(lambda b, v, w: b.quantized_add(v, w, one, other, *bounds), [x, y], expected)


def check_multiply(rng, x, y, same_of_y=None):
    multiplier, bounds = multiplier_of(rng) / 64, bounds_of(rng)
    counted = y.counted if same_of_y is None else same_of_y
    products = (x.counted * counted).astype(np.float32)
    expected = bounded(products * np.float32(multiplier), bounds)
    return check(lambda b, v, w: b.quantized_multiply(v, w, multiplier, *bounds), [x, y], expected)


pairs = pytest.mark.parametrize("check_pair", [check_add, check_multiply])


@pairs
@pytest.mark.parametrize("shape", SHAPES)
def test_pairs_of_one_shape(check_pair, shape, rng):
    check_pair(rng, random_bytes(rng, 3, *shape), random_bytes(rng, 3, *shape))


@pairs
def test_pairs_of_every_length(check_pair, rng):
    for n in range(1, 71):
        check_pair(rng, random_bytes(rng, 2, n), random_bytes(rng, 2, n))


@pairs
def test_pairs_of_many_numbers(check_pair, rng):
    """More than a unit of work has, in units and a part of one."""
    check_pair(rng, random_bytes(rng, 2, 60, 41, 9), random_bytes(rng, 2, 60, 41, 9))


@pairs
def test_a_pixel_for_all_pixels(check_pair, rng):
    for channels in [*range(1, 71), 200]:
        x = random_bytes(rng, 2, 5, 3, channels)
        y = random_bytes(rng, 2, 1, 1, channels)
        check_pair(rng, x, y)
        flat = Bytes(y.numbers.reshape(2, channels), y.zero_point)
        check_pair(rng, x, flat, y.counted)


@pytest.mark.parametrize("multiplier", [3e4, 1e6, 3e38])
def test_numbers_that_no_integer_holds_stay_in_their_bounds(multiplier, rng):
    x, y, bounds = random_bytes(rng, 2, 5, 77), random_bytes(rng, 2, 5, 77), (30, -20.0, 200.0)
    a, b = (v.counted.astype(np.float32) for v in (x, y))
    one, other = np.float32(multiplier), np.float32(-0.7)
    add = lambda b, v, w: b.quantized_add(v, w, float(one), -0.7, *bounds)  # noqa: E731
    multiply = lambda b, v, w: b.quantized_multiply(v, w, float(one), *bounds)  # noqa: E731
    with np.errstate(over="ignore"):
        check(add, [x, y], bounded(a * one + b * other, bounds))
        check(multiply, [x, y], bounded(a * b * one, bounds))


def add_twice(builder, x, y):
    """A sum in whose place another one stands."""
    first = builder.quantized_add(x, y, 0.5, 0.5, 0, 0.0, 255.0)
    return builder.quantized_add(first, y, 1.0, 0.25, 3, -3.0, 252.0)


def test_sums_stand_where_their_input_did(rng):
    x, y = random_bytes(rng, 2, 40, 64, 9), random_bytes(rng, 2, 40, 64, 9)
    a, b = (v.counted.astype(np.float32) for v in (x, y))
    first = bounded(a / 2 + b / 2, (0, 0, 255))
    check(add_twice, [x, y], bounded(first + b / 4, (3, -3, 252)))


def test_a_tensor_and_itself(rng):
    x = random_bytes(rng, 2, 5, 77)
    a = x.counted.astype(np.float32)

    def add(builder, value):
        own = builder.look_up(value, np.arange(256, dtype=np.uint8), x.zero_point)
        return builder.quantized_add(own, own, 0.5, 0.25, 9, -9.0, 246.0)

    check(add, [x], bounded(a / 2 + a / 4, (9, -9, 246)))


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 3), (4, 1, 3), (3, 4), (1, 1, 4)])
def test_operands_of_other_shapes_are_refused(shape, rng):
    x, y = random_bytes(rng, 1, 4, 4, 3), random_bytes(rng, 1, *shape)
    rule = "the shape of the first, or its channels"
    with pytest.raises(ValueError, match=rule):
        plan_of(lambda b, v, w: b.quantized_add(v, w, 1.0, 1.0, 0, 0.0, 255.0), [x, y])
    with pytest.raises(ValueError, match=rule):
        plan_of(lambda b, v, w: b.quantized_multiply(v, w, 1.0, 0, 0.0, 255.0), [x, y])


@pytest.mark.parametrize(
    "bounds", [(256, 0.0, 0.0), (10, -11.0, 0.0), (10, 0.5, 1.0), (10, 1.0, 0.0)]
)
def test_bounds_that_bytes_do_not_hold_are_refused(bounds, rng):
    x = random_bytes(rng, 1, 4)
    with pytest.raises(ValueError, match=r"a zero point is a byte|bounds are whole numbers"):
        plan_of(lambda b, v, w: b.quantized_add(v, w, 1.0, 1.0, *bounds), [x, x])


# --- tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_tables(shape, rng):
    x = random_bytes(rng, 2, *shape)
    table = rng.permutation(256).astype(np.uint8)
    expected = table[x.numbers].astype(np.float32) - 40
    check(lambda b, v: b.look_up(v, table, 40), [x], expected)


def test_every_entry_at_every_place(rng):
    table = rng.permutation(256).astype(np.uint8)
    numbers = np.stack([np.roll(np.arange(256), shift) for shift in range(70)]).astype(np.uint8)
    x = Bytes(numbers[:, :199].copy(), 0)
    expected = table[x.numbers].astype(np.float32)
    check(lambda b, v: b.look_up(v, table, 0), [x], expected)


def test_tables_of_another_size_are_refused(rng):
    x = random_bytes(rng, 1, 4)
    with pytest.raises(ValueError, match="a byte for each of 256"):
        plan_of(lambda b, v: b.look_up(v, np.zeros(255, np.uint8), 0), [x])
    with pytest.raises(ValueError, match="a zero point is a byte"):
        plan_of(lambda b, v: b.look_up(v, np.zeros(256, np.uint8), 256), [x])


# --- scales -------------------------------------------------------------------------------


class Affine:
    """A scale of random numbers, its expected output, and how it is added to a plan."""

    def __init__(self, rng, x, factor=60):
        channels = x.numbers.shape[-1]
        rounding = random_rounding(rng, channels, 1)
        multiplier = rounding.multiplier * np.float32(factor)
        offset = (rng.standard_normal(channels) * 50).astype(np.float32)
        r = x.counted.astype(np.float32) * multiplier + offset
        self.expected = rounding.of_numbers(r)
        self.arguments = (multiplier, offset, *rounding.numbers[1:])

    def add(self, builder, x):
        return builder.quantized_affine(x, *self.arguments)


@pytest.mark.parametrize("shape", SHAPES)
def test_scales(shape, rng):
    x = random_bytes(rng, 2, *shape)
    made = Affine(rng, x)
    check(made.add, [x], made.expected)


def test_scales_of_every_number_of_channels(rng):
    for channels in range(1, 71):
        for width in (1, 6, 90):
            x = random_bytes(rng, 2, 2, width, channels)
            made = Affine(rng, x)
            check(made.add, [x], made.expected)


@pytest.mark.parametrize("factor", [1e6, 1e38])
def test_large_scales(factor, rng):
    x = random_bytes(rng, 2, 5, 77)
    with np.errstate(over="ignore"):
        made = Affine(rng, x, factor)
    check(made.add, [x], made.expected)


def test_scales_inside_borders(rng):
    """Of what a window reads, rows stand apart."""
    x = random_bytes(rng, 2, 9, 10, 24)
    made = Affine(rng, x)
    kernel = np.ones((3, 3, 24, 1), np.float32)
    ones = np.ones(24, np.float32)
    arguments = ((9, 10, 24), kernel, None, ((3, 3), (1, 1), (1, 1), (1, 1, 1, 1)))

    def add(builder, value):
        scaled = made.add(builder, value)
        return builder.quantized_depthwise_conv2d(
            scaled, *arguments, ones / 8, 128, -128 * ones, 127 * ones
        )

    padded = np.pad(made.expected, ((0, 0), (1, 1), (1, 1), (0, 0)))
    sums = sum(padded[:, i : i + 9, j : j + 10] for i in range(3) for j in range(3))
    rounding = Rounding(ones / 8, 128, -128 * ones, 127 * ones)
    check(add, [x], rounding.of_sums(sums.astype(np.int64)))


def test_scales_that_do_not_fit_are_refused(rng):
    x = random_bytes(rng, 1, 4, 3)
    ones = np.ones(3, np.float32)
    with pytest.raises(ValueError, match="for each channel"):
        plan_of(lambda b, v: b.quantized_affine(v, ones, ones[:2], 0, 0 * ones, 255 * ones), [x])
    with pytest.raises(ValueError, match="for each channel"):
        plan_of(lambda b, v: b.quantized_affine(v, ones[:2], ones, 0, 0 * ones, 255 * ones), [x])
    with pytest.raises(ValueError, match="bounds are whole numbers"):
        plan_of(lambda b, v: b.quantized_affine(v, ones, ones, 0, -ones, 255 * ones), [x])
