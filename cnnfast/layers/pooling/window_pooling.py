"""Pooling layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast._core import PoolKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Shape, Value, Window
from cnnfast.layers.base.spatial import SpatialLayer
from cnnfast.lowering import append, images, windows
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DataFormat, IntOrSequence, OptionsBesideName, Padding


class BasePooling(SpatialLayer):
    """What windowed poolings of every rank and kind share: arguments and the shape rule.

    Parameters
    ----------
    pool_size
        One integer, or one per spatial axis.
    strides
        The same; None means `pool_size`.
    padding
        ``"valid"`` or ``"same"``; padding never takes part in the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    built_without_weights = True
    geometry = ("pool_size", "strides", "padding")
    kind: ClassVar[PoolKind]

    def __init__(
        self,
        pool_size: IntOrSequence = 2,
        strides: IntOrSequence | None = None,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Unpack[OptionsBesideName],
    ) -> None:
        super().__init__(data_format, name=name, **kwargs)
        self.integers = Integers.KEPT if self.kind is PoolKind.MAX else Integers.PROMOTED
        self.pool_size = arguments.positive_integers(pool_size, self.rank, "pool_size")
        self.strides = (
            self.pool_size
            if strides is None
            else arguments.positive_integers(strides, self.rank, "strides")
        )
        self.padding = arguments.choice(padding, "padding", ("valid", "same"))

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        return windows.output_shape(
            spatial, self.pool_size, self.strides, (1,) * self.rank, self.padding
        )

    def lower(self, graph: Graph, x: Value) -> Value:
        return images.apply(
            graph,
            x,
            self._output_shape(x),
            self.data_format,
            lambda image, out: ops.Pool2D(
                image,
                out,
                self.kind,
                windows.window_2d(
                    image.shape, self.pool_size, self.strides, (1,) * self.rank, self.padding
                ),
            ),
        )

    def _config(self) -> dict[str, Any]:
        return {
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }


class MaxPooling1D(BasePooling):
    """The maximum over windows of sequences (batch, steps, channels).

    Parameters and errors are those of `BasePooling`.
    """

    rank = 1
    kind = PoolKind.MAX


class MaxPooling2D(BasePooling):
    """The maximum over windows of images (batch, height, width, channels).

    Parameters and errors are those of `BasePooling`.
    """

    rank = 2
    kind = PoolKind.MAX


class AveragePooling1D(BasePooling):
    """The mean over windows of sequences (batch, steps, channels).

    Parameters and errors are those of `BasePooling`.
    """

    rank = 1
    kind = PoolKind.AVERAGE


class AveragePooling2D(BasePooling):
    """The mean over windows of images (batch, height, width, channels).

    Parameters and errors are those of `BasePooling`.
    """

    rank = 2
    kind = PoolKind.AVERAGE


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


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
