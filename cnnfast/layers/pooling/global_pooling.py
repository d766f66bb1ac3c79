"""Pooling layers that reduce a whole image or sequence to one number per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast._core import BinaryKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.spatial import SpatialLayer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DataFormat, LayerOptions


class BaseGlobalPooling(SpatialLayer):
    """What global poolings of every rank and kind share: arguments, shape rule and lowering."""

    built_without_weights = True
    kind: ClassVar[ReductionKind]

    def __init__(
        self,
        data_format: DataFormat | None = None,
        keepdims: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.integers = Integers.KEPT if self.kind is ReductionKind.MAX else Integers.CAST
        self.keepdims = arguments.boolean(keepdims, "keepdims")

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        return (1,) * self.rank if self.keepdims else ()

    def lower(self, graph: Graph, x: Value) -> Value:
        first = self._first_axis
        out = Value(self._output_shape(x))
        return graph.add(ops.Reduce(x, out, self.kind, first, first + self.rank))

    def _config(self) -> dict[str, Any]:
        return {"data_format": self.data_format, "keepdims": self.keepdims}


class GlobalMaxPooling1D(BaseGlobalPooling):
    """The maximum of each channel over the whole of sequences.

    Takes (batch, steps, channels) and returns (batch, channels) or, with `keepdims`, (batch, 1,
    channels).

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    keepdims
        Whether the spatial axes stay, with size 1.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.GlobalMaxPooling1D()
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 4)
    """

    rank = 1
    kind = ReductionKind.MAX


class GlobalMaxPooling2D(BaseGlobalPooling):
    """The maximum of each channel over the whole of images.

    Takes (batch, height, width, channels) and returns (batch, channels) or, with `keepdims`,
    (batch, 1, 1, channels).

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    keepdims
        Whether the spatial axes stay, with size 1.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.GlobalMaxPooling2D()
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 3)
    """

    rank = 2
    kind = ReductionKind.MAX


class GlobalAveragePooling1D(BaseGlobalPooling):
    """The mean of each channel over the whole of sequences.

    Takes (batch, steps, channels) and returns (batch, channels) or, with `keepdims`, (batch, 1,
    channels).

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    keepdims
        Whether the spatial axes stay, with size 1.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.GlobalAveragePooling1D()
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 4)
    """

    rank = 1
    kind = ReductionKind.MEAN
    takes_mask = True
    passes_masks = True
    call_options = ("mask",)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def lower_masked(self, graph: Graph, x: Value, mask: Value) -> Value:
        out = self._output_shape(x)
        if len(mask.shape) != 1:
            raise ValueError(
                f"Layer '{self.name}' takes masks that say of each step whether it counts, (batch, "
                f"steps). Received: a mask of shape {(None, *mask.shape)}"
            )
        (steps,), axis = mask.shape, self._first_axis
        counts = append.reshape(graph, mask, (steps, 1) if axis == 0 else (1, steps))
        kept = append.binary(graph, x, counts, BinaryKind.KEEP)
        total, number = (
            append.reduce(graph, part, ReductionKind.SUM, [axis]) for part in (kept, counts)
        )
        return append.reshape(graph, append.binary(graph, total, number, BinaryKind.DIVIDE), out)


class GlobalAveragePooling2D(BaseGlobalPooling):
    """The mean of each channel over the whole of images.

    Takes (batch, height, width, channels) and returns (batch, channels) or, with `keepdims`,
    (batch, 1, 1, channels).

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    keepdims
        Whether the spatial axes stay, with size 1.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.GlobalAveragePooling2D()
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 3)
    """

    rank = 2
    kind = ReductionKind.MEAN


class GlobalMaxPooling3D(BaseGlobalPooling):
    """The maximum of each channel over the whole of volumes.

    Takes (batch, depth, height, width, channels) and returns (batch, channels) or, with `keepdims`,
    (batch, 1, 1, 1, channels).

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    keepdims
        Whether the spatial axes stay, with size 1.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.GlobalMaxPooling3D()
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 3)
    """

    rank = 3
    kind = ReductionKind.MAX


class GlobalAveragePooling3D(BaseGlobalPooling):
    """The mean of each channel over the whole of volumes.

    Takes (batch, depth, height, width, channels) and returns (batch, channels) or, with `keepdims`,
    (batch, 1, 1, 1, channels).

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    keepdims
        Whether the spatial axes stay, with size 1.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.GlobalAveragePooling3D()
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 3)
    """

    rank = 3
    kind = ReductionKind.MEAN


GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalMaxPool3D, GlobalAvgPool3D = GlobalMaxPooling3D, GlobalAveragePooling3D
