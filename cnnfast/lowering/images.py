"""Sequences and channels_first inputs as the channels-last images that operations take."""

from __future__ import annotations

from collections.abc import Callable

from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray, late
from cnnfast.engine.ops import Float32Array, Op, Shape, Value
from cnnfast.lowering import append
from cnnfast.variables import Variable

_IMAGE_RANK = 3


def channels_last(shape: Shape, data_format: str) -> Shape:
    """Return `shape`, without the batch, with the channels at the end."""
    return shape if data_format == "channels_last" else (*shape[1:], shape[0])


def image_shape(shape: Shape, data_format: str) -> Shape:
    """Return (height, width, channels) of `shape`; a sequence has height 1."""
    return (1,) * (_IMAGE_RANK - len(shape)) + channels_last(shape, data_format)


def to_image(graph: Graph, x: Value, data_format: str) -> Value:
    """Return `x` as an image (height, width, channels)."""
    shape = image_shape(x.shape, data_format)
    if data_format == "channels_first":
        x = append.axis_to_end(graph, x, 0)
    return append.reshape(graph, x, shape)


def from_image(graph: Graph, y: Value, shape: Shape, data_format: str) -> Value:
    """Undo `to_image`: return `y` under `shape`."""
    y = append.reshape(graph, y, channels_last(shape, data_format))
    return append.axis_from_end(graph, y, 0) if data_format == "channels_first" else y


def apply(
    graph: Graph, x: Value, shape: Shape, data_format: str, op: Callable[[Value, Value], Op]
) -> Value:
    """Append ``op(image, out)`` for `x` as an image; return its result under `shape`."""
    image = to_image(graph, x, data_format)
    y = graph.add(op(image, Value(image_shape(shape, data_format))))
    return from_image(graph, y, shape, data_format)


def image_kernel(kernel: Variable | Float32Array) -> LateArray:
    """Return a kernel (height, width, inputs, outputs); that of a sequence has height 1."""
    return late(kernel).reshape(*(1,) * (_IMAGE_RANK + 1 - kernel.ndim), *kernel.shape)
