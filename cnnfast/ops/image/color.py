"""Colours of images in other terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call
from cnnfast.ops.image.patches import IMAGE, of_batches
from cnnfast.ops.pointwise.arithmetic import add, divide, maximum, minimum, mod, multiply, subtract
from cnnfast.ops.pointwise.comparison import equal, greater, less, where
from cnnfast.ops.pointwise.elementwise import absolute, cast, clip
from cnnfast.ops.pointwise.functions import as_float
from cnnfast.ops.reducing.reductions import sum as total
from cnnfast.ops.shaping.joining import concatenate, split
from cnnfast.ops.shaping.pieces import shape_of
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import DataFormat, Tensor

_GRAY = np.array([0.2989, 0.5870, 0.1140], np.float32)


class _OfChannels(Composite):
    """Makes channels of the three of a colour; a subclass gives `_of_planes`."""

    module = IMAGE

    def __init__(self, data_format: str | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.data_format = arguments.data_format(data_format)

    def composed(self, images: Any) -> Any:
        return of_batches(self._of_batch, images)

    def _axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _of_batch(self, images: Any) -> Any:
        dtype = str(getattr(images, "dtype", "float32"))
        if "float" not in dtype:
            raise ValueError(
                f"Invalid images dtype: expected float dtype. Received: images.dtype={dtype}"
            )
        self._check(images, (3,))
        planes = split(images, 3, self._axis())
        return concatenate(list(self._of_planes(*planes)), self._axis())

    def _check(self, images: Any, allowed: tuple[int, ...]) -> None:
        if shape_of(images)[self._axis()] not in allowed:
            raise ValueError(
                f"expected {' or '.join(map(str, allowed))} channels. Received: shape "
                f"{shape_of(images)}"
            )

    def _of_planes(self, first: Any, second: Any, third: Any) -> tuple[Any, ...]:
        raise NotImplementedError

    def _config(self) -> dict[str, Any]:
        return {"data_format": self.data_format}


class RGBToGrayscale(_OfChannels):
    """One channel, of how bright a colour is seen."""

    def compute_output_spec(self, images: Any) -> KerasTensor:
        spec: KerasTensor = super().compute_output_spec(images)
        # Keras casts back; to whole numbers, which is not done without dtypes, in `composed`.
        return KerasTensor(spec.shape, images.dtype if "float" in images.dtype else spec.dtype)

    def _of_batch(self, images: Any) -> Any:
        self._check(images, (1, 3))
        if shape_of(images)[self._axis()] == 1:
            return images
        weights = _GRAY if self._axis() == -1 else _GRAY.reshape(3, 1, 1)
        return total(multiply(as_float(images), weights), axis=self._axis(), keepdims=True)


class RGBToHSV(_OfChannels):
    """Hue, saturation and value, each from 0 to 1."""

    def _of_planes(self, first: Any, second: Any, third: Any) -> tuple[Any, ...]:
        small = float(np.finfo(np.float32).eps)
        r, g, b = (where(less(absolute(x), small), 0.0, x) for x in (first, second, third))
        value = maximum(maximum(r, g), b)
        room = subtract(value, minimum(minimum(r, g), b))
        saturation = where(
            greater(value, 0), divide(room, where(greater(value, 0), value, 1.0)), 0.0
        )
        norm = divide(1.0, multiply(where(greater(room, 0), room, 1.0), 6.0))
        of_green = add(multiply(norm, subtract(b, r)), 2.0 / 6.0)
        of_blue = add(multiply(norm, subtract(r, g)), 4.0 / 6.0)
        hue = where(equal(value, g), of_green, of_blue)
        hue = where(equal(value, r), multiply(norm, subtract(g, b)), hue)
        below: Any = less(hue, 0.0)
        hue = add(where(greater(room, 0), hue, 0.0), cast(below, "float32"))
        return hue, saturation, value


class HSVToRGB(_OfChannels):
    """Red, green and blue, each from 0 to 1."""

    def _of_planes(self, first: Any, second: Any, third: Any) -> tuple[Any, ...]:
        place = multiply(mod(first, 1.0), 6.0)
        parts = (
            clip(subtract(absolute(subtract(place, 3.0)), 1.0), 0.0, 1.0),
            clip(subtract(2.0, absolute(subtract(place, 2.0))), 0.0, 1.0),
            clip(subtract(2.0, absolute(subtract(place, 4.0))), 0.0, 1.0),
        )
        gray = subtract(1.0, second)
        return tuple(multiply(third, add(gray, multiply(second, part))) for part in parts)


def rgb_to_grayscale(images: Tensor, data_format: DataFormat | None = None) -> Tensor:
    """Return one channel, of how bright a colour is seen.

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    """
    return call(RGBToGrayscale(data_format), images)


def rgb_to_hsv(images: Tensor, data_format: DataFormat | None = None) -> Tensor:
    """Return hue, saturation and value, each from 0 to 1, of red, green and blue.

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    """
    return call(RGBToHSV(data_format), images)


def hsv_to_rgb(images: Tensor, data_format: DataFormat | None = None) -> Tensor:
    """Return red, green and blue, each from 0 to 1, of hue, saturation and value.

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    """
    return call(HSVToRGB(data_format), images)
