"""Steps that run together by bands of rows give the bits of the same steps apart."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cnnfast import _core
from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import (
    Activate,
    Activation,
    Affine,
    Binary,
    Conv2D,
    DepthwiseConv2D,
    Reshape,
    Value,
    Window,
)
from cnnfast.engine.program import build as build_plan
from core.plans import graph_of

RELU6 = Activation(ActivationKind.CLIPPED_RELU, 6.0)
SWISH = Activation(ActivationKind.SILU)
PIXEL = Window((1, 1))


class Chain:
    """Operations on random weights, one behind the other."""

    def __init__(self, graph: Graph, x: Value, seed: int = 0) -> None:
        self.graph = graph
        self.x = x
        self.rng = np.random.default_rng(seed)

    def _slide(self, window: Window, channels: int) -> Value:
        spans = zip(
            self.x.shape[:2],
            window.size,
            window.strides,
            window.dilation,
            (sum(window.pads[:2]), sum(window.pads[2:])),
            strict=True,
        )
        return Value(
            (*((n + pads - (k - 1) * d - 1) // step + 1 for n, k, step, d, pads in spans), channels)
        )

    def conv(self, filters, window=PIXEL, *, groups=1, residual=None) -> Value:
        kernel = self.rng.standard_normal(
            (*window.size, self.x.shape[2] // groups, filters), np.float32
        )
        bias = self.rng.standard_normal(filters, np.float32)
        out = self._slide(window, filters)
        op = Conv2D(self.x, out, kernel, bias, window, groups, RELU6, residual)
        self.x = self.graph.add(op)
        return self.x

    def depthwise(self, window, multiplier=1) -> Value:
        kernel = self.rng.standard_normal((*window.size, self.x.shape[2], multiplier), np.float32)
        bias = self.rng.standard_normal(multiplier * self.x.shape[2], np.float32)
        out = self._slide(window, multiplier * self.x.shape[2])
        self.x = self.graph.add(DepthwiseConv2D(self.x, out, kernel, bias, window, SWISH))
        return self.x

    def affine(self) -> Value:
        scale, shift = self.rng.standard_normal((2, self.x.shape[2]), np.float32)
        self.x = self.graph.add(Affine(self.x, Value(self.x.shape), scale, shift))
        return self.x


def algorithms(graph: Graph) -> list[str]:
    return [step.algorithm for step in build_plan(graph).steps]


def outputs(graph: Graph, arrays, threads: int = 1):
    plan = build_plan(graph)
    out = np.full((len(arrays[0]), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run(arrays, [out], threads)
    return out


def alone(op, x, residual):
    """The output of one operation, whose input NumPy has padded: a plan of one step."""
    if hasattr(op, "window"):
        top, bottom, left, right = op.window.pads
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
        op = replace(op, window=replace(op.window, pads=(0, 0, 0, 0)))
    inputs = [Value(x.shape[1:])]
    op = replace(op, x=inputs[0])
    if residual is not None:
        inputs.append(Value(residual.shape[1:]))
        op = replace(op, residual=inputs[1])
    graph = Graph(inputs, [op], [op.out])
    assert len(algorithms(graph)) == 1
    return outputs(graph, [x] if residual is None else [x, residual])


def apart(graph: Graph, arrays):
    values = dict(zip(graph.inputs, arrays, strict=True))
    for op in graph.ops:
        values[op.out] = alone(op, values[op.x], values.get(getattr(op, "residual", None)))
    return values[graph.outputs[0]]


def assert_same_bits(graph: Graph, *, images: int = 2) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((images, *v.shape), np.float32) for v in graph.inputs]
    assert "bands" in algorithms(graph)
    want = apart(graph, arrays)
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(outputs(graph, arrays, threads), want)
        single = [outputs(graph, [a[i : i + 1] for a in arrays], threads) for i in range(images)]
        np.testing.assert_array_equal(np.concatenate(single), want)


def windows(rng: np.random.Generator) -> Window:
    """A random window, whose strides may step over rows that no window reads."""
    size, strides, dilation = rng.integers(1, [[6], [4], [3]], (3, 2)).tolist()
    return Window(
        tuple(size), tuple(strides), tuple(dilation), tuple(rng.integers(0, 4, 4).tolist())
    )


@pytest.mark.parametrize("seed", range(12))
def test_random_chains(seed):
    rng = np.random.default_rng(seed)

    def add(graph, x):
        chain = Chain(graph, x, seed)
        chain.conv(int(rng.integers(60, 80)))
        chain.depthwise(windows(rng))
        for _ in range(int(rng.integers(3))):
            kind = rng.integers(4)
            if kind == 0:
                chain.conv(int(rng.integers(1, 70)), windows(rng))
            elif kind == 1:
                chain.depthwise(windows(rng), int(rng.integers(1, 3)))
            elif kind == 2:
                chain.affine()
            else:
                chain.conv(2 * chain.x.shape[2], windows(rng), groups=chain.x.shape[2])
        return chain.x

    height, width = rng.integers(65, 90, 2).tolist()
    assert_same_bits(graph_of((height, width, int(rng.integers(1, 20))), add))


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 1, 0, 1), (0, 0, 0, 0)])
def test_an_inverted_residual_block(strides, pads):
    def add(graph, x):
        chain = Chain(graph, x)
        chain.conv(96)
        chain.depthwise(Window((3, 3), (strides, strides), pads=pads))
        return chain.conv(24)

    assert_same_bits(graph_of((150, 140, 16), add))  # bands enough for several parts a thread


@pytest.mark.parametrize("size", [1, 2, 15])
def test_a_separable_convolution_of_a_small_image(size):
    def add(graph, x):
        chain = Chain(graph, x)
        chain.depthwise(Window((3, 3), pads=(1, 1, 1, 1)))
        return chain.conv(40)

    graph = graph_of((size, size, 24), add)
    assert algorithms(graph)[1:] == ["bands"]  # behind the copy into a border
    assert_same_bits(graph, images=3)


def test_the_second_input_may_be_that_of_any_step():
    def add(graph, x):
        chain = Chain(graph, x)
        chain.conv(40, residual=graph.add_input((90, 91, 40)))
        chain.depthwise(Window((3, 3), pads=(1, 1, 1, 1)))
        return chain.conv(24)

    assert_same_bits(graph_of((90, 91, 16), add))


def test_a_block_adds_its_own_input():
    def add(graph, x):
        chain = Chain(graph, x)
        start = chain.conv(24)
        chain.conv(80)
        chain.depthwise(Window((5, 5), pads=(2, 2, 2, 2)))
        return chain.conv(24, residual=start)

    graph = graph_of((61, 64, 3), add)
    assert algorithms(graph) == ["direct", "bands"]
    assert_same_bits(graph)


def test_a_step_reads_no_more_than_two_values():
    def add(graph, x):
        chain = Chain(graph, x)
        other = graph.add_input((90, 91, 40))
        chain.conv(40, residual=other)
        return chain.conv(40, residual=other)

    graph = graph_of((90, 91, 16), add)
    assert algorithms(graph) == ["direct", "direct"]


def test_what_somebody_else_reads_too_is_made_whole():
    def add(graph, x):
        chain = Chain(graph, x)
        wide = chain.conv(64)
        return graph.add(Binary(chain.affine(), wide, Value(wide.shape), BinaryKind.ADD))

    assert "bands" not in algorithms(graph_of((80, 80, 4), add))


def test_what_is_read_under_another_shape_too_is_made_whole():
    def add(graph, x):
        chain = Chain(graph, x)
        rows = (80 * 80, 64)
        wide = graph.add(Reshape(chain.conv(64), Value(rows)))
        scaled = graph.add(Reshape(chain.affine(), Value(rows)))
        return graph.add(Binary(scaled, wide, Value(rows), BinaryKind.ADD))

    assert "bands" not in algorithms(graph_of((80, 80, 4), add))


def test_bands_behind_a_dense_layer_run_on_all_images():
    def add(graph, x):
        chain = Chain(graph, x)
        shape = (65, 64, 64)
        x = graph.add(Reshape(chain.conv(math.prod(shape)), Value(shape)))
        x = graph.add(Activate(x, Value(shape), SWISH))
        return graph.add(Activate(x, Value(shape), RELU6))

    graph = graph_of((1, 1, 4), add)
    assert [step.batched for step in build_plan(graph).steps] == [True, True]
    assert_same_bits(graph, images=3)


SPREAD = Window((3, 3), pads=(1, 1, 1, 1))


@pytest.mark.parametrize(
    "add",
    [
        lambda chain: chain.affine() and chain.conv(64),
        lambda chain: chain.conv(24) and chain.depthwise(SPREAD),
        lambda chain: chain.depthwise(SPREAD) and chain.conv(24, SPREAD),
        lambda chain: chain.depthwise(SPREAD) and chain.conv(24, Window((1, 1), (2, 2))),
    ],
)
def test_steps_on_small_images_stay_apart_where_they_would_make_rows_twice_or_meet_as_often(add):
    assert "bands" not in algorithms(graph_of((20, 20, 4), lambda g, x: add(Chain(g, x))))


def test_heavy_weights_stay_apart():
    def heavy(graph, x):
        chain = Chain(graph, x)
        chain.conv(300)
        return chain.conv(300)

    assert "bands" not in algorithms(graph_of((60, 60, 4), heavy))


@pytest.mark.parametrize(("filters", "joined"), [(128, True), (512, False)])
def test_a_separable_convolution_stays_in_one_up_to_512_kib_of_weights(filters, joined):
    def add(graph, x):
        chain = Chain(graph, x)
        chain.depthwise(Window((3, 3)))
        return chain.conv(filters)

    assert ("bands" in algorithms(graph_of((30, 30, 300), add))) is joined


def test_a_layer_of_several_steps_is_named_once():
    def add(graph, x):
        chain = Chain(graph, x)
        with graph.layer("separable"):
            chain.depthwise(Window((3, 3)))
            return chain.conv(8)

    assert [step.label for step in build_plan(graph_of((20, 20, 4), add)).steps] == ["separable"]


def test_a_report_names_what_is_inside():
    def add(graph, x):
        chain = Chain(graph, x)
        with graph.layer("expand"):
            chain.conv(64)
        with graph.layer("scale"):
            chain.affine()
        with graph.layer("act"):
            return graph.add(Activate(chain.x, Value(chain.x.shape), SWISH))

    graph = graph_of((80, 80, 16), add)
    joined, *_ = build_plan(graph).steps
    steps = [build_plan(Graph([op.x], [op], [op.out])).steps[0] for op in graph.ops]
    assert joined.name == "conv2d + affine + activation"
    assert joined.label == "expand + scale + act"
    assert joined.flops == sum(step.flops for step in steps)
    assert joined.weight_bytes == sum(step.weight_bytes for step in steps)
    assert joined.packed_bytes == sum(step.packed_bytes for step in steps)
    assert joined.moved_bytes == 4 * 80 * 80 * (16 + 64)


def test_weights_in_the_bands_of_two_plans_count_once():
    def add(graph, x):
        chain = Chain(graph, x)
        chain.conv(64)
        chain.depthwise(Window((3, 3)))
        return chain.conv(16)

    graph = graph_of((80, 80, 8), add)
    before = _core.packed_bytes()
    one = build_plan(graph)
    shared = _core.packed_bytes() - before
    other = build_plan(graph)
    assert [step.algorithm for step in other.steps] == ["bands"]
    assert shared == 4 * (8 * 64 + 3 * 3 * 64 + 64 * 16)
    assert _core.packed_bytes() - before == shared
    both = one.packed_bytes + other.packed_bytes
    assert _core.packed_bytes_of([one, other]) == both - shared
