"""What each pass makes of a graph, and that the numbers stay."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast._core import ActivationKind, BinaryKind, PoolKind
from cnnfast.engine.ops import (
    Activate,
    Activation,
    Affine,
    Binary,
    Call,
    Conv2D,
    DepthwiseConv2D,
    Pool2D,
    Remap,
    Value,
    Window,
)
from cnnfast.engine.passes import optimize
from cnnfast.engine.passes.drop_unused import drop_unused
from cnnfast.engine.passes.fold_affine import fold_affine
from cnnfast.engine.passes.fold_padding import fold_padding
from cnnfast.engine.passes.fuse_activation import fuse_activation
from cnnfast.engine.passes.fuse_max_pool import fuse_max_pool
from cnnfast.engine.passes.fuse_residual import fuse_residual
from cnnfast.engine.passes.merge_scales import merge_scales
from cnnfast.engine.passes.trim_windows import trim_windows
from cnnfast.engine.positions import listed
from csrc.plans import graph_of, run_graph

RELU = Activation(ActivationKind.RELU)
SAME = Window((3, 3), pads=(1, 1, 1, 1))
HALVING = Window((2, 2), strides=(2, 2))
OVERLAPPING = Window((3, 3), strides=(2, 2))
CHANNELS = 5
rng = np.random.default_rng(11)
SCALE, SHIFT = rng.standard_normal((2, CHANNELS), np.float32)
KERNEL = rng.standard_normal((3, 3, CHANNELS, CHANNELS), np.float32)
DEPTHWISE = rng.standard_normal((3, 3, CHANNELS, 1), np.float32)
BIAS = rng.standard_normal(CHANNELS, np.float32)


def conv(graph, x):
    return graph.add(Conv2D(x, Value(x.shape), KERNEL, BIAS, SAME))


def depthwise(graph, x):
    return graph.add(DepthwiseConv2D(x, Value(x.shape), DEPTHWISE, BIAS, SAME))


def affine(graph, x):
    return graph.add(Affine(x, Value(x.shape), SCALE, SHIFT))


def relu(graph, x):
    return graph.add(Activate(x, Value(x.shape), RELU))


def add(graph, x, y):
    return graph.add(Binary(x, y, Value(x.shape), BinaryKind.ADD))


def chain(*layers):
    def build(graph, x):
        for layer in layers:
            x = layer(graph, x)
        return x

    return graph_of((6, 7, CHANNELS), build)


def pool(graph, x, kind=PoolKind.MAX, window=HALVING):
    height, width, channels = x.shape
    return graph.add(Pool2D(x, Value((height // 2, width // 2, channels)), kind, window))


def pool_and_read_again(graph, x):
    return add(graph, pool(graph, x), pool(graph, relu(graph, x)))


def block(graph, x):
    """A residual block: relu(conv(relu(conv(x))) + x)."""
    y = conv(graph, relu(graph, conv(graph, x)))
    return relu(graph, add(graph, y, x))


def names(graph):
    return [type(op).__name__ for op in graph.ops]


def test_what_nothing_reads_is_left_out_but_for_a_user_s_function():
    def build(graph, x):
        relu(graph, affine(graph, x))
        called = graph.add(Call((relu(graph, x),), Value(x.shape), np.sin, "sine"))
        conv(graph, called)
        return affine(graph, x)

    before = graph_of((6, 7, CHANNELS), build)
    graph = drop_unused(before)
    assert names(before) == ["Affine", "Activate", "Activate", "Call", "Conv2D", "Affine"]
    assert names(graph) == ["Activate", "Call", "Affine"]
    assert graph.outputs == before.outputs


@pytest.mark.parametrize("convolution", [conv, depthwise])
def test_a_scale_and_shift_goes_into_the_weights(convolution):
    graph = fold_affine(chain(convolution, affine))
    assert len(graph.ops) == 1
    np.testing.assert_allclose(graph.ops[0].bias, BIAS * SCALE + SHIFT, rtol=1e-6)


def test_a_scale_and_shift_behind_an_activation_is_applied_to_the_output():
    graph = fold_affine(fuse_activation(chain(conv, relu, affine)))
    (op,) = graph.ops
    assert op.activation == RELU
    np.testing.assert_array_equal(op.scale, SCALE)
    np.testing.assert_array_equal(op.kernel, KERNEL)


def test_nothing_is_folded_where_another_operation_reads_between():
    def both(graph, x):
        y = conv(graph, x)
        return add(graph, affine(graph, y), y)

    assert names(fold_affine(graph_of((6, 7, CHANNELS), both))) == ["Conv2D", "Affine", "Binary"]


def padded(rows, columns, fill=0.0, channels=None):
    """A layer that picks rows and columns, and channels where they are given; -1 gives `fill`."""

    def layer(graph, x):
        out = Value((len(rows), len(columns), x.shape[2]))
        positions = (rows, columns, channels)
        indices = tuple(
            None if picked is None else listed(np.array(picked, np.int32), size)
            for picked, size in zip(positions, x.shape, strict=True)
        )
        return graph.add(Remap(x, out, indices, fill))

    return layer


ROWS, COLUMNS = [-1, 0, 1, 2, 3, 4, 5, -1, -1], [*range(7), -1]


@pytest.mark.parametrize("convolution", [conv, depthwise])
def test_a_convolution_pads_what_it_reads(convolution):
    before = chain(padded(ROWS, COLUMNS), convolution)
    assert names(before)[0] == "Remap"
    (op,) = fold_padding(before).ops
    assert op.window.pads == (1 + 1, 1 + 2, 1 + 0, 1 + 1)
    assert op.x is before.inputs[0]


@pytest.mark.parametrize(
    "layer",
    [
        padded(ROWS, COLUMNS, fill=1.0),
        padded([-1, 1, 0, 2, 3, 4, 5], COLUMNS),
        padded([0, 1, -1, 2, 3, 4, 5], COLUMNS),
        padded([-1, 0, 1, 2, 3, 4], COLUMNS),
        padded([-1, -1], COLUMNS),
        padded(ROWS, COLUMNS, channels=[1, 0, 2, 3, 4]),
    ],
    ids=["other fill", "moved", "gap", "cropped", "nothing left", "other channels"],
)
def test_what_is_not_zeros_around_the_image_stays(layer):
    assert names(fold_padding(chain(layer, conv))) == ["Remap", "Conv2D"]


AROUND = ([-1, *range(6), -1], [-1, *range(7), -1])


def overlapping(graph, x, kind=PoolKind.MAX, window=OVERLAPPING):
    sizes = (out_size(window, x.shape, axis) for axis in (0, 1))
    return graph.add(Pool2D(x, Value((*sizes, x.shape[2])), kind, window))


def activated(graph, x):
    return graph.add(Conv2D(x, Value(x.shape), KERNEL, BIAS, SAME, activation=RELU))


def scaled(graph, x):
    out = Value(x.shape)
    return graph.add(Conv2D(x, out, KERNEL, BIAS, SAME, activation=RELU, scale=SCALE, shift=SHIFT))


@pytest.mark.parametrize("before", [[relu], [activated], [affine, relu]])
def test_maxima_of_what_is_never_negative_need_no_zeros_around(before, rng):
    graph = chain(*before, padded(*AROUND), overlapping)
    assert names(graph)[-2:] == ["Remap", "Pool2D"]
    folded = fold_padding(graph)
    assert names(folded) == [*names(graph)[:-2], "Pool2D"]
    assert folded.ops[-1].window.pads == (1, 1, 1, 1)
    x = rng.standard_normal((2, 6, 7, CHANNELS), np.float32)
    np.testing.assert_array_equal(run_graph(folded, x), run_graph(graph, x))


def average(graph, x):
    return overlapping(graph, x, PoolKind.AVERAGE)


def small(graph, x):
    return overlapping(graph, x, window=Window((1, 2)))


def dilated(graph, x):
    return overlapping(graph, x, window=Window((3, 3), dilation=(2, 2)))


@pytest.mark.parametrize(
    ("before", "pooling"),
    [
        (affine, overlapping),
        (scaled, overlapping),
        (relu, average),
        (relu, small),
        (relu, dilated),
    ],
    ids=["below zero", "scaled below zero", "an average", "zeros alone", "dilated"],
)
def test_zeros_around_that_a_pool_counts_stay(before, pooling):
    graph = chain(before, padded(*AROUND), pooling)
    assert names(fold_padding(graph)) == names(graph)


def test_scales_behind_each_other_become_one():
    def rescale(graph, x):
        half = Activation(ActivationKind.SCALE, 0.5, 3.0)
        return graph.add(Activate(x, Value(x.shape), half))

    (op,) = merge_scales(chain(rescale, affine, affine)).ops
    np.testing.assert_allclose(op.scale, 0.5 * SCALE**2, rtol=1e-6)
    np.testing.assert_allclose(op.shift, (3 * SCALE + SHIFT) * SCALE + SHIFT, rtol=1e-6)


@pytest.mark.parametrize("first", [conv, depthwise, affine])
def test_an_activation_joins_the_operation_before_it(first):
    (op,) = fuse_activation(chain(first, relu)).ops
    assert op.activation == RELU


def test_a_second_activation_stays():
    assert len(fuse_activation(chain(conv, relu, relu)).ops) == 2


def test_a_convolution_takes_in_the_addition_behind_it():
    before = graph_of((6, 7, CHANNELS), block)
    assert names(before) == ["Conv2D", "Activate", "Conv2D", "Binary", "Activate"]
    after = optimize(before)
    assert names(after) == ["Conv2D", "Conv2D"]
    assert after.ops[1].residual is after.inputs[0]
    assert after.ops[1].activation == RELU


def test_the_later_of_two_convolutions_takes_in_their_sum():
    graph = fuse_residual(graph_of((6, 7, CHANNELS), lambda g, x: add(g, conv(g, x), conv(g, x))))
    assert names(graph) == ["Conv2D", "Conv2D"]
    assert graph.ops[1].residual is graph.ops[0].out


def test_a_convolution_stores_the_maximum_of_two_by_two_pixels():
    before = chain(conv, relu, affine, pool)
    assert names(before) == ["Conv2D", "Activate", "Affine", "Pool2D"]
    (op,) = optimize(before).ops
    assert op.max_pool
    assert op.out.shape == (3, 3, CHANNELS)


@pytest.mark.parametrize(
    "second",
    [
        lambda g, x: pool(g, x, PoolKind.AVERAGE),
        lambda g, x: pool(g, x, window=Window((2, 2), strides=(2, 2), pads=(0, 0, 0, 1))),
        lambda g, x: pool(g, x, window=Window((3, 3), strides=(2, 2), pads=(1, 1, 1, 1))),
        pool_and_read_again,
    ],
)
def test_other_pooling_stays(second):
    assert "Pool2D" in names(fuse_max_pool(chain(conv, second)))


def test_a_convolution_with_a_residual_is_pooled_apart():
    graph = graph_of((6, 7, CHANNELS), lambda g, x: pool(g, add(g, conv(g, x), x)))
    assert names(optimize(graph)) == ["Conv2D", "Pool2D"]


def test_an_addition_that_repeats_an_axis_stays():
    def broadcast(graph, x):
        one = Value((1, 1, CHANNELS))
        pixel = graph.add(Conv2D(x, one, np.ones((6, 7, 5, 5), np.float32), None, Window((6, 7))))
        return graph.add(Binary(conv(graph, x), pixel, Value(x.shape), BinaryKind.ADD))

    assert names(fuse_residual(graph_of((6, 7, CHANNELS), broadcast)))[-1] == "Binary"


def joined_twice(graph, x):
    return add(graph, add(graph, conv(graph, x), x), x)


def doubled(graph, x):
    y = conv(graph, x)
    return add(graph, y, y)


def residual_and_scale(graph, x):
    return relu(graph, affine(graph, add(graph, conv(graph, x), x)))


@pytest.mark.parametrize(
    ("passes", "layer", "left"),
    [
        ([fuse_activation, fold_affine], [conv, relu, affine, affine], ["Conv2D", "Affine"]),
        (
            [fuse_residual, fold_affine, fuse_activation],
            [residual_and_scale],
            ["Conv2D", "Activate"],
        ),
        ([fuse_residual], [joined_twice], ["Conv2D", "Binary"]),
        ([fuse_residual], [doubled], ["Conv2D", "Binary"]),
        ([fuse_activation, merge_scales], [affine, relu, affine], ["Affine", "Affine"]),
        ([fuse_max_pool], [conv, pool, pool], ["Conv2D", "Pool2D"]),
    ],
    ids=["scales", "activation", "sums", "sum with itself", "scales around relu", "maxima"],
)
def test_an_operation_takes_in_no_more_than_it_can_do(passes, layer, left, rng):
    before = after = chain(*layer)
    for apply in passes:
        after = apply(after)
    assert names(after) == left
    x = rng.standard_normal((2, 6, 7, CHANNELS), np.float32)
    want = run_graph(before, x)
    np.testing.assert_allclose(run_graph(after, x), want, rtol=1e-5, atol=1e-5 * abs(want).max())


TRIMMED = {
    "ends of a dilated window": (
        Window((3, 3), dilation=(8, 6), pads=(8, 8, 6, 6)),
        ((1, 3), (0, 0, 6, 6)),
    ),
    "a causal window": (
        Window((3, 1), dilation=(5, 1), pads=(10, 0, 0, 0)),
        ((2, 1), (5, 0, 0, 0)),
    ),
    "no tap meets the image": (
        Window((2, 2), dilation=(13, 15), pads=(6, 7, 7, 8)),
        ((1, 1), (6, 0, 7, 0)),
    ),
    "the only output is far in front": (
        Window((1, 2), dilation=(1, 11), pads=(0, 0, 3, 2)),
        ((1, 1), (0, 0, 1, 0)),
    ),
    "a crop otherwise": (
        Window((2, 1), strides=(5, 1), dilation=(2, 1), pads=(1, 0, 0, 0)),
        ((2, 1), (1, 0, 0, 0)),
    ),
    "a window that stays": (
        Window((3, 3), dilation=(5, 6), pads=(5, 5, 6, 6)),
        ((3, 3), (5, 5, 6, 6)),
    ),
}


def out_size(window, shape, axis):
    span = (window.size[axis] - 1) * window.dilation[axis] + 1
    padded_size = shape[axis] + sum(window.pads[2 * axis : 2 * axis + 2])
    return (padded_size - span) // window.strides[axis] + 1


@pytest.mark.parametrize("convolution", [Conv2D, DepthwiseConv2D])
@pytest.mark.parametrize(("window", "left"), TRIMMED.values(), ids=TRIMMED)
def test_taps_that_see_padding_alone_are_taken_away(convolution, window, left):
    channels = CHANNELS if convolution is Conv2D else 1
    kernel = rng.standard_normal((*window.size, CHANNELS, channels), np.float32)

    def build(graph, x):
        out = Value((*(out_size(window, x.shape, axis) for axis in (0, 1)), CHANNELS))
        return graph.add(convolution(x, out, kernel, BIAS, window))

    graph = graph_of((6, 7, CHANNELS), build)
    trimmed = trim_windows(graph)
    assert (trimmed.ops[0].window.size, trimmed.ops[0].window.pads) == left
    x = rng.standard_normal((2, 6, 7, CHANNELS), np.float32)
    np.testing.assert_allclose(run_graph(trimmed, x), run_graph(graph, x), atol=1e-5)


@pytest.mark.parametrize("kind", [PoolKind.MAX, PoolKind.AVERAGE])
def test_a_pool_larger_than_the_image_walks_the_image_alone(kind, rng):
    window = Window((41, 1), pads=(20, 20, 0, 0))
    graph = graph_of((6, 7, CHANNELS), lambda g, x: g.add(Pool2D(x, Value(x.shape), kind, window)))
    trimmed = trim_windows(graph)
    assert trimmed.ops[0].window == Window((11, 1), pads=(5, 5, 0, 0))
    x = rng.standard_normal((2, 6, 7, CHANNELS), np.float32)
    np.testing.assert_array_equal(run_graph(trimmed, x), run_graph(graph, x))


@pytest.mark.parametrize(
    "graph",
    [
        chain(padded(ROWS, COLUMNS), conv, relu),
        chain(padded(ROWS, COLUMNS), depthwise),
        chain(conv, relu, padded(*AROUND), overlapping),
        chain(affine, affine, conv),
        chain(conv, affine, relu),
        chain(conv, relu, affine),
        chain(depthwise, affine, relu, affine),
        chain(relu, affine, relu, conv),
        chain(conv, pool),
        chain(conv, relu, affine, pool, conv),
        graph_of((6, 7, CHANNELS), block),
        graph_of((6, 7, CHANNELS), lambda g, x: affine(g, block(g, block(g, x)))),
        graph_of((1, 1, CHANNELS), lambda g, x: add(g, conv(g, x), x)),
    ],
)
def test_the_passes_together_keep_the_numbers(graph, rng):
    x = rng.standard_normal((3, *graph.inputs[0].shape), np.float32)
    want = run_graph(graph, x)
    optimized = optimize(graph)
    assert len(optimized.ops) < len(graph.ops)
    got = run_graph(optimized, x, 2)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * abs(want).max())
    np.testing.assert_array_equal(got[1:2], run_graph(optimized, x[1:2]))


def test_a_merged_operation_carries_the_layers_of_all_its_parts():
    def build(graph, x):
        with graph.layer("block"):
            with graph.layer("conv"):
                y = affine(graph, conv(graph, x))
            with graph.layer("sum"):
                y = add(graph, y, x)
        return relu(graph, y)

    graph = graph_of((4, 4, CHANNELS), build)
    names = [op.layers for op in graph.ops]
    assert names == [("block/conv",), ("block/conv",), ("block/sum",), ()]
    (merged,) = optimize(graph).ops
    assert merged.layers == ("block/conv", "block/sum")
