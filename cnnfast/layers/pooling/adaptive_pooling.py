"""Pooling layers that reach a given size, whatever the size of the input.

Along an axis of I positions, output i of O is that of positions ``floor(i * I / O)`` to
``ceil((i + 1) * I / O)``; windows differ in size by one, and may overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.engine.positions import Int32Array
from cnnfast.layers.base.spatial import SpatialLayer
from cnnfast.lowering import append
from cnnfast.lowering.resampling import LARGEST_AXIS
from cnnfast.symbolic import arguments

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import DataFormat, IntOrSequence, LayerOptions


class BaseAdaptivePooling(SpatialLayer):
    """What adaptive poolings of every rank and kind share: arguments and the shape rule."""

    built_without_weights = True

    def __init__(
        self,
        output_size: IntOrSequence,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.output_size = arguments.positive_integers(output_size, self.rank, "output_size")

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        return self.output_size

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        for axis, outputs in enumerate(self.output_size, start=self._first_axis):
            if max(outputs, x.shape[axis]) > LARGEST_AXIS:
                raise ValueError(
                    f"Layer '{self.name}': pooling is from and to at most {LARGEST_AXIS} positions "
                    f"along an axis. Received: {x.shape[axis]} to {outputs}"
                )
            if x.shape[axis] != outputs:
                x = self._pool_axis(graph, x, axis, outputs)
        return x

    def _pool_axis(self, graph: Graph, x: Value, axis: int, outputs: int) -> Value:
        raise NotImplementedError

    def _config(self) -> dict[str, Any]:
        return {"output_size": self.output_size, "data_format": self.data_format}


class BaseAdaptiveAveragePooling(BaseAdaptivePooling):
    """The mean over windows; parameters and errors are those of `BaseAdaptivePooling`."""

    def _pool_axis(self, graph: Graph, x: Value, axis: int, outputs: int) -> Value:
        positions, inside = _windows(x.shape[axis], outputs)
        weights = inside / inside.sum(axis=1, keepdims=True)
        out = Value((*x.shape[:axis], outputs, *x.shape[axis + 1 :]))
        return graph.add(ops.Resample(x, out, axis, (positions, weights.astype(np.float32))))


class BaseAdaptiveMaxPooling(BaseAdaptivePooling):
    """The maximum over windows; parameters and errors are those of `BaseAdaptivePooling`."""

    def _pool_axis(self, graph: Graph, x: Value, axis: int, outputs: int) -> Value:
        # Windows side by side, with positions that stand twice where one is shorter.
        positions, _ = _windows(x.shape[axis], outputs)
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        y = append.remap(graph, x, {axis: positions.reshape(-1)})
        y = append.reshape(graph, y, (*before, *positions.shape, *after))
        y = append.reduce(graph, y, ReductionKind.MAX, [axis + 1])
        return append.reshape(graph, y, (*before, outputs, *after))


class AdaptiveAveragePooling1D(BaseAdaptiveAveragePooling):
    """The mean of each channel over windows that bring sequences to a size.

    Takes (batch, steps, channels) and returns (batch, *output_size, channels).

    Parameters
    ----------
    output_size
        Steps of the output.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AdaptiveAveragePooling1D(2)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 2, 4)
    """

    rank = 1


class AdaptiveAveragePooling2D(BaseAdaptiveAveragePooling):
    """The mean of each channel over windows that bring images to a size.

    Takes (batch, height, width, channels) and returns (batch, *output_size, channels).

    Parameters
    ----------
    output_size
        Height and width of the output; one integer for both.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AdaptiveAveragePooling2D(2)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 2, 2, 3)
    """

    rank = 2


class AdaptiveAveragePooling3D(BaseAdaptiveAveragePooling):
    """The mean of each channel over windows that bring volumes to a size.

    Takes (batch, depth, height, width, channels) and returns (batch, *output_size, channels).

    Parameters
    ----------
    output_size
        Depth, height and width of the output; one integer for all.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AdaptiveAveragePooling3D(2)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 2, 2, 2, 3)
    """

    rank = 3


class AdaptiveMaxPooling1D(BaseAdaptiveMaxPooling):
    """The maximum of each channel over windows that bring sequences to a size.

    Takes (batch, steps, channels) and returns (batch, *output_size, channels).

    Parameters
    ----------
    output_size
        Steps of the output.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AdaptiveMaxPooling1D(2)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 2, 4)
    """

    rank = 1


class AdaptiveMaxPooling2D(BaseAdaptiveMaxPooling):
    """The maximum of each channel over windows that bring images to a size.

    Takes (batch, height, width, channels) and returns (batch, *output_size, channels).

    Parameters
    ----------
    output_size
        Height and width of the output; one integer for both.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AdaptiveMaxPooling2D(2)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 2, 2, 3)
    """

    rank = 2


class AdaptiveMaxPooling3D(BaseAdaptiveMaxPooling):
    """The maximum of each channel over windows that bring volumes to a size.

    Takes (batch, depth, height, width, channels) and returns (batch, *output_size, channels).

    Parameters
    ----------
    output_size
        Depth, height and width of the output; one integer for all.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AdaptiveMaxPooling3D(2)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 2, 2, 2, 3)
    """

    rank = 3


def _windows(length: int, outputs: int) -> tuple[Int32Array, npt.NDArray[np.bool_]]:
    """Return the positions in each window, (outputs, taps), and which do not stand twice."""
    numbers = np.arange(outputs, dtype=np.int64)
    starts = numbers * length // outputs
    ends = -(-(numbers + 1) * length // outputs)
    positions = starts[:, None] + np.arange((ends - starts).max())
    inside = positions < ends[:, None]
    clipped = np.where(inside, positions, ends[:, None] - 1).astype(np.int32)
    return np.ascontiguousarray(clipped), inside
