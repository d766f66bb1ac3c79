"""Layers over volumes (batch, depth, height, width, channels), made of operations on images."""

from __future__ import annotations

import numpy as np

from cnnfast import lowering
from cnnfast._core import PoolKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Int32Array, Shape, Value, Window
from cnnfast.layers import images, windows
from cnnfast.layers.convolutional import BaseConv
from cnnfast.layers.global_pooling import BaseGlobalPooling
from cnnfast.layers.pooling import BasePooling


class Conv3D(BaseConv):
    """Convolution of volumes (batch, depth, height, width, channels).

    Parameters, weights and errors are those of `BaseConv`.
    """

    rank = 3

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        out = images.channels_last(shape, self.data_format)
        stack, rows = self._stacked(graph, images.to_image(graph, x, self.data_format), out)
        fused, rest = self.activation.split()
        window = self._image_window(stack.shape[1])
        lines = (stack.shape[0] - windows.span(window.size[0], window.dilation[0])) // (
            window.strides[0]
        ) + 1
        y = graph.add(
            ops.Conv2D(
                stack,
                Value((lines, *out[2:])),
                _stacked_kernel(self.kernel.numpy()),
                self._bias_numbers(),
                window,
                self.groups,
                fused,
            )
        )
        # The first rows of each slice; those behind have windows that reach into the next.
        starts = np.arange(out[0])[:, None] * (rows // self.strides[1])
        kept = (starts + np.arange(out[1])).reshape(-1).astype(np.int32)
        y = lowering.remap(graph, y, {0: kept})
        y = lowering.reshape(graph, y, out)
        return rest.lower(graph, images.from_image(graph, y, shape, self.data_format))

    def _stacked(self, graph: Graph, volume: Value, out: Shape) -> tuple[Value, int]:
        """Return the volume as one image, and how many of its rows are one slice.

        The slices that an output slice reads lie in the channels, the output slices below each
        other: (output depth * rows, width, groups * kernel depth * channels of a group).
        """
        depth, height, width, channels = volume.shape
        taps, stride = self.kernel_size[0], self.strides[1]
        span = windows.span(self.kernel_size[1], self.dilation_rate[1])
        # A whole number of strides, so that the windows start alike in each slice.
        rows = -(-((out[1] - 1) * stride + span) // stride) * stride
        top = self._pads(1, height)[0]
        y = lowering.remap(
            graph,
            volume,
            {0: self._slices_read(depth, out[0]), 1: _inside(np.arange(rows) - top, height)},
        )
        y = lowering.reshape(
            graph,
            y,
            (out[0], taps, rows, width, self.groups, channels // self.groups),
        )
        y = lowering.transpose(graph, y, (0, 2, 3, 4, 1, 5))
        return lowering.reshape(graph, y, (out[0] * rows, width, taps * channels)), rows

    def _slices_read(self, depth: int, outputs: int) -> Int32Array:
        """Return the slice that each tap of each output slice reads; -1 is one of zeros."""
        first = np.arange(outputs)[:, None] * self.strides[0] - self._pads(0, depth)[0]
        read = first + np.arange(self.kernel_size[0]) * self.dilation_rate[0]
        return _inside(read.reshape(-1), depth)

    def _image_window(self, width: int) -> Window:
        left, right = self._pads(2, width)
        return Window(
            size=windows.pair(self.kernel_size[1:]),
            strides=windows.pair(self.strides[1:]),
            dilation=windows.pair(self.dilation_rate[1:]),
            pads=(0, 0, left, right),
        )

    def _pads(self, axis: int, length: int) -> tuple[int, int]:
        return windows.pads(
            length,
            self.kernel_size[axis],
            self.strides[axis],
            self.dilation_rate[axis],
            self.padding,
        )


def _inside(positions: np.ndarray[tuple[int, ...], np.dtype[np.int64]], length: int) -> Int32Array:
    """Return `positions` with -1 for those outside of an axis of `length`."""
    inside = (positions >= 0) & (positions < length)
    return np.where(inside, positions, -1).astype(np.int32)


def _stacked_kernel(kernel: Float32Array) -> Float32Array:
    """Return (height, width, depth * inputs, outputs) of (depth, height, width, …)."""
    depth, height, width, inputs, outputs = kernel.shape
    stacked = np.ascontiguousarray(kernel.transpose(1, 2, 0, 3, 4))
    return stacked.reshape(height, width, depth * inputs, outputs)


class BasePooling3D(BasePooling):
    """Pooling of volumes: first within each slice, then across slices.

    Parameters and errors are those of `BasePooling`.
    """

    rank = 3

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        depth, height, width, channels = images.channels_last(shape, self.data_format)
        volume = images.to_image(graph, x, self.data_format)
        slices = volume.shape[0]
        y = lowering.transpose(graph, volume, (1, 2, 0, 3))
        y = lowering.reshape(graph, y, (*y.shape[:2], slices * channels))
        window = self._pool_window(y.shape, slice(1, 3))
        y = graph.add(ops.Pool2D(y, Value((height, width, slices * channels)), self.kind, window))
        y = lowering.reshape(graph, y, (height, width, slices, channels))
        y = lowering.transpose(graph, y, (2, 0, 1, 3))
        y = lowering.reshape(graph, y, (1, slices, height * width * channels))
        window = self._pool_window(y.shape, slice(0, 1))
        y = graph.add(
            ops.Pool2D(y, Value((1, depth, height * width * channels)), self.kind, window)
        )
        y = lowering.reshape(graph, y, (depth, height, width, channels))
        return images.from_image(graph, y, shape, self.data_format)

    def _pool_window(self, image: Shape, axes: slice) -> Window:
        size, strides = self.pool_size[axes], self.strides[axes]
        return windows.window_2d(image, size, strides, (1,) * len(size), self.padding)


class MaxPooling3D(BasePooling3D):
    """The maximum over windows of volumes (batch, depth, height, width, channels).

    Parameters and errors are those of `BasePooling`.
    """

    kind = PoolKind.MAX


class AveragePooling3D(BasePooling3D):
    """The mean over windows of volumes (batch, depth, height, width, channels).

    Parameters and errors are those of `BasePooling`.
    """

    kind = PoolKind.AVERAGE


class GlobalMaxPooling3D(BaseGlobalPooling):
    """The maximum of each channel of volumes (batch, depth, height, width, channels).

    Parameters and errors are those of `BaseGlobalPooling`.
    """

    rank = 3
    kind = ReductionKind.MAX


class GlobalAveragePooling3D(BaseGlobalPooling):
    """The mean of each channel of volumes (batch, depth, height, width, channels).

    Parameters and errors are those of `BaseGlobalPooling`.
    """

    rank = 3
    kind = ReductionKind.MEAN


Convolution3D = Conv3D
MaxPool3D, AvgPool3D = MaxPooling3D, AveragePooling3D
GlobalMaxPool3D, GlobalAvgPool3D = GlobalMaxPooling3D, GlobalAveragePooling3D
