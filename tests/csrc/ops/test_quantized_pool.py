"""Maxima, averages and means of bytes have the bits of the rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnfast._core import PoolKind
from cnnfast.engine.ops import Window
from csrc.bytes import Bytes, all_bytes, check, plan_of, random_bytes


def windows_of(window, height, width):
    """The rows, or columns, of the image in each window along both axes."""
    axes = []
    for i, n in enumerate((height, width)):
        before, after = window.pads[2 * i : 2 * i + 2]
        size, stride, dilation = window.size[i], window.strides[i], window.dilation[i]
        count = (n + before + after - (size - 1) * dilation - 1) // stride + 1
        taps = [np.arange(size) * dilation + o * stride - before for o in range(count)]
        axes.append([t[(t >= 0) & (t < n)] for t in taps])
    return axes


@np.errstate(over="ignore")
def pooled(kind, x, window, multiplier, zero_point):
    rows, columns = windows_of(window, *x.numbers.shape[1:3])
    made = []
    for row in rows:
        for column in columns:
            taps = x.counted[:, row][:, :, column].reshape(len(x.numbers), -1, x.numbers.shape[3])
            if kind is PoolKind.MAX:
                made.append(taps.max(axis=1).astype(np.float32))
            else:
                factor = np.float32(multiplier) / np.float32(taps.shape[1])
                r = taps.sum(axis=1).astype(np.float32) * factor
                made.append(all_bytes(r, zero_point))
    shape = (len(x.numbers), len(rows), len(columns), -1)
    return np.stack(made, 1).reshape(shape)


def check_pool(kind, x, window, multiplier=1.0, zero_point=None):
    zero_point = x.zero_point if zero_point is None else zero_point
    multiplier = float(np.float32(multiplier))
    expected = pooled(kind, x, window, multiplier, zero_point)
    arguments = (expected.shape[1:], kind, window.numbers, multiplier, zero_point)
    return check(lambda b, v: b.quantized_pool2d(v, *arguments), [x], expected)


both = pytest.mark.parametrize("kind", [PoolKind.MAX, PoolKind.AVERAGE])


@both
def test_every_number_of_channels(kind, rng):
    for channels in range(1, 71):
        x = random_bytes(rng, 2, 6, 7, channels)
        check_pool(kind, x, Window((3, 3), (2, 2), (1, 1), (1, 0, 1, 1)))


@both
@pytest.mark.parametrize("size", [(2, 2), (3, 3), (1, 4), (5, 2)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("channels", [3, 64, 300])
def test_windows(kind, size, strides, channels, rng):
    x = random_bytes(rng, 2, 11, 13, channels)
    check_pool(kind, x, Window(size, strides, (1, 1), (0, 0, 0, 0)))
    check_pool(kind, x, Window(size, strides, (2, 1), (0, 0, 0, 1)))


@pytest.mark.parametrize("multiplier", [0.3, 1.7, -1.2, 1e6, -3e38])
@pytest.mark.parametrize("zero_point", [0, 3, 255])
def test_averages_in_another_scale(multiplier, zero_point, rng):
    x = random_bytes(rng, 2, 7, 8, 66)
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    check_pool(PoolKind.AVERAGE, x, window, multiplier, zero_point)


def test_averages_of_more_numbers_than_16_bits_hold(rng):
    numbers = np.full((1, 40, 21, 70), 255, np.uint8)
    check_pool(PoolKind.AVERAGE, Bytes(numbers, 0), Window((40, 20)), 0.9, 0)
    check_pool(PoolKind.AVERAGE, random_bytes(rng, 2, 30, 19, 33), Window((20, 18)), 5, 90)


@both
@pytest.mark.long
@given(
    size=st.tuples(*[st.integers(1, 5)] * 2),
    strides=st.tuples(*[st.integers(1, 4)] * 2),
    dilation=st.tuples(*[st.integers(1, 3)] * 2),
    channels=st.integers(1, 140),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_windows(kind, size, strides, dilation, channels, pads, seed):
    rng = np.random.default_rng(seed)
    window = Window(size, strides, dilation, pads)
    x = random_bytes(rng, 2, 13, 14, channels)
    assume(all(len(taps) for axis in windows_of(window, 13, 14) for taps in axis))
    check_pool(kind, x, window)


@both
def test_slices_of_a_concatenation(kind, rng):
    """Read and written among the channels of others."""
    x = random_bytes(rng, 2, 6, 7, 40)
    window = Window((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    once = pooled(kind, x, window, 1, x.zero_point)
    made = Bytes((once + x.zero_point).astype(np.uint8), x.zero_point)
    twice = pooled(kind, made, window, 1, x.zero_point)
    arguments = ((6, 7, 40), kind, window.numbers, 1.0, x.zero_point)

    def add(builder, value):
        one = builder.quantized_pool2d(value, *arguments)
        two = builder.quantized_pool2d(one, *arguments)
        return builder.concat([two, one], (6, 7, 80), 2)

    check(add, [x], np.concatenate([twice, once], -1))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"multiplier": 2.0}, "a maximum of bytes has their multiplier"),
        ({"zero_point": 11}, "a maximum of bytes has their multiplier"),
        ({"shape": (4, 4, 2)}, "keeps the number of channels"),
        ({"kind": PoolKind.AVERAGE, "zero_point": -1}, "a zero point is a byte"),
    ],
)
def test_pooling_that_does_not_fit_is_refused(changes, rule, rng):
    x = random_bytes(rng, 1, 4, 4, 3, zero_point=10)
    arguments = {
        "shape": (4, 4, 3),
        "kind": PoolKind.MAX,
        "window": Window((1, 1)).numbers,
        "multiplier": 1.0,
        "zero_point": 10,
    }
    plan_of(lambda b, v: b.quantized_pool2d(v, **arguments), [x])
    arguments.update(changes)
    with pytest.raises(ValueError, match=rule):
        plan_of(lambda b, v: b.quantized_pool2d(v, **arguments), [x])


# --- means --------------------------------------------------------------------------------


def check_mean(x, first, last, multiplier, zero_point):
    axes = tuple(range(1 + first, 1 + last))
    count = int(np.prod([x.numbers.shape[axis] for axis in axes]))
    r = x.counted.sum(axis=axes).astype(np.float32)
    r *= np.float32(multiplier) / np.float32(count)
    expected = r if zero_point is None else all_bytes(r, zero_point)
    arguments = (expected.shape[1:], first, last, multiplier, zero_point)
    add = lambda b, v: b.quantized_mean(v, *arguments)  # noqa: E731
    check(add, [x], expected, shown=zero_point is not None)


@pytest.mark.parametrize("zero_point", [None, 77])
def test_means_of_every_number_of_columns(zero_point, rng):
    for channels in range(1, 71):
        check_mean(random_bytes(rng, 2, 5, 3, channels), 0, 2, 1.5, zero_point)


@pytest.mark.parametrize("zero_point", [None, 0, 255])
@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (2, 3), (0, 3), (1, 3)])
def test_means_along_any_axes(axes, zero_point, rng):
    check_mean(random_bytes(rng, 2, 6, 5, 300), *axes, 0.75, zero_point)


@pytest.mark.parametrize("rows", [1, 256, 257, 258, 515, 3000])
def test_means_of_any_number_of_rows(rows, rng):
    check_mean(random_bytes(rng, 2, rows, 67), 0, 1, 2.0, 9)
    largest = Bytes(np.full((1, rows, 67), 255, np.uint8), 0)
    check_mean(largest, 0, 1, 1.0, None)


def test_means_that_do_not_fit_are_refused(rng):
    x = random_bytes(rng, 1, 4, 4, 3)
    with pytest.raises(ValueError, match="keeps the other axes"):
        plan_of(lambda b, v: b.quantized_mean(v, (4,), 0, 2, 1.0, 0), [x])
    with pytest.raises(ValueError, match="a zero point is a byte"):
        plan_of(lambda b, v: b.quantized_mean(v, (3,), 0, 2, 1.0, 256), [x])
    with pytest.raises(ValueError, match="axes of its input"):
        plan_of(lambda b, v: b.quantized_mean(v, (3,), 2, 2, 1.0, 0), [x])
