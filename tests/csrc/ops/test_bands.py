"""Steps that run together by bands of rows give the bits of the same steps apart."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cnnfast import _core
from cnnfast._core import ActivationKind, BinaryKind, PoolKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import (
    Activate,
    Activation,
    Affine,
    Binary,
    Conv2D,
    DepthwiseConv2D,
    Pool2D,
    Reshape,
    Value,
    Window,
)
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of

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

    def conv(self, filters, window=PIXEL, *, groups=1, residual=None, max_pool=False) -> Value:
        kernel = self.rng.standard_normal(
            (*window.size, self.x.shape[2] // groups, filters), np.float32
        )
        bias = self.rng.standard_normal(filters, np.float32)
        out = self._slide(window, filters)
        if max_pool:
            out = Value((out.shape[0] // 2, out.shape[1] // 2, filters))
        op = Conv2D(self.x, out, kernel, bias, window, groups, RELU6, residual, max_pool=max_pool)
        self.x = self.graph.add(op)
        return self.x

    def pool(self, kind, window) -> Value:
        out = self._slide(window, self.x.shape[2])
        self.x = self.graph.add(Pool2D(self.x, out, kind, window))
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


def is_padded(op) -> bool:
    """Whether it reads zeros around its input, which pooling leaves out instead."""
    return hasattr(op, "window") and not isinstance(op, Pool2D)


def unpadded(op):
    """The operation behind one that pads, where its rows are in no band.

    Winograd's tiles reach over the image's edge: rows and columns are added until they do not,
    as a step that writes the zeros would be one to join.
    """
    if not is_padded(op):
        return op, (0, 0, 0, 0)
    top, bottom, left, right = op.window.pads
    height, width = op.out.shape[:2]
    if op.window.strides == (1, 1) and isinstance(op, Conv2D) and op.residual is None:
        scale = 2 if op.max_pool else 1
        more_rows, more_columns = -scale * height % 4, -scale * width % 4
        height, width = height + more_rows // scale, width + more_columns // scale
        bottom, right = bottom + more_rows, right + more_columns
    rows, columns, channels = op.x.shape
    x = Value((rows + top + bottom, columns + left + right, channels))
    out = Value((height, width, op.out.shape[2]))
    window = replace(op.window, pads=(0, 0, 0, 0))
    return replace(op, x=x, out=out, window=window), (top, bottom, left, right)


def alone(op, x, residual):
    """The output of one operation, whose input NumPy has padded: a plan of one step."""
    height, width = op.out.shape[:2]
    op, (top, bottom, left, right) = unpadded(op)
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    inputs = [Value(x.shape[1:])]
    op = replace(op, x=inputs[0])
    if residual is not None:
        inputs.append(Value(residual.shape[1:]))
        op = replace(op, residual=inputs[1])
    graph = Graph(inputs, [op], [op.out])
    assert len(algorithms(graph)) == 1
    assert "bands" not in algorithms(graph)
    whole = outputs(graph, [x] if residual is None else [x, residual])
    return np.ascontiguousarray(whole[:, :height, :width])


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
        if images == 1:
            continue
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


def huge_shape(channels: int, height: int = 524) -> tuple[int, int, int]:
    """An image of a little more than 64 MiB."""
    return height, 18_000_000 // (height * channels), channels


def same(height: int, width: int) -> Window:
    return Window((height, width), pads=(*[height // 2] * 2, *[width // 2] * 2))


def chosen(graph: Graph) -> list[str]:
    """The algorithm that each operation takes in a plan of its own."""
    alone = [unpadded(op)[0] for op in graph.ops]
    return [algorithm for op in alone for algorithm in algorithms(Graph([op.x], [op], [op.out]))]


def huge(add, shape) -> Graph:
    def chained(graph, x):
        chain = Chain(graph, x)
        add(chain)
        return chain.x

    return graph_of(shape, chained)


HUGE_CHAINS = {
    "3x3": (
        16,
        lambda c: (c.conv(16, SPREAD), c.conv(16, Window((3, 3))), c.conv(16, SPREAD)),
        ["winograd4"] * 3,
    ),
    "5x5": (40, lambda c: (c.conv(40, same(5, 5)), c.conv(40, same(5, 5))), ["winograd2"] * 2),
    "pooled": (
        16,
        lambda c: (c.conv(16, SPREAD), c.conv(16, SPREAD, max_pool=True), c.conv(16, SPREAD)),
        ["winograd4"] * 3,
    ),
    "pooling": (
        16,
        lambda c: (
            c.conv(16, SPREAD),
            c.pool(PoolKind.MAX, Window((3, 3), (2, 2), pads=(0, 1, 0, 1))),
        ),
        ["winograd4", ""],
    ),
    "pooling in between": (
        16,
        lambda c: (
            c.conv(16, SPREAD),
            c.pool(PoolKind.AVERAGE, Window((2, 3), pads=(1, 0, 1, 1))),
            c.conv(16, Window((3, 3), (2, 2))),
            c.affine(),
        ),
        ["winograd4", "", "direct", ""],
    ),
    "dilated": (
        16,
        lambda c: (
            c.conv(16, SPREAD),
            c.conv(16, Window((3, 3), (1, 1), (2, 2), (2, 2, 2, 2)), max_pool=True),
        ),
        ["winograd4", "direct"],
    ),
    "one axis": (
        64,
        lambda c: (c.conv(64, same(3, 1)), c.conv(64, same(1, 3)), c.conv(64, same(3, 1))),
        ["winograd4"] * 3,
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", HUGE_CHAINS)
def test_bands_of_a_huge_image_cut_between_the_tiles_of_winograd(name):
    channels, add, alone = HUGE_CHAINS[name]
    graph = huge(add, huge_shape(channels))
    assert algorithms(graph)[-1] == "bands"
    assert len(algorithms(graph)) <= 2
    assert chosen(graph) == alone
    assert_same_bits(graph, images=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_random_chains_on_huge_images(seed):
    rng = np.random.default_rng(seed)

    def add(chain):
        chain.conv(16, SPREAD)
        for kind in rng.permutation(4)[:2]:
            size = same(*rng.choice([1, 3], 2).tolist())
            if kind == 0:
                chain.conv(16, SPREAD, max_pool=True)
            elif kind == 1:
                chain.depthwise(size)
            elif kind == 2:
                chain.conv(20, SPREAD)
            else:
                chain.pool(PoolKind.MAX, Window((2, 3), pads=(0, 1, 1, 1)))

    graph = huge(add, (*huge_shape(16, 2 * int(rng.integers(320, 330)))[:2], 14))
    assert "bands" in algorithms(graph)
    assert_same_bits(graph, images=1)


@pytest.mark.parametrize("height", [1536, 3072])
def test_a_huge_image_takes_a_few_bands_beside_its_input_and_output(height):
    graph = huge(lambda c: [c.conv(8, SPREAD) for _ in range(3)], (height, 1536, 3))
    plan = build_plan(graph)
    assert [step.algorithm for step in plan.steps] == ["bands"]
    assert plan.workspace_bytes(1, 2) < 8e6  # an image between would be 75 MB, or 151


@pytest.mark.parametrize(("height", "steps"), [(260, 1), (250, 2), (120, 3)])
def test_a_huge_image_of_few_rows_stays_whole_where_threads_would_make_many_twice(height, steps):
    """Two rows for each convolution; the first step writes the border."""
    graph = huge(lambda c: (c.conv(32, SPREAD), c.conv(32, SPREAD)), huge_shape(32, height))
    assert len(algorithms(graph)) == steps


def test_weights_that_weigh_more_by_bands_than_a_huge_image_stay_apart():
    layers = lambda c: (c.conv(160, SPREAD), c.conv(160, SPREAD))  # noqa: E731
    graph = huge(layers, (400, 264, 160))
    assert "bands" not in algorithms(graph)
