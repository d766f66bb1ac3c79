"""Convolution of volumes by one of images: slices side by side in the channels."""

from __future__ import annotations

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray
from cnnfast.engine.ops import LINEAR, Activation, Float32Array, Shape, Value, Window
from cnnfast.engine.positions import Int32Array
from cnnfast.lowering import append, windows
from cnnfast.utils.records import record


@record(frozen=True)
class VolumeConv:
    """A convolution of (depth, height, width, channels), every size and pad a number.

    `kernel` is (depth, height, width, inputs of a group, filters); `pads` are (before, after) of
    each axis.
    """

    kernel: LateArray
    bias: Float32Array | None
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    groups: int = 1
    activation: Activation = LINEAR

    def lower(self, graph: Graph, volume: Value, sizes: Shape) -> Value:
        """Append it on `volume`; the output is (*sizes, filters)."""
        stack, rows = self._stacked(graph, volume, sizes)
        window = self._image_window()
        lines = (stack.shape[0] - windows.span(window.size[0], window.dilation[0])) // (
            window.strides[0]
        ) + 1
        filters = self.kernel.shape[-1]
        y = graph.add(
            ops.Conv2D(
                stack,
                Value((lines, sizes[2], filters)),
                _stacked_kernel(self.kernel),
                self.bias,
                window,
                self.groups,
                self.activation,
            )
        )
        # The first rows of each slice; those behind have windows that reach into the next.
        starts = np.arange(sizes[0])[:, None] * (rows // self.strides[1])
        kept = (starts + np.arange(sizes[1])).reshape(-1).astype(np.int32)
        y = append.remap(graph, y, {0: kept})
        return append.reshape(graph, y, (*sizes, filters))

    def _stacked(self, graph: Graph, volume: Value, sizes: Shape) -> tuple[Value, int]:
        """Return the volume as one image, and how many of its rows are one slice.

        The slices that an output slice reads lie in the channels, the output slices below each
        other: (output depth * rows, width, groups * kernel depth * channels of a group).
        """
        depth, height, width, channels = volume.shape
        taps, stride = self.kernel.shape[0], self.strides[1]
        span = windows.span(self.kernel.shape[1], self.dilation[1])
        # A whole number of strides, so that the windows start alike in each slice.
        rows = -(-((sizes[1] - 1) * stride + span) // stride) * stride
        top = self.pads[1][0]
        y = append.remap(
            graph,
            volume,
            {0: self._slices_read(depth, sizes[0]), 1: _inside(np.arange(rows) - top, height)},
        )
        y = append.reshape(
            graph,
            y,
            (sizes[0], taps, rows, width, self.groups, channels // self.groups),
        )
        y = append.transpose(graph, y, (0, 2, 3, 4, 1, 5))
        return append.reshape(graph, y, (sizes[0] * rows, width, taps * channels)), rows

    def _slices_read(self, depth: int, outputs: int) -> Int32Array:
        """Return the slice that each tap of each output slice reads; -1 is one of zeros."""
        first = np.arange(outputs)[:, None] * self.strides[0] - self.pads[0][0]
        read = first + np.arange(self.kernel.shape[0]) * self.dilation[0]
        return _inside(read.reshape(-1), depth)

    def _image_window(self) -> Window:
        return Window(
            size=windows.pair(self.kernel.shape[1:3]),
            strides=windows.pair(self.strides[1:]),
            dilation=windows.pair(self.dilation[1:]),
            pads=(0, 0, *self.pads[2]),
        )


def _inside(positions: np.ndarray[tuple[int, ...], np.dtype[np.int64]], length: int) -> Int32Array:
    """Return `positions` with -1 for those outside of an axis of `length`."""
    inside = (positions >= 0) & (positions < length)
    return np.where(inside, positions, -1).astype(np.int32)


def _stacked_kernel(kernel: LateArray) -> LateArray:
    """Return (height, width, depth * inputs, outputs) of (depth, height, width, …)."""
    depth, height, width, inputs, outputs = kernel.shape
    shape = (height, width, depth * inputs, outputs)
    return kernel.map(lambda array: array.transpose(1, 2, 0, 3, 4), shape, "stacked")
