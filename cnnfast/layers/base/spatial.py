"""What the layers of sequences, images and volumes share: where channels are, and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnfast.engine.ops import BatchShape
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import windows
from cnnfast.symbolic import arguments
from cnnfast.symbolic.input_spec import InputSpec

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DataFormat, LayerOptions


class SpatialLayer(Layer):
    """A layer of (batch, *spatial, channels), or (batch, channels, *spatial).

    A subclass gives `_output_sizes`, and `_output_channels` if they are not those of the input.

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    """

    rank: ClassVar[int]
    """Number of spatial axes."""
    geometry: ClassVar[tuple[str, ...]] = ()
    """The arguments that output sizes depend on, as errors name them."""
    size_rule: ClassVar[str] = ""
    """What these must be for an output to remain, as a sentence with a space behind it."""

    def __init__(
        self, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        spatial, channels = windows.split_channels(input_shape, self.data_format)
        sizes = self._output_sizes(spatial)
        check_sizes(self, input_shape, sizes, self.geometry, self.size_rule)
        channels = self._output_channels(channels)
        return windows.join_channels(input_shape[0], sizes, channels, self.data_format)

    @property
    def _first_axis(self) -> int:
        """The first spatial axis, counted without the batch."""
        return int(self.data_format == "channels_first")

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        """Return the sizes of the output; what is 0 or less stands for an illegal input."""
        raise NotImplementedError(f"Layer '{self.name}' does not state its output sizes.")

    def _output_channels(self, channels: int | None) -> int | None:
        return channels


def check_sizes(
    layer: Layer,
    input_shape: BatchShape,
    sizes: BatchShape,
    geometry: tuple[str, ...],
    rule: str = "",
) -> None:
    """Raise ValueError unless all known `sizes` of the output are positive.

    `geometry` names the arguments that they depend on, `rule` says more of these.
    """
    if any(size is not None and size <= 0 for size in sizes):
        received = (f"{name}={getattr(layer, name)}" for name in geometry)
        raise ValueError(
            f"Layer '{layer.name}': computed output size would be zero or negative. {rule}"
            f"Received: {', '.join([f'input shape={input_shape}', *received])}."
        )
