"""Layers that bring images to a given size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.rounding import Rounding
from cnnfast.layers.preprocessing.image_layer import ImageLayer
from cnnfast.lowering import append, images, windows
from cnnfast.lowering.resampling import (
    INTERPOLATIONS,
    Pads,
    Size,
    crop_to_aspect_ratio,
    pad_to_aspect_ratio,
)
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.input_spec import InputSpec

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        DataFormat,
        ImageOptionsBesideFormat,
        Interpolation,
        OptionsBesideName,
    )


class _ToSize(ImageLayer):
    """Gives images (batch, height, width, channels) the size `height` x `width`."""

    def __init__(
        self,
        height: int,
        width: int,
        data_format: DataFormat | None,
        **kwargs: Unpack[ImageOptionsBesideFormat],
    ) -> None:
        super().__init__(data_format, **kwargs)
        rule = "Sizes of images must be positive integers."
        self.height = arguments.positive_integer(height, rule)
        self.width = arguments.positive_integer(width, rule)
        self.input_spec = InputSpec(ndim=4)

    @property
    def _size(self) -> Size:
        return self.height, self.width

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        _, channels = windows.split_channels(input_shape, self.data_format)
        return windows.join_channels(input_shape[0], self._size, channels, self.data_format)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        y = self._fit(graph, images.to_image(graph, x, self.data_format))
        return images.from_image(graph, y, shape, self.data_format)

    def _fit(self, graph: Graph, image: Value) -> Value:
        raise NotImplementedError

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"height": self.height, "width": self.width}


class Resizing(Rounding, _ToSize):
    """Resizes images.

    Images of integers come out as integers: rounded, and no larger or smaller than their dtype
    allows.

    Takes (batch, old height, old width, channels) and returns (batch, height, width, channels).

    Parameters
    ----------
    height, width
        Of the result, in pixels.
    interpolation
        How numbers between pixels are found.
    crop_to_aspect_ratio
        Whether only the largest centred part is kept that has the proportions of the result.
    pad_to_aspect_ratio
        Whether a border of `fill_value` gives the image the proportions of the result.
    fill_mode
        ``"constant"``.
    fill_value
        What the border holds.
    antialias
        Whether the filter widens where images shrink.
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
    >>> layer = cnnfast.layers.Resizing(4, 6)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 4, 6, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: Interpolation = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: Literal["constant"] = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptionsBesideFormat],
    ) -> None:
        super().__init__(height, width, data_format, **kwargs)
        self.interpolation = arguments.choice(interpolation, "interpolation", INTERPOLATIONS)
        self.crop_to_aspect_ratio = arguments.boolean(crop_to_aspect_ratio, "crop_to_aspect_ratio")
        self.pad_to_aspect_ratio = arguments.boolean(pad_to_aspect_ratio, "pad_to_aspect_ratio")
        self.fill_mode = arguments.choice(fill_mode, "fill_mode", ("constant",))
        self.fill_value = arguments.number(fill_value, "fill_value")
        self.antialias = bool(antialias)
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError(
                "Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`. "
                "Received: both"
            )

    def _fit(self, graph: Graph, image: Value) -> Value:
        pads: Pads = ((0, 0), (0, 0))
        if self.crop_to_aspect_ratio:
            pads = crop_to_aspect_ratio(_size_of(image), self._size)
        elif self.pad_to_aspect_ratio:
            pads = pad_to_aspect_ratio(_size_of(image), self._size)
        image = append.pad(graph, image, dict(enumerate(pads)), self.fill_value)
        y = append.resize(graph, image, *self._size, self.interpolation, self.antialias)
        return self._rounded(graph, y)

    def _config(self) -> dict[str, Any]:
        return super()._config() | {
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }


class CenterCrop(_ToSize):
    """Cuts the middle out of images.

    Images that are too small are resized, after cutting them to the proportions of the result.

    Takes (batch, old height, old width, channels) and returns (batch, height, width, channels).

    Parameters
    ----------
    height, width
        Of the result, in pixels.
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
    >>> layer = cnnfast.layers.CenterCrop(4, 6)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 4, 6, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptionsBesideFormat],
    ) -> None:
        super().__init__(height, width, data_format, **kwargs)

    def _fit(self, graph: Graph, image: Value) -> Value:
        spare = [old - new for old, new in zip(image.shape[:2], self._size, strict=True)]
        if min(spare) >= 0:
            cut = {axis: (-(n // 2), n // 2 - n) for axis, n in enumerate(spare)}
            return append.pad(graph, image, cut)
        pads = crop_to_aspect_ratio(_size_of(image), self._size)
        part = append.pad(graph, image, dict(enumerate(pads)))
        return append.resize(graph, part, *self._size)


class RandomCrop(_ToSize):
    """Cuts a random part out of images in training; takes images of its own size at inference.

    At inference Keras 3 returns images as they are, though it states the cropped size, while Keras
    2 resizes them. Where that makes a difference the layer refuses to run.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    height, width
        Of images, in pixels.
    seed
        Of training; kept for the config.
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
    >>> layer = cnnfast.layers.RandomCrop(8, 8)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Unpack[OptionsBesideName],
    ) -> None:
        super().__init__(height, width, data_format, name=name, **kwargs)
        self.seed = seed

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        size, _ = windows.split_channels(input_shape, self.data_format)
        if any(old not in (None, new) for old, new in zip(size, self._size, strict=True)):
            raise self.unsupported(
                f"takes images of {self._size} at inference: Keras 3 leaves others as they are and "
                f"Keras 2 resizes them. Received: input shape {input_shape}",
                advice="Use CenterCrop or Resizing instead.",
            )
        return super().compute_output_shape(input_shape)

    def _fit(self, graph: Graph, image: Value) -> Value:
        return image

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"seed": self.seed}


def _size_of(image: Value) -> Size:
    return image.shape[0], image.shape[1]
