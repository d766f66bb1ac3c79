"""Convolutions of operands in bfloat16: what is rounded, the sums of it, bits that never vary."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import reference
from cnnfast import _core, config
from cnnfast._core import ActivationKind, BinaryKind, WeightDtype
from cnnfast.engine.ops import (
    LINEAR,
    Activation,
    Binary,
    Concat,
    Conv2D,
    DepthwiseConv2D,
    Value,
    Window,
)
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of

PIXEL = Window((1, 1))
SAME = Window((3, 3), pads=(1, 1, 1, 1))


def rounded(x):
    """The nearest number of bfloat16; of two the even one."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    bits += 0x7FFF + (bits >> 16 & 1)
    return (bits & 0xFFFF0000).astype(np.uint32).view(np.float32)


def plan_of(graph, *, winograd=False, weight_dtype=WeightDtype.FLOAT32):
    with config.override(winograd=winograd):
        return build_plan(graph, weight_dtype, bfloat16=True)


def run(plan, x, threads=1):
    out = np.full((len(x), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run([x], [out], threads)
    return out


def conv_plan(x, want, kernel, bias=None, window=PIXEL, groups=1, activation=LINEAR, **options):
    """A convolution alone, by the direct sum unless `winograd` is among the options."""
    build = {k: options.pop(k) for k in ("winograd", "weight_dtype") if k in options}
    out = Value(want.shape[1:])

    def add(graph, value):
        return graph.add(Conv2D(value, out, kernel, bias, window, groups, activation, **options))

    return plan_of(graph_of(x.shape[1:], add), **build)


def oracle(x, kernel, bias=None, window=PIXEL, groups=1):
    """The sums of rounded operands, and the error that float32 may show in them."""
    arguments = {
        "strides": window.strides,
        "pads": window.pads,
        "dilation": window.dilation,
        "groups": groups,
    }
    x, kernel = rounded(x), rounded(kernel)
    want = reference.conv2d(x, kernel, bias, **arguments)
    largest = None if bias is None else abs(bias)
    size = reference.conv2d(abs(x), abs(kernel), largest, **arguments).max()
    return want, reference.tolerance(int(np.prod(kernel.shape[:3])), size)


def check(x, kernel, bias=None, window=PIXEL, groups=1):
    """Compare with the oracle, on several threads and image by image."""
    want, tolerance = oracle(x, kernel, bias, window, groups)
    plan = conv_plan(x, want, kernel, bias, window, groups)
    assert plan.steps[-1].algorithm == "direct_bfloat16"
    got = run(plan, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
    for threads in (2, 3):
        np.testing.assert_array_equal(run(plan, x, threads), got)
        single = [run(plan, x[i : i + 1], threads) for i in range(len(x))]
        np.testing.assert_array_equal(np.concatenate(single), got)


def normal(rng, *shape):
    return rng.standard_normal(shape, np.float32)


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
    channels = groups * draw(st.integers(8, 35))
    filters = groups * draw(st.integers(16, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = normal(rng, draw(st.integers(1, 4)), height, width, channels)
    kernel = normal(rng, *size, channels // groups, filters)
    bias = normal(rng, filters) if draw(st.booleans()) else None
    strides = draw(st.tuples(*[st.integers(1, 3)] * 2))
    return x, kernel, bias, Window(size, strides, dilation, pads), groups


@given(convolutions())
def test_random_convolutions_are_the_sums_of_rounded_operands(case):
    x, kernel, bias, window, groups = case
    want, _ = oracle(*case)
    plan = conv_plan(x, want, kernel, bias, window, groups)
    assume(plan.steps[-1].algorithm == "direct_bfloat16")  # rounding pays
    check(*case)


@pytest.mark.parametrize("filters", range(16, 70))
def test_every_width(filters, rng):
    check(normal(rng, 2, 3, 5, 20), normal(rng, 1, 1, 20, filters), normal(rng, filters))


@pytest.mark.parametrize("pixels", range(2, 30))
def test_every_height_of_the_register_tile(pixels, rng):
    check(normal(rng, 1, 1, pixels, 9), normal(rng, 1, 1, 9, 40))


@pytest.mark.parametrize("channels", range(8, 50))
@pytest.mark.parametrize("window", [PIXEL, SAME], ids=["1x1", "3x3"])
def test_every_number_of_channels(channels, window, rng):
    check(normal(rng, 2, 4, 5, channels), normal(rng, *window.size, channels, 20), None, window)


@pytest.mark.parametrize("depth", [1022, 1023, 1024, 1025, 2049, 3000])
def test_deep_sums(depth, rng):
    check(normal(rng, 3, 3, 3, depth), normal(rng, 1, 1, depth, 33))


@pytest.mark.parametrize("size", [(7, 7), (5, 40), (64, 64)], ids=str)
def test_panels_of_several_images_and_of_parts_of_one(size, rng):
    check(normal(rng, 5, *size, 48), normal(rng, 3, 3, 48, 100), None, SAME)


def test_layers_that_take_many_images_at_once(rng):
    window = Window((3, 3), strides=(2, 2), pads=(0, 1, 0, 1))
    x, kernel = normal(rng, 9, 8, 8, 96), normal(rng, 3, 3, 96, 256)
    check(x, kernel, None, window)
    assert conv_plan(x, np.empty((1, 4, 4, 256)), kernel, None, window).steps[-1].batched


def test_halves_are_rounded_to_even(rng):
    """A kernel that only copies shows what the input was rounded to."""
    x = (1 + rng.integers(0, 256, (2, 3, 4, 16)) / 256).astype(np.float32)
    x += np.float32(2.0**-23) * rng.integers(-1, 2, x.shape, np.int32)
    x *= np.exp2(rng.integers(-100, 100, x.shape)).astype(np.float32)
    x *= rng.choice(np.float32([-1, 1]), x.shape)
    kernel = np.eye(16, dtype=np.float32)[None, None]
    got = run(conv_plan(x, x, kernel), x)
    np.testing.assert_array_equal(got, rounded(x))
    assert (got != x).any()


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("channels", [8, 9, 31])
def test_what_is_not_finite_reaches_its_own_windows_alone(bad, channels, rng):
    x, kernel = normal(rng, 2, 6, 7, channels), normal(rng, 3, 3, channels, 20)
    x[1, 2, 3, channels - 1] = bad
    got = run(conv_plan(x, np.empty((2, 6, 7, 20)), kernel, None, SAME), x)
    reached = np.zeros(got.shape, bool)
    reached[1, 1:4, 2:5] = True
    np.testing.assert_array_equal(~np.isfinite(got), reached)


RELU = Activation(ActivationKind.RELU)


@pytest.mark.parametrize("filters", [24, 40])
def test_residual_activation_and_scale_follow_the_sum(filters, rng):
    x, kernel, bias = normal(rng, 2, 9, 9, filters), normal(rng, 3, 3, filters, filters), None
    scale, shift = normal(rng, filters), normal(rng, filters)
    sums, tolerance = oracle(x, kernel, bias, SAME)

    def add(graph, value):
        out = Value(sums.shape[1:])
        return graph.add(
            Conv2D(value, out, kernel, bias, SAME, 1, RELU, value, scale=scale, shift=shift)
        )

    got = run(plan_of(graph_of(x.shape[1:], add)), x, 2)
    want = np.maximum(sums + x, 0) * scale + shift
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=4 * tolerance * abs(scale).max())


@pytest.mark.parametrize("window", [PIXEL, SAME, Window((3, 2), (2, 1))], ids=["1", "3", "strides"])
def test_the_maximum_over_neighbours_is_stored(window, rng):
    x, kernel, bias = normal(rng, 3, 22, 19, 17), normal(rng, *window.size, 17, 37), normal(rng, 37)
    sums, tolerance = oracle(x, kernel, bias, window)
    rows, columns = sums.shape[1] // 2 * 2, sums.shape[2] // 2 * 2
    sums = np.maximum(sums[:, :rows, :columns], 0)
    want = sums.reshape(3, rows // 2, 2, columns // 2, 2, 37).max((2, 4))
    plan = conv_plan(x, want, kernel, bias, window, activation=RELU, max_pool=True)
    assert plan.steps[-1].algorithm == "direct_bfloat16"
    got = run(plan, x)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(run(plan, x, 3), got)


def test_slices_are_read_and_written(rng):
    """Parts of a concatenation stand among each other's channels; neither is copied."""
    first, second = normal(rng, 1, 1, 16, 24), normal(rng, 3, 3, 24, 17)
    third = normal(rng, 3, 3, 17, 32)
    x = normal(rng, 3, 8, 9, 16)

    def add(graph, value):
        a = graph.add(Conv2D(value, Value((8, 9, 24)), first, None, PIXEL))
        b = graph.add(Conv2D(a, Value((8, 9, 17)), second, None, SAME))
        c = graph.add(Conv2D(b, Value((8, 9, 32)), third, None, SAME))
        return graph.add(Concat((a, b, c), Value((8, 9, 73)), 2))

    plan = plan_of(graph_of(x.shape[1:], add))
    got = run(plan, x, 2)
    parts, value = [], x
    for kernel, window in ((first, PIXEL), (second, SAME), (third, SAME)):
        like = np.empty((1, 8, 9, kernel.shape[3]))
        value = run(conv_plan(value, like, kernel, None, window), value)
        parts.append(value)
    np.testing.assert_array_equal(got, np.concatenate(parts, -1))


def test_bands_give_the_bits_of_steps_apart(rng):
    expand, project = normal(rng, 1, 1, 16, 48), normal(rng, 1, 1, 48, 24)
    depthwise = normal(rng, 3, 3, 48, 1)
    x = normal(rng, 2, 90, 80, 16)
    shapes = [(90, 80, 48), (45, 40, 48), (45, 40, 24)]
    down = Window((3, 3), (2, 2), pads=(0, 1, 0, 1))

    def ops(value, step):
        out = Value(shapes[step])
        return [
            lambda: Conv2D(value, out, expand, None, PIXEL, 1, RELU),
            lambda: DepthwiseConv2D(value, out, depthwise, None, down, RELU),
            lambda: Conv2D(value, out, project, None, PIXEL),
        ][step]()

    def all_of(graph, value):
        for step in range(3):
            value = graph.add(ops(value, step))
        return value

    plan = plan_of(graph_of(x.shape[1:], all_of))
    assert [step.algorithm for step in plan.steps] == ["bands"]
    apart = x
    for step in range(3):
        apart = run(
            plan_of(graph_of(apart.shape[1:], lambda g, v, step=step: g.add(ops(v, step)))), apart
        )
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(run(plan, x, threads), apart)
    assert not np.array_equal(apart, run(build_plan(graph_of(x.shape[1:], all_of)), x))


@pytest.mark.parametrize(
    ("size", "channels", "filters", "groups"),
    [
        ((20, 20), 7, 64, 1),  # such as the first layer on images
        ((20, 20), 64, 15, 1),
        ((20, 20), 32, 64, 8),
        ((1, 1), 512, 400, 1),  # a dense layer that stays in cache
    ],
)
def test_what_would_gain_little_stays_float32(size, channels, filters, groups, rng):
    x = normal(rng, 2, *size, channels)
    kernel = normal(rng, 1, 1, channels // groups, filters)
    plan = conv_plan(x, np.empty((1, *size, filters)), kernel, groups=groups)
    assert "bfloat16" not in plan.steps[-1].algorithm + plan.steps[-1].name
    want = run(build_plan(_graph(x, kernel, filters, groups)), x)
    np.testing.assert_array_equal(run(plan, x), want)


def _graph(x, kernel, filters, groups=1):
    out = Value((*x.shape[1:3], filters))
    return graph_of(
        x.shape[1:], lambda graph, value: graph.add(Conv2D(value, out, kernel, None, PIXEL, groups))
    )


@pytest.mark.parametrize(
    ("weight_dtype", "name"),
    [(WeightDtype.FLOAT32, "conv2d_bfloat16"), (WeightDtype.FLOAT16, "conv2d_float16")],
)
def test_large_dense_layers_round_their_weights_alone(weight_dtype, name, rng):
    x, kernel = normal(rng, 3, 1, 1, 600), normal(rng, 1, 1, 600, 500)
    plan = conv_plan(x, np.empty((1, 1, 1, 500)), kernel, weight_dtype=weight_dtype)
    assert plan.steps[-1].name == name
    stored = WeightDtype.BFLOAT16 if weight_dtype is WeightDtype.FLOAT32 else weight_dtype
    want = run(build_plan(_graph(x, kernel, 500), stored), x)
    np.testing.assert_array_equal(run(plan, x), want)


def test_products_are_rounded_whatever_weights_are_stored_as(rng):
    x, kernel = normal(rng, 2, 5, 5, 40), normal(rng, 1, 1, 40, 48)
    like = np.empty((1, 5, 5, 48))
    want = run(conv_plan(x, like, kernel), x)
    plan = conv_plan(x, like, kernel, weight_dtype=WeightDtype.FLOAT16)
    np.testing.assert_array_equal(run(plan, x), want)


@pytest.mark.parametrize(
    ("bad", "winograd"),
    [(np.finfo(np.float32).max, False), *((bad, w) for bad in (np.inf, np.nan) for w in (0, 1))],
)
def test_weights_that_bfloat16_does_not_have_stay_float32(bad, winograd, rng):
    x, kernel = normal(rng, 2, 20, 20, 64), normal(rng, 3, 3, 64, 64)
    kernel[1, 1, 5, 7] = bad
    plan = conv_plan(x, x, kernel, None, SAME, winograd=winograd)
    assert not plan.steps[-1].algorithm.endswith("bfloat16")
    with config.override(winograd=winograd):
        out = Value(x.shape[1:])
        full = build_plan(
            graph_of(x.shape[1:], lambda g, v: g.add(Conv2D(v, out, kernel, None, SAME)))
        )
    np.testing.assert_array_equal(run(plan, x), run(full, x))


def test_pairs_take_half_of_the_bytes_and_of_the_operations(rng):
    x, kernel = normal(rng, 1, 9, 9, 64), normal(rng, 1, 1, 64, 64)
    plan = conv_plan(x, x, kernel)
    step = plan.steps[-1]
    assert step.weight_bytes in (2 * kernel.size, 4 * kernel.size)
    assert step.flops == 2 * 81 * kernel.size
    assert step.own_flops / step.flops == step.weight_bytes / (4 * kernel.size)


FORMS = [
    ((3, 3), (28, 28), 64, "winograd4_bfloat16"),
    ((3, 3), (7, 7), 256, "winograd2_bfloat16"),
    ((1, 3), (28, 28), 128, "winograd4_bfloat16"),
    ((3, 1), (28, 28), 129, "winograd4_bfloat16"),
    ((5, 5), (28, 28), 128, "winograd2_bfloat16"),
]


@pytest.mark.parametrize(("taps", "size", "channels", "algorithm"), FORMS)
def test_winograd_rounds_within_six_times_the_direct_sum(taps, size, channels, algorithm, rng):
    window = Window(taps, pads=(*[taps[0] // 2] * 2, *[taps[1] // 2] * 2))
    x = np.maximum(normal(rng, 3, *size, channels), 0)
    kernel = normal(rng, *taps, channels, channels + 1)
    exact = reference.conv2d(x, kernel, pads=window.pads)
    plan = conv_plan(x, exact, kernel, None, window, winograd=True)
    assert plan.steps[-1].algorithm == algorithm
    got = run(plan, x)
    direct = run(conv_plan(x, exact, kernel, None, window), x)
    error, of_direct = (np.sqrt(np.mean((y - exact) ** 2)) for y in (got, direct))
    assert 0 < of_direct < error < 6 * of_direct
    np.testing.assert_array_equal(run(plan, x, 3), got)
    np.testing.assert_array_equal(run(plan, x[1:2], 2), got[1:2])


def test_large_tiles_of_few_channels_stay_float32(rng):
    x, kernel = normal(rng, 1, 28, 28, 57), normal(rng, 3, 3, 57, 64)
    plan = conv_plan(x, np.empty((1, 28, 28, 64)), kernel, None, SAME, winograd=True)
    assert plan.steps[-1].algorithm == "winograd4"


def test_winograd_stores_the_maximum_and_adds_a_residual(rng):
    x, kernel = normal(rng, 2, 28, 28, 64), normal(rng, 3, 3, 64, 64) / 24
    sums = reference.conv2d(x, kernel, pads=SAME.pads)
    largest = np.maximum(sums, 0).reshape(2, 14, 2, 14, 2, 64).max((2, 4))
    plan = conv_plan(x, largest, kernel, None, SAME, activation=RELU, max_pool=True, winograd=True)
    assert plan.steps[-1].algorithm == "winograd4_bfloat16"
    np.testing.assert_allclose(run(plan, x), largest, rtol=0, atol=0.05 * abs(sums).max())

    def add(graph, value):
        y = Value(x.shape[1:])
        return graph.add(Conv2D(value, y, kernel, None, SAME, 1, RELU, value))

    plan = plan_of(graph_of(x.shape[1:], add), winograd=True)
    assert plan.steps[-1].algorithm == "winograd4_bfloat16"
    want = np.maximum(sums + x, 0)
    np.testing.assert_allclose(run(plan, x), want, rtol=0, atol=0.05 * abs(sums).max())


def test_two_additions_join_one_convolution_each(rng):
    """The input of a residual is not what was rounded."""
    x, kernel = normal(rng, 1, 6, 6, 32), normal(rng, 1, 1, 32, 32)

    def add(graph, value):
        y = graph.add(Conv2D(value, Value((6, 6, 32)), kernel, None, PIXEL))
        return graph.add(Binary(y, value, Value((6, 6, 32)), BinaryKind.ADD))

    sums, tolerance = oracle(x, kernel)
    got = run(plan_of(graph_of(x.shape[1:], add)), x)
    np.testing.assert_allclose(got, sums + x, rtol=1e-6, atol=tolerance)


SCRIPT = """
import sys
import numpy as np
sys.path.insert(0, "tests")
from csrc.ops import test_bfloat16_conv as own
rng = np.random.default_rng(5)
made = {}
for taps, size, channels, _ in own.FORMS + [((1, 1), (14, 14), 95, ""), ((3, 2), (9, 9), 16, "")]:
    window = own.Window(taps)
    x = own.normal(rng, 2, *size, channels)
    kernel = own.normal(rng, *taps, channels, 80)
    like = np.empty((1, size[0] - taps[0] + 1, size[1] - taps[1] + 1, 80))
    for winograd in (False, True):
        plan = own.conv_plan(x, like, kernel, None, window, winograd=winograd)
        name = f"{taps} {size} {channels} {winograd} {plan.steps[-1].algorithm}"
        made[name] = own.run(plan, x)
np.savez(sys.argv[1], **made)
"""


@pytest.mark.long
def test_every_instruction_set_rounds_the_same_operands(tmp_path):
    made = {}
    for isa in _core.available_isas():
        path = tmp_path / f"{isa}.npz"
        command = [sys.executable, "-c", SCRIPT, str(path)]
        subprocess.run(command, env={**os.environ, "CNNFAST_ISA": isa}, check=True)
        with np.load(path) as arrays:
            made[isa] = dict(arrays)
    first, *others = made.values()
    assert sum("direct_bfloat16" in name for name in first) == len(FORMS) + 4
    for other in others:
        assert list(other) == list(first)
        for name, want in first.items():
            # A transform's last bit decides now and then which neighbour it is rounded to.
            most = 2e-3 if "winograd" in name else 2e-5
            np.testing.assert_allclose(
                other[name], want, rtol=0, atol=most * abs(want).max(), err_msg=name
            )
