"""Pooling layers that reach a given size, whatever the size of the input.

Along an axis of I positions, output i of O is that of positions ``floor(i * I / O)`` to
``ceil((i + 1) * I / O)``; windows differ in size by one, and may overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

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

    from cnnfast.symbolic.typing import DataFormat, IntOrSequence, LayerOptions


class BaseAdaptivePooling(SpatialLayer):
    """What adaptive poolings of every rank and kind share: arguments and the shape rule.

    Parameters
    ----------
    output_size
        One integer, or one per spatial axis.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

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
    """The mean over windows that bring sequences to a size: (batch, steps, channels).

    Parameters and errors are those of `BaseAdaptivePooling`.
    """

    rank = 1


class AdaptiveAveragePooling2D(BaseAdaptiveAveragePooling):
    """The mean over windows that bring images to a size: (batch, height, width, channels).

    Parameters and errors are those of `BaseAdaptivePooling`.
    """

    rank = 2


class AdaptiveAveragePooling3D(BaseAdaptiveAveragePooling):
    """The mean over windows that bring volumes to a size: (batch, depth, height, width, channels).

    Parameters and errors are those of `BaseAdaptivePooling`.
    """

    rank = 3


class AdaptiveMaxPooling1D(BaseAdaptiveMaxPooling):
    """The maximum over windows that bring sequences to a size: (batch, steps, channels).

    Parameters and errors are those of `BaseAdaptivePooling`.
    """

    rank = 1


class AdaptiveMaxPooling2D(BaseAdaptiveMaxPooling):
    """The maximum over windows that bring images to a size: (batch, height, width, channels).

    Parameters and errors are those of `BaseAdaptivePooling`.
    """

    rank = 2


class AdaptiveMaxPooling3D(BaseAdaptiveMaxPooling):
    """The maximum over windows of volumes, to a size: (batch, depth, height, width, channels).

    Parameters and errors are those of `BaseAdaptivePooling`.
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
