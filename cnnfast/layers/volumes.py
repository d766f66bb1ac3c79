"""Layers over volumes (batch, depth, height, width, channels), made of operations on images."""

from __future__ import annotations

from cnnfast._core import PoolKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import Shape, Value, Window
from cnnfast.layers.convolutional import BaseConv
from cnnfast.layers.global_pooling import BaseGlobalPooling
from cnnfast.layers.pooling import BasePooling
from cnnfast.lowering import append, images, windows
from cnnfast.lowering.volumes import VolumeConv


class Conv3D(BaseConv):
    """Convolution of volumes (batch, depth, height, width, channels).

    Parameters, weights and errors are those of `BaseConv`.
    """

    rank = 3

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        volume = images.to_image(graph, x, self.data_format)
        fused, rest = self.activation.split()
        conv = VolumeConv(
            late(self.kernel),
            self._bias_numbers(),
            self.strides,
            self.dilation_rate,
            tuple(self._pads(axis, length) for axis, length in enumerate(volume.shape[:3])),
            self.groups,
            fused,
        )
        y = conv.lower(graph, volume, images.channels_last(shape, self.data_format)[:3])
        return rest.lower(graph, images.from_image(graph, y, shape, self.data_format))

    def _pads(self, axis: int, length: int) -> tuple[int, int]:
        return windows.pads(
            length,
            self.kernel_size[axis],
            self.strides[axis],
            self.dilation_rate[axis],
            self.padding,
        )


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
        y = append.transpose(graph, volume, (1, 2, 0, 3))
        y = append.reshape(graph, y, (*y.shape[:2], slices * channels))
        window = self._pool_window(y.shape, slice(1, 3))
        y = graph.add(ops.Pool2D(y, Value((height, width, slices * channels)), self.kind, window))
        y = append.reshape(graph, y, (height, width, slices, channels))
        y = append.transpose(graph, y, (2, 0, 1, 3))
        y = append.reshape(graph, y, (1, slices, height * width * channels))
        window = self._pool_window(y.shape, slice(0, 1))
        y = graph.add(
            ops.Pool2D(y, Value((1, depth, height * width * channels)), self.kind, window)
        )
        y = append.reshape(graph, y, (depth, height, width, channels))
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
