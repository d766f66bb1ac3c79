"""What is concatenated along the channels is written where it goes, with the same bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnfast._core import ActivationKind, PoolKind, ReductionKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import (
    Activate,
    Activation,
    Concat,
    Conv2D,
    DepthToSpace,
    DepthwiseConv2D,
    Pool2D,
    Reduce,
    Reshape,
    Value,
    Window,
)
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of

SAME = Window((3, 3), pads=(1, 1, 1, 1))
POINT = Window((1, 1))


class Layers:
    """Operations with random weights on images, whose size they keep."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.rng = np.random.default_rng(3)

    def conv(self, x: Value, filters: int, window: Window = POINT) -> Value:
        kernel = self.rng.standard_normal((*window.size, x.shape[2], filters), np.float32)
        out = Value((*x.shape[:2], filters))
        return self.graph.add(Conv2D(x, out, kernel, None, window))

    def depthwise(self, x: Value) -> Value:
        kernel = self.rng.standard_normal((3, 3, x.shape[2], 1), np.float32)
        return self.graph.add(DepthwiseConv2D(x, Value(x.shape), kernel, None, SAME))

    def pool(self, x: Value) -> Value:
        return self.graph.add(Pool2D(x, Value(x.shape), PoolKind.MAX, SAME))

    def grown(self, x: Value) -> Value:
        height, width, channels = x.shape
        wide = self.conv(x, 4 * channels)
        return self.graph.add(DepthToSpace(wide, Value((2 * height, 2 * width, channels))))

    def concat(self, *parts: Value) -> Value:
        channels = sum(part.shape[2] for part in parts)
        return self.graph.add(Concat(parts, Value((*parts[0].shape[:2], channels)), 2))

    def magnitude(self, x: Value) -> Value:
        return self.graph.add(Activate(x, Value(x.shape), Activation(ActivationKind.ABS)))


def branches(layers: Layers, x: Value) -> Value:
    """Every kind of step that writes slices, with readers that want borders and that do not."""
    left = layers.conv(x, 24, SAME)
    right = layers.conv(x, 5)
    middle = layers.depthwise(left)
    both = layers.concat(left, right, middle, layers.pool(left))
    return layers.conv(layers.conv(both, 21, SAME), 3)


def grown(layers: Layers, x: Value) -> Value:
    """The second half of a U-Net."""
    fine = layers.conv(layers.grown(x), 18, SAME)
    both = layers.concat(fine, layers.grown(layers.conv(x, 7, SAME)))
    return layers.conv(both, 9, SAME)


def nested(layers: Layers, x: Value) -> Value:
    """Slices of what is a slice itself, as dense blocks have them."""
    first = layers.concat(layers.conv(x, 16, SAME), layers.conv(x, 4))
    second = layers.concat(layers.conv(first, 8), first)
    return layers.concat(layers.conv(second, 3), second, layers.pool(second))


def result(layers: Layers, x: Value) -> Value:
    return layers.concat(layers.conv(x, 20, SAME), layers.conv(x, 3))


def flattened(layers: Layers, x: Value) -> Value:
    both = layers.concat(layers.conv(x, 6), layers.conv(x, 9, SAME))
    flat = Value((int(np.prod(both.shape)),))
    return layers.graph.add(Reshape(both, flat))


def averaged(layers: Layers, x: Value) -> Value:
    both = layers.concat(layers.conv(x, 6), layers.conv(x, 9, SAME))
    layers.graph.add(Reduce(both, Value((15,)), ReductionKind.MEAN, 0, 2))
    return layers.conv(both, 4, SAME)


NETWORKS = [branches, grown, nested, result, flattened, averaged]


def network(build, shape=(9, 11, 6)) -> Graph:  # a width that no step joins pixels of
    return graph_of(shape, lambda graph, x: build(Layers(graph), x))


def run(graph: Graph, x, threads: int = 1):
    """The first output; NaN where it would stay unwritten."""
    plan = build_plan(graph)
    outs = [np.full((len(x), *shape), np.nan, np.float32) for shape in plan.output_shapes]
    plan.run([x], outs, threads)
    return outs[0]


def names(graph: Graph) -> list[str]:
    return [step.name for step in build_plan(graph).steps]


def without_slices(graph: Graph) -> Graph:
    """The same, but what is concatenated is wanted as an output, and so has memory of its own."""
    parts = {id(x): x for op in graph.ops if isinstance(op, Concat) for x in op.inputs}
    return Graph(graph.inputs, graph.ops, [*graph.outputs, *parts.values()])


@pytest.mark.parametrize("build", NETWORKS)
def test_slices_have_the_bits_of_copies(build, rng):
    graph = network(build)
    x = rng.standard_normal((5, *graph.inputs[0].shape), np.float32)
    assert "concat" not in names(graph)
    assert "concat" in names(without_slices(graph))
    want = run(without_slices(graph), x)
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(run(graph, x, threads), want)
        single = [run(graph, x[i : i + 1], threads) for i in range(len(x))]
        np.testing.assert_array_equal(np.concatenate(single), want)


def test_a_slice_is_made_whole_though_one_step_alone_reads_it(rng):
    def build(layers: Layers, x: Value) -> Value:
        left = layers.conv(x, 32, SAME)
        return layers.concat(left, layers.depthwise(left))

    graph = network(build, (97, 101, 6))  # large enough for bands
    x = rng.standard_normal((1, *graph.inputs[0].shape), np.float32)
    np.testing.assert_array_equal(run(graph, x, 2), run(without_slices(graph), x))


def copied(layers: Layers, x: Value) -> Value:
    """An input, a value used twice, and values that a step writes or reads dense."""
    left, right = layers.conv(x, 4), layers.conv(x, 5)
    layers.conv(right, 3, SAME)
    dense = layers.magnitude(left)
    return layers.concat(x, left, left, dense)


def test_what_cannot_be_a_slice_is_copied(rng):
    graph = network(copied)
    x = rng.standard_normal((3, *graph.inputs[0].shape), np.float32)
    assert names(graph).count("concat") == 4
    want = run(without_slices(graph), x)
    np.testing.assert_array_equal(run(graph, x, 2), want)
    np.testing.assert_array_equal(want[..., :6], x)
    np.testing.assert_array_equal(want[..., 14:], abs(want[..., 6:10]))


def test_what_is_read_under_another_shape_is_copied(rng):
    def build(layers: Layers, x: Value) -> Value:
        left, right = layers.conv(x, 4), layers.conv(x, 5)
        flat = layers.graph.add(Reshape(left, Value((math.prod(left.shape),))))
        positive = layers.graph.add(Reshape(layers.magnitude(flat), Value(left.shape)))
        return layers.concat(left, right, positive)

    graph = network(build)
    x = rng.standard_normal((2, *graph.inputs[0].shape), np.float32)
    assert names(graph).count("concat") == 2
    got = run(graph, x)
    np.testing.assert_array_equal(got, run(without_slices(graph), x))
    np.testing.assert_array_equal(got[..., 9:], abs(got[..., :4]))


@pytest.mark.parametrize("blocks", [(2, 2), (1, 3), (4, 1)])
def test_channels_become_blocks_of_pixels(blocks, rng):
    height, width, channels = 3, 5, 2
    x = rng.standard_normal((2, height, width, blocks[0] * blocks[1] * channels), np.float32)
    out = Value((height * blocks[0], width * blocks[1], channels))
    split = x.reshape(2, height, width, *blocks, channels).transpose(0, 1, 3, 2, 4, 5)
    got = run(graph_of(x.shape[1:], lambda g, v: g.add(DepthToSpace(v, out))), x, 2)
    np.testing.assert_array_equal(got, split.reshape(2, *out.shape))
