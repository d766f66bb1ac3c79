"""Layers that enlarge their input by whole factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.rounding import Rounding
from cnnfast.layers.base.spatial import SpatialLayer
from cnnfast.lowering import append, images
from cnnfast.lowering.resampling import INTERPOLATIONS
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DataFormat, Interpolation, IntOrSequence, LayerOptions


class _UpSampling(SpatialLayer):
    """Repeats every position of the spatial axes."""

    integers = Integers.KEPT

    def __init__(
        self,
        size: IntOrSequence = 2,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._factors = arguments.positive_integers(size, self.rank, "size")

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        return tuple(
            None if size is None else size * factor
            for size, factor in zip(spatial, self._factors, strict=True)
        )

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.repeat(graph, x, dict(enumerate(self._factors, start=self._first_axis)))


class UpSampling1D(_UpSampling):
    """Repeats each step of sequences.

    Takes (batch, steps, channels) and returns (batch, new steps, channels).

    Parameters
    ----------
    size
        How many times.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    TypeError
        If `size` is not an integer.
    ValueError
        If it is below 1.

    Examples
    --------
    >>> layer = cnnfast.layers.UpSampling1D(2)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 20, 4)
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Unpack[LayerOptions]) -> None:
        rule = "Argument `size` should be a positive integer."
        # Keras up to 2 wrote a list of one.
        single = size[0] if isinstance(size, list | tuple) and len(size) == 1 else size
        self.size = arguments.positive_integer(arguments.whole(single, "size"), rule)
        super().__init__(self.size, "channels_last", **kwargs)

    def _config(self) -> dict[str, Any]:
        return {"size": self.size}


class UpSampling2D(Rounding, _UpSampling):
    """Enlarges images by whole factors.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, channels);
    with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    size
        The factor, or (height factor, width factor).
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    interpolation
        How pixels between pixels are found; ``"nearest"`` repeats rows and columns.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.UpSampling2D(2)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 16, 16, 3)
    """

    rank = 2

    def __init__(
        self,
        size: IntOrSequence = (2, 2),
        data_format: DataFormat | None = None,
        interpolation: Interpolation = "nearest",
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.size = self._factors
        self.interpolation = arguments.choice(interpolation, "interpolation", INTERPOLATIONS)

    def lower(self, graph: Graph, x: Value) -> Value:
        if self.interpolation == "nearest":
            return super().lower(graph, x)
        shape = self._output_shape(x)
        height, width, _ = images.channels_last(shape, self.data_format)
        image = images.to_image(graph, x, self.data_format)
        y = append.resize(graph, image, height, width, self.interpolation)
        y = self._rounded(graph, y)
        return images.from_image(graph, y, shape, self.data_format)

    def _config(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "data_format": self.data_format,
            "interpolation": self.interpolation,
        }


class UpSampling3D(_UpSampling):
    """Repeats the positions of volumes.

    Takes (batch, depth, height, width, channels) and returns (batch, new depth, new height, new
    width, channels); with ``data_format="channels_first"``, channels come before the other axes.

    Parameters
    ----------
    size
        The factor, or one for each axis.
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
    >>> layer = cnnfast.layers.UpSampling3D(2)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 8, 16, 16, 3)
    """

    rank = 3

    def __init__(
        self,
        size: IntOrSequence = (2, 2, 2),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.size = self._factors

    def _config(self) -> dict[str, Any]:
        return {"size": self.size, "data_format": self.data_format}
