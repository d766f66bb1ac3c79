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
    """What windowed poolings of every rank and kind share: arguments and the shape rule."""

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
    """The maximum of each channel over windows of sequences.

    Takes (batch, steps, channels) and returns (batch, new steps, channels); with
    ``data_format="channels_first"``, channels come before steps.

    Parameters
    ----------
    pool_size
        Steps of a window.
    strides
        Steps from one window to the next; `pool_size` where None.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border that takes no part in
        the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    name
        Unique in a model; made from the class where None.
    **kwargs
        ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.MaxPooling1D(2)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 5, 4)
    """

    rank = 1
    kind = PoolKind.MAX


class MaxPooling2D(BasePooling):
    """The maximum of each channel over windows of images.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, channels);
    with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    pool_size
        Height and width of a window; one integer for both.
    strides
        Rows and columns from one window to the next; `pool_size` where None.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border that takes no part in
        the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    name
        Unique in a model; made from the class where None.
    **kwargs
        ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.MaxPooling2D(2)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 4, 4, 3)
    """

    rank = 2
    kind = PoolKind.MAX


class AveragePooling1D(BasePooling):
    """The mean of each channel over windows of sequences.

    Takes (batch, steps, channels) and returns (batch, new steps, channels); with
    ``data_format="channels_first"``, channels come before steps.

    Parameters
    ----------
    pool_size
        Steps of a window.
    strides
        Steps from one window to the next; `pool_size` where None.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border that takes no part in
        the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    name
        Unique in a model; made from the class where None.
    **kwargs
        ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AveragePooling1D(2)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 5, 4)
    """

    rank = 1
    kind = PoolKind.AVERAGE


class AveragePooling2D(BasePooling):
    """The mean of each channel over windows of images.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, channels);
    with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    pool_size
        Height and width of a window; one integer for both.
    strides
        Rows and columns from one window to the next; `pool_size` where None.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border that takes no part in
        the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    name
        Unique in a model; made from the class where None.
    **kwargs
        ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AveragePooling2D(2)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 4, 4, 3)
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
    """The maximum of each channel over windows of volumes.

    Takes (batch, depth, height, width, channels) and returns (batch, new depth, new height, new
    width, channels); with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    pool_size
        Depth, height and width of a window; one integer for all.
    strides
        Positions from one window to the next, along each axis; `pool_size` where None.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border that takes no part in
        the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    name
        Unique in a model; made from the class where None.
    **kwargs
        ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.MaxPooling3D(2)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 2, 4, 4, 3)
    """

    kind = PoolKind.MAX


class AveragePooling3D(BasePooling3D):
    """The mean of each channel over windows of volumes.

    Takes (batch, depth, height, width, channels) and returns (batch, new depth, new height, new
    width, channels); with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    pool_size
        Depth, height and width of a window; one integer for all.
    strides
        Positions from one window to the next, along each axis; `pool_size` where None.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border that takes no part in
        the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    name
        Unique in a model; made from the class where None.
    **kwargs
        ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AveragePooling3D(2)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 2, 4, 4, 3)
    """

    kind = PoolKind.AVERAGE


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
