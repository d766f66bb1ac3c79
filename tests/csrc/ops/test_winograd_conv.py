"""Winograd's algorithm: where it is used, how much it rounds, and how it is switched off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from cnnfast import config
from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine.executor import Executor
from cnnfast.engine.ops import Activate, Activation, Binary, Conv2D, Value, Window
from cnnfast.engine.passes import optimize
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of, run_graph


def same(height, width):
    return Window((height, width), pads=(*[height // 2] * 2, *[width // 2] * 2))


SAME = same(3, 3)
WINDOWS = {
    "3x3": same(3, 3),
    "5x5": same(5, 5),
    "1x3": same(1, 3),
    "3x1": same(3, 1),
    "1x5": same(1, 5),
    "5x1": same(5, 1),
}


def conv_graph(size, channels, filters, *, window=SAME, residual=False):
    shape = (*window.size, channels, filters)
    kernel = np.random.default_rng(3).standard_normal(shape, np.float32)
    kernel /= np.float32(np.sqrt(np.prod(shape[:3])))

    def add(graph, x):
        y = graph.add(Conv2D(x, Value((*x.shape[:2], filters)), kernel, None, window))
        if residual:
            y = graph.add(Binary(y, x, Value(y.shape), BinaryKind.ADD))
        return graph.add(Activate(y, Value(y.shape), Activation(ActivationKind.RELU)))

    return optimize(graph_of((*size, channels), add)), kernel


def algorithm(graph):
    return build_plan(graph).steps[-1].algorithm


@pytest.mark.parametrize(
    ("size", "channels", "name"),
    [
        ((28, 28), 64, "winograd4"),
        ((6, 6), 256, "winograd2"),
        ((3, 3), 8, "direct"),
    ],
)
def test_the_cost_model_chooses_by_size_and_channels(size, channels, name):
    assert algorithm(conv_graph(size, channels, channels)[0]) == name


@pytest.mark.parametrize(
    ("window", "channels", "name"),
    [
        ("5x5", 32, "winograd2"),
        ("1x3", 64, "winograd4"),
        ("3x1", 64, "winograd4"),
        ("1x5", 128, "winograd2"),
        ("5x1", 128, "winograd2"),
    ],
)
def test_other_windows_take_it_from_more_channels_on(window, channels, name):
    def chosen(channels):
        return algorithm(conv_graph((28, 28), channels, channels, window=WINDOWS[window])[0])

    assert chosen(channels) == name
    assert chosen(4) in ("direct", "joined")


@pytest.mark.long
@given(
    size=st.tuples(*[st.integers(9, 23)] * 2),
    channels=st.integers(14, 50),
    filters=st.integers(16, 70),
    images=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_sizes_agree_with_the_oracle(size, channels, filters, images, seed):
    graph, kernel = conv_graph(size, channels, filters)
    x = np.random.default_rng(seed).standard_normal((images, *size, channels), np.float32)
    want = np.maximum(reference.conv2d(x, kernel, pads=SAME.pads), 0)
    got = run_graph(graph, x)
    # Transforms multiply rounding errors by a small factor; 2e-5 of the outputs bounds it.
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * abs(want).max())
    np.testing.assert_array_equal(got, run_graph(graph, x, 3))
    np.testing.assert_array_equal(got[-1:], run_graph(graph, x[-1:], 2))


@pytest.mark.long
@given(
    window=st.sampled_from(sorted(WINDOWS)),
    size=st.tuples(*[st.integers(11, 23)] * 2),
    channels=st.integers(120, 140),
    filters=st.integers(100, 140),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_window_agrees_with_the_oracle(window, size, channels, filters, seed):
    graph, kernel = conv_graph(size, channels, filters, window=WINDOWS[window])
    assert algorithm(graph).startswith("winograd")
    x = np.random.default_rng(seed).standard_normal((2, *size, channels), np.float32)
    want = np.maximum(reference.conv2d(x, kernel, pads=WINDOWS[window].pads), 0)
    got = run_graph(graph, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * abs(want).max())
    np.testing.assert_array_equal(got, run_graph(graph, x, 3))
    np.testing.assert_array_equal(got[-1:], run_graph(graph, x[-1:], 2))


@pytest.mark.parametrize("size", [(1, 64), (64, 1), (7, 9), (3, 13), (13, 3)], ids=str)
@pytest.mark.parametrize("pads", [(2, 2, 2, 2), (3, 1, 1, 3), (4, 5, 6, 4)], ids=str)
@pytest.mark.parametrize("name", WINDOWS)
def test_narrow_images_and_uneven_padding(name, pads, size, rng):
    kernel = rng.standard_normal((*WINDOWS[name].size, 100, 75), np.float32) / np.float32(30)
    x = rng.standard_normal((2, *size, 100), np.float32)
    want = reference.conv2d(x, kernel, pads=pads)
    window = Window(WINDOWS[name].size, pads=pads)
    graph = graph_of(
        (*size, 100),
        lambda graph, x: graph.add(Conv2D(x, Value(want.shape[1:]), kernel, None, window)),
    )
    along = [n for n, taps in zip(size, window.size, strict=True) if taps > 1]
    assert min(along) < 7 or algorithm(graph).startswith("winograd")
    got = run_graph(graph, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * abs(want).max())
    np.testing.assert_array_equal(got, run_graph(graph, x, 5))


def test_small_deep_images_agree_with_the_oracle(rng):
    graph, kernel = conv_graph((6, 6), 256, 256)
    assert algorithm(graph) == "winograd2"
    x = rng.standard_normal((3, 6, 6, 256), np.float32)
    want = np.maximum(reference.conv2d(x, kernel, pads=SAME.pads), 0)
    got = run_graph(graph, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * abs(want).max())
    np.testing.assert_array_equal(got[-1:], run_graph(graph, x[-1:], 2))


@pytest.mark.parametrize("name", WINDOWS)
def test_the_error_stays_within_four_times_that_of_the_definition(name, rng):
    window = WINDOWS[name]
    graph, kernel = conv_graph((28, 28), 128, 64, window=window)
    x = rng.standard_normal((2, 28, 28, 128), np.float32)
    want = np.maximum(reference.conv2d(x, kernel, pads=window.pads), 0)
    error = abs(run_graph(graph, x) - want).max()
    with config.override(winograd=False):
        direct = abs(run_graph(graph, x) - want).max()
    assert algorithm(graph).startswith("winograd")
    assert 0 < direct < error < 4 * direct


# Window, size and channels that take each form, and its outputs along an axis.
FORMS = [
    ("3x3", (28, 28), 64, 4),
    ("1x3", (28, 28), 128, 4),
    ("3x1", (28, 28), 128, 4),
    ("3x3", (6, 6), 256, 2),
    ("5x5", (28, 28), 128, 2),
    ("1x5", (28, 28), 128, 2),
    ("5x1", (28, 28), 128, 2),
]


def convolution(name, size, channels, outputs):
    """What runs a bare convolution by the form with so many outputs, and its kernel."""
    _, kernel = conv_graph(size, channels, channels, window=WINDOWS[name])
    graph = graph_of(
        (*size, channels),
        lambda g, x: g.add(Conv2D(x, Value(x.shape), kernel, None, WINDOWS[name])),
    )
    plan = build_plan(graph)
    assert plan.steps[-1].algorithm == f"winograd{outputs}"

    def runs(x):
        out = np.full((len(x), *plan.output_shapes[0]), np.nan, np.float32)
        plan.run([x], [out], 1)
        return out

    return runs, kernel


def outliers(window, x, value):
    """The input with one outlier at each place of a tile inside, and which pixels it reaches."""
    middle = min(x.shape[1:3]) // 3
    reach_y, reach_x = (taps // 2 for taps in window.size)
    for row in range(middle, min(middle + 6, x.shape[1])):
        for column in range(middle, min(middle + 6, x.shape[2])):
            struck = x.copy()
            struck[0, row, column, 0] = value
            reached = np.zeros(x.shape[1:3], bool)
            reached[
                max(row - reach_y, 0) : row + reach_y + 1,
                max(column - reach_x, 0) : column + reach_x + 1,
            ] = True
            yield struck, reached


def amplification(outputs, taps):
    """How much larger than a tap times a pixel the sum of an output's products may be, on an axis.

    The largest row of |A^T| |G| |B^T|, the transforms of Cook and Toom over their points.
    """
    if taps == 1:
        return 1.0
    size = outputs + taps - 1
    half, two = np.sqrt(0.5), np.sqrt(2)
    points = [0, 1, -1] if size == 4 else [0, half, -half, two, -two]
    kernel, back, to = [], [], []
    for p in points:
        others = np.poly1d([q for q in points if q != p], r=True)
        kernel.append([p**i / others(p) for i in range(taps)])
        back.append([p**i for i in range(outputs)])
        to.append([*others.coeffs[::-1], 0])
    kernel.append([0] * (taps - 1) + [1])
    back.append([0] * (outputs - 1) + [1])
    to.append(np.poly1d(points, r=True).coeffs[::-1])
    back, kernel, to = (np.array(m, float) for m in (back, kernel, to))
    pixels, weights = np.arange(1.0, size + 1), np.arange(2.0, taps + 2)
    want = [pixels[i : i + taps] @ weights for i in range(outputs)]
    np.testing.assert_allclose(back.T @ ((kernel @ weights) * (to @ pixels)), want)
    return float((abs(back).T @ (abs(kernel).sum(1)[:, None] * abs(to))).sum(1).max())


@pytest.mark.parametrize(("name", "size", "channels", "outputs"), FORMS)
def test_an_outlier_is_carried_no_further_than_the_transforms_allow(
    name, size, channels, outputs, rng
):
    window = WINDOWS[name]
    runs, kernel = convolution(name, size, channels, outputs)
    x = rng.standard_normal((1, *size, channels), np.float32)
    want = reference.conv2d(x, kernel, pads=window.pads)
    factor = np.prod([amplification(outputs, taps) for taps in window.size])
    # A rounding for each channel's product and, generously, 12 an axis for the transforms.
    roundings = (channels + 24) * 2.0**-24
    largest_taps = abs(kernel).max((0, 1))
    for struck, reached in outliers(window, x, 1e6):
        bound = factor * roundings * (abs(struck).max((0, 1, 2)) @ largest_taps)
        error = abs(runs(struck) - want)[0, ~reached]
        assert (error <= bound).all()
        assert error.max() < 1e6 * 2.0**-20  # where worst and typical errors are far apart


@pytest.mark.parametrize("value", [1e6, np.inf, np.nan])
@pytest.mark.parametrize(
    ("name", "size", "channels", "outputs"), [form for form in FORMS if form[3] == 2]
)
def test_tiles_of_two_outputs_carry_nothing_to_where_it_does_not_reach(
    name, size, channels, outputs, value, rng
):
    runs, _ = convolution(name, size, channels, outputs)
    x = rng.standard_normal((1, *size, channels), np.float32)
    clean = runs(x)
    for struck, reached in outliers(WINDOWS[name], x, value):
        got = runs(struck)
        np.testing.assert_array_equal(got[0, ~reached], clean[0, ~reached])
        assert (got[0, reached] != clean[0, reached]).any()


def test_a_residual_is_added_before_the_activation(rng):
    graph, kernel = conv_graph((14, 15), 32, 32, residual=True)
    assert algorithm(graph).startswith("winograd")
    x = rng.standard_normal((2, 14, 15, 32), np.float32)
    want = np.maximum(reference.conv2d(x, kernel, pads=SAME.pads) + x, 0)
    np.testing.assert_allclose(run_graph(graph, x, 2), want, rtol=0, atol=2e-5 * abs(want).max())


class Network:
    """What an executor needs, lowered again for each plan."""

    name = "network"
    weights = ()
    versions = ()
    arithmetic = ("float32", "float32")

    def __init__(self, graph):
        self.op = graph.ops[0]

    def quantized_by(self):
        """It is float32."""

    def check(self, shapes):
        """Every shape will do."""

    def open_sizes(self, shapes):
        return [[False] * len(shape) for shape in shapes]

    def lower_all(self, graph, inputs):
        return [graph.add(Conv2D(inputs[0], self.op.out, self.op.kernel, None, SAME))]


def test_it_is_switched_off_for_a_block_of_code_or_the_process():
    executor = Executor(Network(conv_graph((28, 28), 64, 64)[0]))
    shapes = ((28, 28, 64),)
    assert executor.plan(shapes).steps[-1].algorithm == "winograd4"
    with config.override(winograd=False):
        assert executor.plan(shapes).steps[-1].algorithm == "direct"
    assert executor.plan(shapes).steps[-1].algorithm == "winograd4"
    config.set(winograd=False)
    try:
        assert executor.plan(shapes).steps[-1].algorithm == "direct"
    finally:
        config.set(winograd=True)
