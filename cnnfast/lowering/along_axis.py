"""One network for each of several images: its operations, with a leading axis more.

The batch of a plan is a run-time argument, so images that stand along another axis (the frames
of a video) need operations of their own. Most take the axis along. A convolution sees the
frames below one another, with rows of zeros between them where its window reaches over the
edge, so that its weights are packed once:

    frame 0, gap, frame 1, gap, frame 2   ->   rows of frame 0, waste, rows of frame 1, ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from cnnfast._core import BinaryKind, PoolKind
from cnnfast.engine import index_ops, ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Op, Shape, UnaryOp, Value, Window
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append

Along: TypeAlias = Callable[[Graph, Any, Value, int], Value]


def lower_along(graph: Graph, network: Graph, x: Value) -> Value:
    """Append `network`, of one input and one output, for each image along the first axis of `x`.

    Returns
    -------
    Value
        The results along a first axis.
    """
    count = x.shape[0]
    values = {network.inputs[0]: x}
    for op in network.ops:
        values[op.out] = _lower(graph, op, values, count)
    result = values[network.outputs[0]]
    return _stacked(graph, result, network.outputs[0].shape, count)


def _lower(graph: Graph, op: Op, values: dict[Value, Value], count: int) -> Value:
    if isinstance(op, ops.Constant):
        return graph.add(replace(op, out=Value(op.out.shape)))
    if isinstance(op, ops.Call) and op.more:
        raise UnsupportedError(
            "A function inside TimeDistributed must return one array. Received: layer "
            f"{op.name!r}, whose function returns {len(op.outs)}"
        )
    inputs = [_stacked(graph, values[value], value.shape, count) for value in op.inputs]
    along = _ALONG.get(type(op))
    if isinstance(op, ops.Conv2D) and op.residual is not None:
        return _with_residual(graph, op, inputs, count)
    if isinstance(op, UnaryOp) and along is not None:
        return along(graph, op, inputs[0], count)
    if isinstance(op, ops.BinaryOp):
        moved = replace(op, x=inputs[0], y=inputs[1], out=Value((count, *op.out.shape)))
        if isinstance(moved, index_ops.Gather):
            moved = replace(moved, axis=moved.axis + 1)
        return graph.add(moved)
    if isinstance(op, ops.Concat):
        out = Value((count, *op.out.shape))
        return graph.add(replace(op, xs=tuple(inputs), out=out, axis=op.axis + 1))
    return _one_by_one(graph, op, inputs, count)


def _stacked(graph: Graph, value: Value, shape: Shape, count: int) -> Value:
    """Return `value` with the leading axis, repeating it if it is the same for every image."""
    if value.shape == (count, *shape):
        return value
    single = append.reshape(graph, value, (1, *shape))
    return append.repeat(graph, single, {0: count})


def _same(graph: Graph, op: Any, x: Value, count: int) -> Value:
    """Append an operation that counts no axes, or counts them from the end."""
    return graph.add(replace(op, x=x, out=Value((count, *op.out.shape))))


def _transpose(graph: Graph, op: ops.Transpose, x: Value, count: int) -> Value:
    return append.transpose(graph, x, (0, *(axis + 1 for axis in op.axes)))


def _remap(graph: Graph, op: ops.Remap, x: Value, count: int) -> Value:
    out = Value((count, *op.out.shape))
    return graph.add(replace(op, x=x, out=out, indices=(None, *op.indices)))


def _reduce(graph: Graph, op: ops.Reduce, x: Value, count: int) -> Value:
    out = Value((count, *op.out.shape))
    return graph.add(replace(op, x=x, out=out, first=op.first + 1, last=op.last + 1))


def _further(graph: Graph, op: Any, x: Value, count: int) -> Value:
    return graph.add(replace(op, x=x, out=Value((count, *op.out.shape)), axis=op.axis + 1))


def _convolution(graph: Graph, op: ops.Conv2D | ops.DepthwiseConv2D, x: Value, count: int) -> Value:
    return _below_one_another(graph, op, x, count, 0.0)


def _with_residual(graph: Graph, op: ops.Conv2D, inputs: list[Value], count: int) -> Value:
    """Append the steps of a convolution one by one: its rows move before the residual joins."""
    bare = replace(op, residual=None, activation=ops.LINEAR, scale=None, shift=None)
    y = _convolution(graph, bare, inputs[0], count)
    y = graph.add(ops.Binary(y, inputs[1], Value(y.shape), BinaryKind.ADD))
    y = graph.add(ops.Activate(y, Value(y.shape), op.activation))
    if op.scale is None or op.shift is None:
        return y
    return graph.add(ops.Affine(y, Value(y.shape), op.scale, op.shift))


def _pool(graph: Graph, op: ops.Pool2D, x: Value, count: int) -> Value:
    if op.kind == PoolKind.MAX:
        return _below_one_another(graph, op, x, count, -np.inf)
    # An average divides by the pixels that lie in the image, which a gap would change.
    return _one_by_one(graph, op, [x], count)


def _below_one_another(graph: Graph, op: Any, x: Value, count: int, gap: float) -> Value:
    """Append a windowed operation on all images as one tall image."""
    _, height, width, channels = x.shape
    rows, columns, filters = op.out.shape
    window: Window = op.window
    stride, top = window.strides[0], window.pads[0]
    reach = (window.size[0] - 1) * window.dilation[0] + 1
    # Windows of one image must end before the next begins, and begin at whole strides.
    last = (rows - 1) * stride - top + reach
    block = -(-max(height + top, last) // stride) * stride
    spread = append.pad(graph, x, {1: (0, block - height)}, gap)
    tall = append.reshape(graph, spread, (count * block, width, channels))
    bottom = max(reach - stride - top, 0)
    made = (count * block + top + bottom - reach) // stride + 1
    pads = (top, bottom, *window.pads[2:])
    out = Value((made, columns, filters))
    y = graph.add(replace(op, x=tall, out=out, window=replace(window, pads=pads)))
    starts = np.arange(count, dtype=np.int32)[:, None] * (block // stride)
    wanted = (starts + np.arange(rows, dtype=np.int32)).ravel()
    return append.reshape(graph, append.remap(graph, y, {0: wanted}), (count, *op.out.shape))


def _one_by_one(graph: Graph, op: Op, inputs: list[Value], count: int) -> Value:
    """Append `op` for each image on its own."""
    results = []
    for index in range(count):
        picked = [_picked(graph, value, index) for value in inputs]
        out = graph.add(_rewired(op, picked))
        results.append(append.reshape(graph, out, (1, *op.out.shape)))
    if count == 1:
        return results[0]
    return graph.add(ops.Concat(tuple(results), Value((count, *op.out.shape)), 0))


def _rewired(op: Op, inputs: list[Value]) -> Op:
    """Return `op` between other values."""
    new: dict[str, Any] = {"out": Value(op.out.shape)}
    if hasattr(op, "xs"):
        new["xs"] = tuple(inputs)
    else:
        new |= zip("xy", inputs, strict=False)
    return replace(op, **new)


def _picked(graph: Graph, x: Value, index: int) -> Value:
    one = append.remap(graph, x, {0: np.array([index], np.int32)})
    return append.reshape(graph, one, x.shape[1:])


_ALONG: dict[type[Op], Along] = {
    index_ops.Extreme: _further,
    index_ops.Order: _further,
    index_ops.Scan: _further,
    ops.Activate: _same,
    ops.Affine: _same,
    ops.Conv2D: _convolution,
    ops.DepthwiseConv2D: _convolution,
    ops.Normalize: _same,
    ops.Pool2D: _pool,
    ops.Reduce: _reduce,
    ops.Remap: _remap,
    ops.Resample: _further,
    ops.Reshape: _same,
    ops.Softmax: _same,
    ops.Transpose: _transpose,
}
