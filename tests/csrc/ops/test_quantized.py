"""Operations on bytes give the bits of the rule, for every geometry, thread and batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnfast._core import PoolKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import Concat, DepthToSpace, Remap, Reshape, Transpose, Value, Window
from cnnfast.engine.positions import Span
from cnnfast.engine.program import build
from cnnfast.engine.quantized import ops as q
from integer_graphs import Interpreter

Make = Callable[[Graph, Value], Value]


class Case:
    """Random numbers for a graph, and the graph so far: bytes of an input, whatever comes."""

    def __init__(self, seed: int, shape: tuple[int, ...], batch: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = Graph()
        x = self.graph.add_input(shape)
        self.x = self.rng.standard_normal((batch, *shape), np.float32)
        self.bytes = self.quantize(x)

    def zero_point(self) -> int:
        return int(self.rng.integers(0, 256))

    def quantize(self, x: Value) -> Value:
        factor, zero_point = float(self.rng.uniform(20, 90)), self.zero_point()
        return self.graph.add(q.Quantize(x, Value(x.shape), factor, zero_point))

    def bounds(self, channels: int, to_bytes: bool = True) -> q.Bounds:
        if not to_bytes:
            ends = np.sort(self.rng.standard_normal((2, channels)) * 50, axis=0).astype(np.float32)
            ends[0, self.rng.random(channels) < 0.5] = -np.inf
            return q.Bounds(None, *ends)
        zero_point = self.zero_point()
        ends = np.sort(self.rng.integers(-zero_point, 256 - zero_point, (2, channels)), axis=0)
        wide = self.rng.random(channels) < 0.7
        lower = np.where(wide, -zero_point, ends[0]).astype(np.float32)
        upper = np.where(wide, 255 - zero_point, ends[1]).astype(np.float32)
        return q.Bounds(zero_point, lower, upper)

    def multipliers(self, channels: int, depth: int) -> np.ndarray:
        size = 100 / (3000 * depth**0.5)
        signs = self.rng.choice([-1, 1, 1, 1], channels)
        return (signs * size * self.rng.uniform(0.2, 3, channels)).astype(np.float32)

    def kernel(self, *shape: int) -> Any:
        return late(self.rng.integers(-127, 128, shape).astype(np.float32))

    def bias(self, channels: int) -> np.ndarray:
        return self.rng.integers(-50000, 50000, channels).astype(np.int32)

    def check(self, *outputs: Value) -> None:
        made = [self.shown(value) for value in outputs]
        self.graph.outputs = made
        expected = Interpreter(self.graph).run([self.x])
        plan = build(self.graph)
        for threads in (1, 3):
            for batch in {1, len(self.x)}:
                out = [np.empty((batch, *value.shape), np.float32) for value in made]
                plan.run([np.ascontiguousarray(self.x[:batch])], out, threads)
                for one, other in zip(out, expected, strict=True):
                    np.testing.assert_array_equal(one, other[:batch])

    def shown(self, value: Value) -> Value:
        if value in self.float_values():
            return value
        return self.graph.add(q.Dequantize(value, Value(value.shape), 0.5))

    def float_values(self) -> set[Value]:
        return {
            op.out
            for op in self.graph.ops
            if (isinstance(op, q.QuantizedMean) and op.zero_point is None)
            or (
                isinstance(op, q.QuantizedConv2D | q.QuantizedDepthwiseConv2D)
                and op.bounds.zero_point is None
            )
        }


@st.composite
def windows(draw, most=4):
    """A window and an image that it fits."""
    size = draw(st.tuples(*[st.integers(1, most)] * 2))
    dilation = draw(st.tuples(*[st.integers(1, 3)] * 2))
    pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    height = draw(st.integers(max(1, reach[0] - pads[0] - pads[1]), reach[0] + 9))
    width = draw(st.integers(max(1, reach[1] - pads[2] - pads[3]), reach[1] + 20))
    window = Window(size, draw(st.tuples(*[st.integers(1, 3)] * 2)), dilation, pads)
    return window, (height, width), out_size(window, height, width)


def out_size(window: Window, height: int, width: int) -> tuple[int, int]:
    sizes = []
    for axis, size in enumerate((height, width)):
        reach = (window.size[axis] - 1) * window.dilation[axis] + 1
        padded = size + sum(window.pads[2 * axis : 2 * axis + 2])
        sizes.append((padded - reach) // window.strides[axis] + 1)
    return sizes[0], sizes[1]


seeds, batches, channel_counts = st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 70)
few = st.sampled_from([1, 1, 1, 2, 3])
long_images = st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 200))


@given(windows(), seeds, batches, channel_counts, few, st.data())
def test_convolutions(geometry, seed, batch, filters, groups, data):
    window, (height, width), size = geometry
    channels, filters = groups * data.draw(st.integers(1, 21)), groups * filters
    case = Case(seed, (height, width, channels), batch)
    out, to_bytes = Value((*size, filters)), data.draw(st.booleans())
    residual = None
    if data.draw(st.booleans()):
        residual = case.graph.add(
            q.QuantizedConv2D(
                case.bytes,
                Value(out.shape),
                case.kernel(*window.size, channels // groups, filters),
                case.bias(filters),
                window,
                groups,
                case.multipliers(filters, 20),
                case.bounds(filters),
            )
        )
    depth = window.size[0] * window.size[1] * channels // groups
    made = case.graph.add(
        q.QuantizedConv2D(
            case.bytes,
            out,
            case.kernel(*window.size, channels // groups, filters),
            case.bias(filters),
            window,
            groups,
            case.multipliers(filters, depth),
            case.bounds(filters, to_bytes),
            residual,
            float(case.rng.uniform(-1, 1)),
        )
    )
    case.check(made)


@given(windows(5), seeds, batches, channel_counts, few, st.booleans())
def test_depthwise_convolutions(geometry, seed, batch, channels, multiplier, to_bytes):
    window, (height, width), size = geometry
    case = Case(seed, (height, width, channels), batch)
    filters = channels * multiplier
    made = case.graph.add(
        q.QuantizedDepthwiseConv2D(
            case.bytes,
            Value((*size, filters)),
            case.kernel(*window.size, channels, multiplier),
            case.bias(filters),
            window,
            case.multipliers(filters, window.size[0] * window.size[1]),
            case.bounds(filters, to_bytes),
        )
    )
    case.check(made)


@given(seeds, st.integers(1, 400), st.integers(1, 140), st.integers(1, 3))
def test_dense_layers(seed, depth, units, batch):
    case = Case(seed, (1, 1, depth), batch)
    made = case.graph.add(
        q.QuantizedConv2D(
            case.bytes,
            Value((1, 1, units)),
            case.kernel(1, 1, depth, units),
            case.bias(units),
            Window((1, 1)),
            1,
            case.multipliers(units, depth),
            case.bounds(units),
        )
    )
    case.check(made)


@given(windows(), seeds, st.integers(1, 70), st.sampled_from([PoolKind.MAX, PoolKind.AVERAGE]))
def test_pooling(geometry, seed, channels, kind):
    window, (height, width), size = geometry
    limits = (window.size[0], window.size[0], window.size[1], window.size[1])
    pads = tuple(min(pad, n - 1) for pad, n in zip(window.pads, limits, strict=True))
    window = Window(window.size, window.strides, (1, 1), pads)
    size = out_size(window, height, width)
    assume(min(size) > 0)
    case = Case(seed, (height, width, channels), 2)
    zero_point = case.graph.ops[-1].zero_point
    multiplier = 1.0
    if kind is PoolKind.AVERAGE:
        zero_point, multiplier = case.zero_point(), float(np.float32(case.rng.uniform(0.3, 2)))
    out = Value((*size, channels))
    op = q.QuantizedPool2D(case.bytes, out, kind, window, multiplier, zero_point)
    case.check(case.graph.add(op))


@given(seeds, st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 70)), st.booleans())
def test_means(seed, shape, to_bytes):
    case = Case(seed, shape, 2)
    multiplier = float(np.float32(case.rng.uniform(0.3, 2)))
    zero_point = case.zero_point() if to_bytes else None
    made = case.graph.add(
        q.QuantizedMean(case.bytes, Value((shape[2],)), 0, 2, multiplier, zero_point)
    )
    case.check(made)


@given(seeds, long_images, st.booleans(), st.booleans())
def test_sums_and_products(seed, shape, repeated, multiplies):
    case = Case(seed, shape, 2)
    other = case.quantize(case.graph.inputs[0])
    if repeated:
        mean = Value((1, 1, shape[2]))
        other = case.graph.add(q.QuantizedMean(other, mean, 0, 2, 1.5, case.zero_point()))
    bounds = case.bounds(1)
    ends = bounds.zero_point, float(bounds.lower[0]), float(bounds.upper[0])
    first, second = (float(np.float32(x)) for x in case.rng.uniform(-1, 1, 2))
    if multiplies:
        op = q.QuantizedMultiply(case.bytes, other, Value(shape), first / 64, *ends)
    else:
        op = q.QuantizedAdd(case.bytes, other, Value(shape), first, second, *ends)
    case.check(case.graph.add(op))


@given(seeds, long_images)
def test_tables_and_scales(seed, shape):
    case = Case(seed, shape, 2)
    table = case.rng.integers(0, 256, 256).astype(np.uint8)
    looked_up = case.graph.add(q.LookUp(case.bytes, Value(shape), table, case.zero_point()))
    channels = shape[2]
    scaled = case.graph.add(
        q.QuantizedAffine(
            looked_up,
            Value(shape),
            case.multipliers(channels, 1) * 20,
            (case.rng.standard_normal(channels) * 40).astype(np.float32),
            case.bounds(channels),
        )
    )
    case.check(scaled)


@given(seeds, st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 40)))
def test_bytes_are_moved(seed, shape):
    case = Case(seed, shape, 2)
    height, width, channels = shape
    turned = case.graph.add(Transpose(case.bytes, Value((width, height, channels)), (1, 0, 2)))
    padded = case.graph.add(
        Remap(
            case.bytes,
            Value((height + 2, width, channels)),
            (Span(height, -1, height + 2), None, None),
            float(case.graph.ops[0].zero_point),
        )
    )
    joined = case.graph.add(
        Concat((case.bytes, case.bytes), Value((height, width, 2 * channels)), 2)
    )
    deep = case.graph.add(DepthToSpace(joined, Value((height, 2 * width, channels))))
    flat = case.graph.add(Reshape(deep, Value((2 * height * width * channels,))))
    case.check(turned, padded, joined, deep, flat)


@pytest.mark.parametrize("shape", [(7,), (5, 6), (3, 4, 130)])
def test_numbers_become_the_nearest_bytes_and_nan_the_smallest(shape):
    graph = Graph()
    x = graph.add_input(shape)
    made = graph.add(q.Quantize(x, Value(shape), 10.0, 30))
    graph.outputs = [graph.add(q.Dequantize(made, Value(shape), 1.0))]
    numbers = np.random.default_rng(0).standard_normal((3, *shape), np.float32) * 20
    special = [np.nan, np.inf, -np.inf, 0.25, 0.35, -0.25]
    numbers.reshape(-1)[: len(special)] = special
    out = np.empty_like(numbers)
    build(graph).run([numbers], [out], 2)
    np.testing.assert_array_equal(out.reshape(-1)[:6], [-30, 225, -30, 2, 4, -2])
    np.testing.assert_array_equal(out, Interpreter(graph).run([numbers])[0])
