"""Patches of images, and borders that are added or cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.ops import BatchShape
from cnnfast.lowering import windows
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call, refuse_batch
from cnnfast.ops.shaping.arrangement import expand_dims, reshape, squeeze, transpose
from cnnfast.ops.shaping.pieces import ndim_of, shape_of
from cnnfast.ops.shaping.selection import get_item, pad, take
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import DataFormat, IntOrSequence, Padding, Tensor

IMAGE = "keras.src.ops.image"


def of_batches(operation: Any, images: Any, rank: int = 4) -> Any:
    """Return what `operation` makes of images; one array without a batch is a batch of one."""
    if ndim_of(images) == rank:
        return operation(images)
    if ndim_of(images) != rank - 1:
        raise ValueError(f"expected {rank} axes. Received: shape {shape_of(images)}")
    if isinstance(images, KerasTensor):
        refuse_batch(f"a tensor of shape {images.shape} as one image")
    return squeeze(operation(expand_dims(images, 0)), 0)


class ExtractPatches(Composite):
    """The numbers of the window at each position, as channels: row by row, pixel by pixel."""

    module = IMAGE
    rank = 2

    def __init__(
        self,
        size: Any,
        strides: Any = None,
        dilation_rate: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.size = size
        self.strides = strides if strides else size
        self.dilation_rate = dilation_rate
        self.padding = arguments.choice(padding.lower(), "padding", ("valid", "same"))
        self.data_format = arguments.data_format(data_format)

    def _windows(self) -> tuple[tuple[int, ...], ...]:
        """Return size, strides and dilation, a number for each axis."""
        given = {"size": self.size, "strides": self.strides, "dilation_rate": self.dilation_rate}
        return tuple(
            arguments.positive_integers(value, self.rank, name) for name, value in given.items()
        )

    def compute_output_spec(self, images: Any) -> KerasTensor:
        shape = images.shape
        if len(shape) != self.rank + 2:
            raise ValueError(f"expected {self.rank + 2} axes. Received: shape {shape}")
        spatial, channels = windows.split_channels(shape, self.data_format)
        size, strides, dilation = self._windows()
        out = windows.output_shape(spatial, size, strides, dilation, self.padding)
        if any(count is not None and count < 1 for count in out):
            raise ValueError(f"no window fits. Received: shape {shape} and size={self.size}")
        depth = None if channels is None else channels * int(np.prod(size))
        made: BatchShape = windows.join_channels(shape[0], out, depth, self.data_format)
        return KerasTensor(made, images.dtype)

    def composed(self, images: Any) -> Any:
        return of_batches(self._patches, images, self.rank + 2)

    def _patches(self, images: Any) -> Any:
        axes = list(range(self.rank + 2))
        if self.data_format == "channels_first":
            images = transpose(images, [0, *axes[2:], 1])
        size, strides, dilation = self._windows()
        counts = []
        for axis in range(self.rank):
            length = shape_of(images)[axis + 1]
            window = (size[axis], strides[axis], dilation[axis])
            before, after = windows.pads(length, *window, self.padding)
            count = windows.output_size(length, *window, self.padding) or 0
            counts.append(count)
            if before or after:
                widths = [(before, after) if a == axis + 1 else (0, 0) for a in axes]
                images = pad(images, widths)
            starts = np.arange(count)[:, None] * strides[axis]
            places = (starts + np.arange(size[axis]) * dilation[axis]).ravel()
            images = take(images, places, axis=axis + 1)
        channels = shape_of(images)[-1]
        pairs = [number for pair in zip(counts, size, strict=True) for number in pair]
        y = reshape(images, (-1, *pairs, channels))
        outer = [1 + 2 * axis for axis in range(self.rank)]
        y = transpose(y, [0, *outer, *(axis + 1 for axis in outer), 2 * self.rank + 1])
        y = reshape(y, (-1, *counts, int(np.prod(size)) * channels))
        return transpose(y, [0, self.rank + 1, *axes[1:-1]]) if self._first() else y

    def _first(self) -> bool:
        return self.data_format == "channels_first"

    def _config(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "padding": self.padding,
            "data_format": self.data_format,
        }


class _Border(Composite):
    """Changes both ends of height and width, of which some follow from the size that comes out."""

    module = IMAGE
    word = ""

    def __init__(self, *ends: Any, data_format: str | None, name: str | None) -> None:
        super().__init__(name=name)
        self.ends = ends
        self.data_format = arguments.data_format(data_format)

    def composed(self, images: Any) -> Any:
        first = self.data_format == "channels_first"

        def change(batch: Any) -> Any:
            shape = shape_of(batch)
            spatial = shape[2:] if first else shape[1:3]
            top, left, bottom, right, height, width = self.ends
            rows = self._ends(spatial[0], top, bottom, height, "height")
            columns = self._ends(spatial[1], left, right, width, "width")
            return self._changed(batch, [rows, columns], 2 if first else 1)

        return of_batches(change, images)

    def _ends(self, size: Any, before: Any, after: Any, target: Any, name: str) -> tuple[int, int]:
        raise NotImplementedError

    def _changed(self, batch: Any, ends: list[tuple[int, int]], first: int) -> Any:
        raise NotImplementedError

    def _check(self, before: int, after: int, name: str) -> tuple[int, int]:
        if before < 0 or after < 0:
            raise ValueError(
                f"the {self.word} of the {name} must not be negative. Received: {before}, {after}"
            )
        return before, after

    def _config(self) -> dict[str, Any]:
        names = [f"{side}_{self.word}" for side in ("top", "left", "bottom", "right")]
        sizes = ["target_height", "target_width"]
        ends = dict(zip([*names, *sizes], self.ends, strict=True))
        return {**ends, "data_format": self.data_format}


class PadImages(_Border):
    """A border of zeros; of top, bottom and target height two say the third, and so of width."""

    word = "padding"

    def __init__(
        self,
        top_padding: int | None = None,
        left_padding: int | None = None,
        bottom_padding: int | None = None,
        right_padding: int | None = None,
        target_height: int | None = None,
        target_width: int | None = None,
        data_format: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        ends = (top_padding, left_padding, bottom_padding, right_padding)
        super().__init__(*ends, target_height, target_width, data_format=data_format, name=name)
        _two_of_three("padding", *self.ends)

    def _ends(self, size: Any, before: Any, after: Any, target: Any, name: str) -> tuple[int, int]:
        if before is None or after is None:
            if size is None:
                raise ValueError(f"the {name} must be known. Received: None")
            before = target - after - size if before is None else before
            after = target - before - size if after is None else after
        return self._check(before, after, name)

    def _changed(self, batch: Any, ends: list[tuple[int, int]], first: int) -> Any:
        widths = [(0, 0)] * 4
        widths[first : first + 2] = ends
        return pad(batch, widths)


class CropImages(_Border):
    """Without a border; of top, bottom and target height two say the third, and so of width."""

    word = "cropping"

    def __init__(
        self,
        top_cropping: int | None = None,
        left_cropping: int | None = None,
        bottom_cropping: int | None = None,
        right_cropping: int | None = None,
        target_height: int | None = None,
        target_width: int | None = None,
        data_format: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        ends = (top_cropping, left_cropping, bottom_cropping, right_cropping)
        super().__init__(*ends, target_height, target_width, data_format=data_format, name=name)
        _two_of_three("cropping", *self.ends)

    def _ends(self, size: Any, before: Any, after: Any, target: Any, name: str) -> tuple[int, int]:
        if size is None:
            raise ValueError(f"the {name} must be known. Received: None")
        before = size - target - after if before is None else before
        after = size - target - before if after is None else after
        return self._check(before, after, name)

    def _changed(self, batch: Any, ends: list[tuple[int, int]], first: int) -> Any:
        shape = shape_of(batch)
        key = [slice(None)] * 4
        for place, (before, after) in enumerate(ends):
            axis = first + place
            key[axis] = slice(before, shape[axis] - after)
        return get_item(batch, tuple(key))


def _two_of_three(
    word: str, top: Any, left: Any, bottom: Any, right: Any, height: Any, width: Any
) -> None:
    for ends in ((top, bottom, height), (left, right, width)):
        if sum(end is not None for end in ends) != 2:
            raise ValueError(
                f"two must be given of the {word} before, the {word} behind and the size that "
                f"comes out. Received: {ends}"
            )


def extract_patches(
    images: Tensor,
    size: IntOrSequence,
    strides: IntOrSequence | None = None,
    dilation_rate: IntOrSequence = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Return the numbers of the window at each position, as channels.

    Parameters
    ----------
    size
        Height and width of a window; one integer for both.
    strides
        From one window to the next; those beside one another where None.
    dilation_rate
        Distance of neighbouring pixels of a window.
    padding
        ``"valid"``, or ``"same"`` with a border of zeros.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Examples
    --------
    >>> cnnfast.ops.image.extract_patches(np.ones((1, 8, 8, 3)), 4).shape
    (1, 2, 2, 48)
    """
    return call(ExtractPatches(size, strides, dilation_rate, padding, data_format), images)


def pad_images(
    images: Tensor,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Return images with a border of zeros.

    Parameters
    ----------
    top_padding, left_padding, bottom_padding, right_padding
        Pixels of the border; two of top, bottom and `target_height` say the third.
    target_height, target_width
        The size that comes out.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    """
    ends = (top_padding, left_padding, bottom_padding, right_padding)
    return call(PadImages(*ends, target_height, target_width, data_format), images)


def crop_images(
    images: Tensor,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Return images without a border.

    Parameters
    ----------
    top_cropping, left_cropping, bottom_cropping, right_cropping
        Pixels that are cut off; two of top, bottom and `target_height` say the third.
    target_height, target_width
        The size that comes out.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    """
    ends = (top_cropping, left_cropping, bottom_cropping, right_cropping)
    return call(CropImages(*ends, target_height, target_width, data_format), images)
