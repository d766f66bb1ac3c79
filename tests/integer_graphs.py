"""A network in 8 bits, computed in NumPy from the graph that the core is told.

Written from the rule in `cnnfast.engine.quantized.ops`: sums in int64, numbers in float32, one
operation after the other. What is float32 in the graph runs in the core, operation by operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfast._core import PoolKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Concat, DepthToSpace, Op, Remap, Reshape, Transpose, Value, Window
from cnnfast.engine.program import build
from cnnfast.engine.quantized import ops as q

Float32 = np.float32


class Interpreter:
    """Runs a graph on a batch, and keeps each value."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: dict[Value, np.ndarray] = {}
        self.zeros: dict[Value, int] = {}

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        self.values.update(zip(self.graph.inputs, inputs, strict=True))
        for op in self.graph.ops:
            made = self._bytes(op) if self._in_bytes(op) else self._floats(op)
            self.values[op.out] = made.reshape(-1, *op.out.shape)
        return [self.values[value] for value in self.graph.outputs]

    def _in_bytes(self, op: Op) -> bool:
        return type(op).__module__ == q.__name__ or any(v in self.zeros for v in op.inputs)

    def _floats(self, op: Op) -> np.ndarray:
        inputs = list(dict.fromkeys(op.inputs))
        arrays = [np.ascontiguousarray(self.values[value]) for value in inputs]
        if not arrays:  # a constant
            return np.broadcast_to(
                op.array, (len(self.values[self.graph.inputs[0]]), *op.out.shape)
            )
        plan = build(Graph(inputs, [op], [op.out]))
        out = np.empty((len(arrays[0]), *op.out.shape), Float32)
        plan.run(arrays, [out], 1, True)
        return out

    def _bytes(self, op: Op) -> np.ndarray:
        return getattr(self, f"_{type(op).__name__}")(op)

    def _counted(self, value: Value) -> np.ndarray:
        """Integers from the zero point."""
        return self.values[value].astype(np.int64) - self.zeros[value]

    def _store(self, op: Op, r: np.ndarray, bounds: q.Bounds) -> np.ndarray:
        assert r.dtype == Float32
        r = np.minimum(np.maximum(r, bounds.lower), bounds.upper)
        if bounds.zero_point is None:
            return r
        return self._rounded(op, r, bounds.zero_point)

    def _rounded(self, op: Op, r: np.ndarray, zero_point: int) -> np.ndarray:
        self.zeros[op.out] = zero_point
        whole = np.rint(r.astype(np.float64) + zero_point)
        assert whole.min() >= 0
        assert whole.max() <= 255
        return whole.astype(np.uint8)

    # --- operations -----------------------------------------------------------------------

    def _Quantize(self, op: q.Quantize) -> np.ndarray:  # noqa: N802
        r = np.nan_to_num(self.values[op.x] * Float32(op.factor), nan=-np.inf, posinf=np.inf)
        r = np.clip(r, Float32(-op.zero_point), Float32(255 - op.zero_point))
        return self._rounded(op, r, op.zero_point)

    def _Dequantize(self, op: q.Dequantize) -> np.ndarray:  # noqa: N802
        return self._counted(op.x).astype(Float32) * Float32(op.scale)

    def _QuantizedConv2D(self, op: q.QuantizedConv2D) -> np.ndarray:  # noqa: N802
        x = self._counted(op.x)
        kernel = np.asarray(op.kernel).astype(np.int64)
        shape = op.out.shape
        if len(shape) != 3:
            x = x.reshape(len(x), 1, -1, kernel.shape[2])
            shape = (1, x.shape[2], kernel.shape[3])
        sums = convolved(x, kernel, op.window, op.groups, shape) + op.bias
        r = sums.astype(Float32) * op.multiplier
        if op.residual is not None:
            residual = self._counted(op.residual).reshape(r.shape)
            r = r + residual.astype(Float32) * Float32(op.residual_multiplier)
        return self._store(op, r, op.bounds)

    def _QuantizedDepthwiseConv2D(self, op: q.QuantizedDepthwiseConv2D) -> np.ndarray:  # noqa: N802
        x = self._counted(op.x)
        kernel = np.asarray(op.kernel).astype(np.int64)
        height, width, channels, multiplier = kernel.shape
        grouped = kernel.reshape(height, width, 1, channels * multiplier)
        sums = convolved(x, grouped, op.window, channels, op.out.shape) + op.bias
        return self._store(op, sums.astype(Float32) * op.multiplier, op.bounds)

    def _QuantizedPool2D(self, op: q.QuantizedPool2D) -> np.ndarray:  # noqa: N802
        x = self.values[op.x].astype(np.int64)
        count = taps(np.ones_like(x), op.window, op.out.shape, 0).sum(axis=0)
        if op.kind is PoolKind.MAX:
            self.zeros[op.out] = op.zero_point
            return taps(x, op.window, op.out.shape, -1).max(axis=0).astype(np.uint8)
        sums = taps(self._counted(op.x), op.window, op.out.shape, 0).sum(axis=0)
        r = sums.astype(Float32) * (Float32(op.multiplier) / count.astype(Float32))
        z = op.zero_point
        return self._rounded(op, np.clip(r, Float32(-z), Float32(255 - z)), z)

    def _QuantizedMean(self, op: q.QuantizedMean) -> np.ndarray:  # noqa: N802
        axes = tuple(range(1 + op.first, 1 + op.last))
        x = self._counted(op.x)
        count = np.prod([x.shape[axis] for axis in axes])
        r = x.sum(axis=axes).astype(Float32) * (Float32(op.multiplier) / Float32(count))
        if op.zero_point is None:
            return r
        z = op.zero_point
        return self._rounded(op, np.clip(r, Float32(-z), Float32(255 - z)), z)

    def _QuantizedAdd(self, op: q.QuantizedAdd) -> np.ndarray:  # noqa: N802
        x, y = (self._counted(value).astype(Float32) for value in (op.x, op.y))
        r = x * Float32(op.x_multiplier) + y * Float32(op.y_multiplier)
        return self._rounded(op, np.clip(r, Float32(op.lower), Float32(op.upper)), op.zero_point)

    def _QuantizedMultiply(self, op: q.QuantizedMultiply) -> np.ndarray:  # noqa: N802
        product = self._counted(op.x) * self._counted(op.y)
        r = product.astype(Float32) * Float32(op.multiplier)
        return self._rounded(op, np.clip(r, Float32(op.lower), Float32(op.upper)), op.zero_point)

    def _LookUp(self, op: q.LookUp) -> np.ndarray:  # noqa: N802
        self.zeros[op.out] = op.zero_point
        return op.table[self.values[op.x]]

    def _QuantizedAffine(self, op: q.QuantizedAffine) -> np.ndarray:  # noqa: N802
        r = self._counted(op.x).astype(Float32) * op.multiplier + op.offset
        return self._store(op, r, op.bounds)

    # --- bytes that only move ---------------------------------------------------------------

    def _moved(self, op: Op, made: np.ndarray) -> np.ndarray:
        zeros = {self.zeros[value] for value in op.inputs}
        assert len(zeros) == 1
        self.zeros[op.out] = zeros.pop()
        return made

    def _Reshape(self, op: Reshape) -> np.ndarray:  # noqa: N802
        return self._moved(op, self.values[op.x])

    def _Transpose(self, op: Transpose) -> np.ndarray:  # noqa: N802
        return self._moved(op, np.transpose(self.values[op.x], (0, *(a + 1 for a in op.axes))))

    def _Concat(self, op: Concat) -> np.ndarray:  # noqa: N802
        return self._moved(op, np.concatenate([self.values[x] for x in op.xs], op.axis + 1))

    def _DepthToSpace(self, op: DepthToSpace) -> np.ndarray:  # noqa: N802
        x = self.values[op.x]
        batch, height, width, _ = x.shape
        by, bx = op.out.shape[0] // height, op.out.shape[1] // width
        blocks = x.reshape(batch, height, width, by, bx, -1)
        return self._moved(op, blocks.transpose(0, 1, 3, 2, 4, 5))

    def _Remap(self, op: Remap) -> np.ndarray:  # noqa: N802
        x = self.values[op.x]
        for axis, positions in enumerate(op.indices, 1):
            if positions is None:
                continue
            made: Any = positions.made
            at = np.asarray(made.function(*made.arguments) if hasattr(made, "function") else made)
            x = np.take(x, np.maximum(at, 0), axis)
            shape = [1] * x.ndim
            shape[axis] = len(at)
            x = np.where((at < 0).reshape(shape), np.uint8(op.fill), x)
        return self._moved(op, x)


def taps(x: np.ndarray, window: Window, out: Sequence[int], fill: int) -> np.ndarray:
    """Return (taps, batch, height, width, channels): what each tap of the window reads."""
    top, bottom, left, right = window.pads
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    parts = []
    for y in range(window.size[0]):
        for z in range(window.size[1]):
            rows = y * window.dilation[0] + window.strides[0] * np.arange(out[0])
            columns = z * window.dilation[1] + window.strides[1] * np.arange(out[1])
            parts.append(padded[:, rows][:, :, columns])
    return np.stack(parts)


def convolved(
    x: np.ndarray, kernel: np.ndarray, window: Window, groups: int, out: Sequence[int]
) -> np.ndarray:
    """Return the exact sums of a convolution of integers counted from their zero point."""
    read = taps(x, window, out, 0)
    parts, filters = kernel.shape[2], kernel.shape[3] // groups
    flat = kernel.reshape(-1, parts, kernel.shape[3])
    sums = [
        np.einsum(
            "tbhwc,tcf->bhwf",
            read[..., g * parts : (g + 1) * parts],
            flat[..., g * filters : (g + 1) * filters],
        )
        for g in range(groups)
    ]
    return np.concatenate(sums, -1)
