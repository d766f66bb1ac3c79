"""Convolutions of every geometry agree with the oracle, and their bits never vary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from cnnfast import _core
from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine.ops import LINEAR, Activation, Binary, Conv2D, Value, Window
from csrc.plans import build_plan, graph_of, run


@st.composite
def convolutions(draw):
    """A random convolution: its input, weights and window."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    size = draw(st.tuples(*[st.integers(1, 5)] * 2))
    dilation = draw(st.tuples(*[st.integers(1, 3)] * 2))
    pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    height = draw(st.integers(max(1, reach[0] - pads[0] - pads[1]), reach[0] + 12))
    width = draw(st.integers(max(1, reach[1] - pads[2] - pads[3]), reach[1] + 20))
    channels = groups * draw(st.integers(1, 20))
    filters = groups * draw(st.integers(1, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.standard_normal((draw(st.integers(1, 4)), height, width, channels), np.float32)
    kernel = rng.standard_normal((*size, channels // groups, filters), np.float32)
    bias = rng.standard_normal(filters, np.float32) if draw(st.booleans()) else None
    strides = draw(st.tuples(*[st.integers(1, 3)] * 2))
    return x, kernel, bias, Window(size, strides, dilation, pads), groups


def adder(want, kernel, bias, window, groups=1, activation=LINEAR):
    """What appends the convolution to a graph."""
    return lambda graph, x: graph.add(
        Conv2D(x, Value(want.shape[1:]), kernel, bias, window, groups, activation)
    )


def oracle(x, kernel, bias, window, groups):
    """The output and the error that a correct float32 sum may show."""
    arguments = {
        "strides": window.strides,
        "pads": window.pads,
        "dilation": window.dilation,
        "groups": groups,
    }
    want = reference.conv2d(x, kernel, bias, **arguments)
    size = reference.conv2d(
        abs(x), abs(kernel), None if bias is None else abs(bias), **arguments
    ).max()
    return want, reference.tolerance(int(np.prod(kernel.shape[:3])), size)


@given(convolutions())
def test_random_convolutions_agree_with_the_oracle(case):
    x, kernel, bias, window, groups = case
    want, tolerance = oracle(*case)
    got = run(adder(want, kernel, bias, window, groups), x)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


@given(convolutions(), st.integers(2, 5))
def test_threads_and_batch_do_not_change_a_bit(case, threads):
    x, kernel, bias, window, groups = case
    want, _ = oracle(*case)
    add = adder(want, kernel, bias, window, groups)
    got = run(add, x)
    np.testing.assert_array_equal(got, run(add, x, threads))
    single = [run(add, x[i : i + 1], threads) for i in range(len(x))]
    np.testing.assert_array_equal(got, np.concatenate(single))


@pytest.mark.parametrize("filters", range(1, 70))
def test_every_width_of_a_dense_layer(filters, rng):
    x = rng.standard_normal((1, 1, 1, 37), np.float32)
    kernel = rng.standard_normal((1, 1, 37, filters), np.float32)
    bias = rng.standard_normal(filters, np.float32)
    window = Window((1, 1))
    want, tolerance = oracle(x, kernel, bias, window, 1)
    got = run(adder(want, kernel, bias, window), x)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


@pytest.mark.parametrize("pixels", range(1, 30))
def test_every_height_of_the_register_tile(pixels, rng):
    x = rng.standard_normal((1, 1, pixels, 5), np.float32)
    kernel = rng.standard_normal((1, 1, 5, 19), np.float32)
    window = Window((1, 1))
    want, tolerance = oracle(x, kernel, None, window, 1)
    np.testing.assert_allclose(
        run(adder(want, kernel, None, window), x), want, rtol=0, atol=tolerance
    )


@pytest.mark.parametrize("depth", [511, 512, 513, 1024, 3000])
@pytest.mark.parametrize("zeros", [0.0, 0.4, 1.0])
def test_deep_sums_are_the_same_alone_and_in_a_batch_with_zeros_skipped(depth, zeros, rng):
    x = rng.standard_normal((5, 1, 1, depth), np.float32)
    x[rng.random(x.shape) < zeros] = 0
    kernel = rng.standard_normal((1, 1, depth, 33), np.float32)
    window = Window((1, 1))
    want, tolerance = oracle(x, kernel, None, window, 1)
    add = adder(want, kernel, None, window)
    got = run(add, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(got[2:3], run(add, x[2:3]))


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_zero_input_meets_a_weight_that_is_not_finite(bad, rng):
    """0 x inf and 0 x NaN are NaN: the zero must not be skipped then."""
    x = np.zeros((1, 1, 1, 40), np.float32)
    kernel = rng.standard_normal((1, 1, 40, 8), np.float32)
    kernel[0, 0, 7, 3] = bad
    got = run(adder(np.empty((1, 1, 1, 8)), kernel, None, Window((1, 1))), x)
    np.testing.assert_array_equal(np.isnan(got.ravel()), np.arange(8) == 3)


def test_padding_shows_zeros_whatever_the_memory_held_before(rng):
    """The border around an image is written in every run, so an earlier run cannot show."""
    kernel = np.ones((3, 3, 2, 2), np.float32)
    window = Window((3, 3), pads=(1, 1, 1, 1))

    def two(graph, x):
        first = graph.add(Conv2D(x, Value(x.shape), kernel, None, window))
        return graph.add(Conv2D(first, Value(x.shape), kernel, None, window))

    plan = build_plan(graph_of((6, 6, 2), two))
    x = rng.standard_normal((3, 6, 6, 2), np.float32)
    want = np.empty_like(x)
    plan.run([x], [want], 1)
    plan.run([np.full_like(x, np.nan)], [np.empty_like(x)], 2)
    again = np.empty_like(x)
    plan.run([x], [again], 2)
    np.testing.assert_array_equal(again, want)
    middle = reference.conv2d(x, kernel, pads=window.pads)
    np.testing.assert_allclose(
        want, reference.conv2d(middle, kernel, pads=window.pads), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("pads", [(1, 0, 0, 0), (0, 0, 1, 0)], ids=["above", "left"])
def test_a_single_tap_on_padding_reads_zero(pads, rng):
    x = rng.standard_normal((1, 1, 1, 5), np.float32)
    kernel = rng.standard_normal((1, 1, 5, 7), np.float32)
    bias = rng.standard_normal(7, np.float32)
    want = bias[None, None, None]
    got = run(adder(want, kernel, bias, Window((1, 1), (1, 1), (1, 1), pads)), x)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (20, 20)], ids=["row", "direct", "winograd"])
def test_scale_and_shift_follow_the_activation(size, rng):
    x = rng.standard_normal((1, *size, 20), np.float32)
    kernel = rng.standard_normal((3, 3, 20, 37), np.float32)
    if size == (1, 1):
        kernel = kernel[1:2, 1:2]
    pads = (len(kernel) // 2,) * 4
    bias, scale, shift = rng.standard_normal((3, 37), np.float32)
    activation = Activation(ActivationKind.RELU)
    want, tolerance = oracle(x, kernel, bias, Window(kernel.shape[:2], pads=pads), 1)
    got = run(
        lambda graph, v: graph.add(
            Conv2D(
                v,
                Value(want.shape[1:]),
                kernel,
                bias,
                Window(kernel.shape[:2], pads=pads),
                1,
                activation,
                scale=scale,
                shift=shift,
            )
        ),
        x,
    )
    want = np.maximum(want, 0) * scale + shift
    np.testing.assert_allclose(got, want, rtol=0, atol=4 * abs(scale).max() * tolerance)


def test_sums_are_made_chunk_by_chunk_where_windows_leave_the_cache(rng):
    x = rng.standard_normal((1, 20, 20, 4000), np.float32)
    kernel = rng.standard_normal((1, 1, 4000, 70), np.float32)
    want, tolerance = oracle(x, kernel, None, Window((1, 1)), 1)
    got = run(adder(want, kernel, None, Window((1, 1))), x)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


def test_an_activation_is_applied_to_the_finished_sum(rng):
    x = rng.standard_normal((2, 5, 5, 3), np.float32)
    kernel = rng.standard_normal((3, 3, 3, 11), np.float32)
    bias = rng.standard_normal(11, np.float32)
    window = Window((3, 3))
    want, tolerance = oracle(x, kernel, bias, window, 1)
    activation = Activation(ActivationKind.LEAKY_RELU, 0.25)
    got = run(adder(want, kernel, bias, window, 1, activation), x)
    np.testing.assert_allclose(got, np.where(want < 0, 0.25 * want, want), rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (9, 9, 4)}, "leaves its padded image"),
        ({"groups": 2}, "another shape|divide"),
        ({"kernel": np.zeros((3, 3, 2, 4), np.float32)}, "another shape"),
        ({"bias": np.zeros(5, np.float32)}, "another shape"),
        ({"window": ((3, 3), (0, 1), (1, 1), (0, 0, 0, 0))}, "positive"),
        ({"window": ((3, 3), (1, 1), (1, 1), (-1, 0, 0, 0))}, "positive"),
        ({"window": ((3, 3), (1, 1), (1, 1), (2**63 - 1, 0, 0, 0))}, "positive 31-bit"),
        ({"window": ((3, 3), (2**31, 1), (1, 1), (0, 0, 0, 0))}, "positive 31-bit"),
        ({"shape": (2**33, 3, 4)}, "positive 31-bit"),
    ],
)
def test_the_core_refuses_numbers_that_do_not_fit_together(change, message):
    builder = _core.PlanBuilder()
    arguments = {
        "x": builder.input((5, 5, 3)),
        "shape": (3, 3, 4),
        "kernel": np.zeros((3, 3, 3, 4), np.float32),
        "bias": None,
        "window": ((3, 3), (1, 1), (1, 1), (0, 0, 0, 0)),
        "groups": 1,
        "activation": (ActivationKind.LINEAR, 0.0, 0.0),
    }
    with pytest.raises(ValueError, match=message):
        builder.conv2d(**(arguments | change))


@pytest.mark.parametrize("filters", [1, 2, 3, 8, 16])
@pytest.mark.parametrize(("width", "strides"), [(24, 1), (24, 2), (25, 1)])
def test_pixels_with_few_filters_are_joined_with_all_that_is_stored_by_pixel(
    filters, width, strides, rng
):
    """A residual and the border that the next convolution wants lie beside the same pixels."""
    x = rng.standard_normal((2, 9, width, 2), np.float32)
    kernel = rng.standard_normal((3, 3, 2, filters), np.float32)
    bias, scale, shift = rng.standard_normal((3, filters), np.float32)
    mean = np.full((3, 3, filters, 1), 1 / 9, np.float32)
    strided = Window((3, 3), (strides, strides), pads=(1, 1, 1, 1))
    padded = Window((3, 3), pads=(1, 1, 1, 1))
    conv, tolerance = oracle(x, kernel, bias, strided, 1)
    want, _ = oracle(2 * conv * scale + shift, mean, None, padded, 1)

    def add(graph, value):
        def convolve(**arguments):
            return Conv2D(value, Value(conv.shape[1:]), kernel, bias, strided, **arguments)

        residual = graph.add(convolve())
        joined = graph.add(convolve(residual=residual, scale=scale, shift=shift))
        return graph.add(Conv2D(joined, Value(want.shape[1:]), mean, None, padded))

    got = run(add, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=100 * tolerance)
    np.testing.assert_array_equal(got, run(add, x, 3))


@pytest.mark.parametrize("width", [5, 14, 23])
def test_a_residual_may_have_a_border_where_input_and_output_have_none(width, rng):
    x = rng.standard_normal((2, 9, width, 6), np.float32)
    point, back = rng.standard_normal((2, 1, 1, 6, 6), np.float32)
    kernel = rng.standard_normal((3, 3, 6, 6), np.float32)
    pixel, padded = Window((1, 1)), Window((3, 3), pads=(1, 1, 1, 1))
    first, _ = oracle(x, point, None, pixel, 1)
    second, _ = oracle(x, back, None, pixel, 1)
    third, tolerance = oracle(first, kernel, None, padded, 1)

    def add(graph, value):
        first, sums, third, total = (Value(x.shape[1:]) for _ in range(4))
        graph.add(Conv2D(value, first, point, None, pixel))
        graph.add(Conv2D(value, sums, back, None, pixel, residual=first))
        graph.add(Conv2D(first, third, kernel, None, padded))
        return graph.add(Binary(sums, third, total, BinaryKind.ADD))

    want = first + second + third
    np.testing.assert_allclose(run(add, x), want, rtol=0, atol=100 * tolerance)


@pytest.mark.parametrize("filters", [1, 2, 4, 8])
@pytest.mark.parametrize("column", range(4, 8))
def test_a_nan_reaches_the_pixels_that_see_it_and_no_others(filters, column, rng):
    x = rng.standard_normal((1, 5, 16, 3), np.float32)
    x[0, 2, column, 1] = np.nan
    kernel = rng.standard_normal((3, 3, 3, filters), np.float32)
    kernel[1, 0] = -0.0  # a weight like any other
    seen = np.zeros((1, 5, 16, filters), bool)
    seen[0, 1:4, column - 1 : column + 2] = True
    got = run(adder(seen, kernel, None, Window((3, 3), pads=(1, 1, 1, 1))), x)
    np.testing.assert_array_equal(np.isnan(got), seen)


def test_joining_pixels_is_chosen_where_it_fills_a_vector(rng):
    """Two filters leave at least half of any vector empty; an odd width has no pairs of pixels."""
    kernel = rng.standard_normal((3, 3, 3, 2), np.float32)

    def algorithm(width):
        window = Window((3, 3), pads=(1, 1, 1, 1))
        add = adder(np.empty((1, 8, width, 2)), kernel, None, window)
        return build_plan(graph_of((8, width, 3), add)).steps[-1].algorithm

    assert algorithm(24) == "joined"
    assert algorithm(25) != "joined"
