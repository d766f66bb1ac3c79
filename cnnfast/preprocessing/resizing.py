"""Pictures as arrays at another size, cut to its proportions first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.layers.preprocessing.resizing import Resizing
from cnnfast.utils import choices

if TYPE_CHECKING:
    import numpy.typing as npt


def smart_resize(
    x: npt.ArrayLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    backend_module: Any = None,
) -> npt.NDArray[np.float32]:
    """Cut the largest part in the middle that has the proportions of `size`, and resize it.

    Parameters
    ----------
    x
        (height, width, channels), or a batch of such.
    size
        (height, width).
    interpolation
        As of `cnnfast.layers.Resizing`.
    data_format
        Where the channels are.
    backend_module
        Kept for Keras' sake.

    Returns
    -------
    numpy.ndarray
        Float32.

    Raises
    ------
    ValueError
        If `x` is no picture, or an argument is unknown.

    Examples
    --------
    >>> from cnnfast.preprocessing.image import smart_resize
    >>> smart_resize(np.zeros((10, 20, 3)), (5, 5)).shape
    (5, 5, 3)
    """
    del backend_module
    if len(size) != 2:
        raise ValueError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    array = np.asarray(x, np.float32)
    if array.ndim not in (3, 4):
        raise ValueError(
            "Expected an image array with shape `(height, width, channels)`, or `(batch_size, "
            f"height, width, channels)`, but got input with incorrect rank, of shape {array.shape}."
        )
    first = choices.data_format(data_format) == "channels_first"
    rows = array.ndim - (2 if first else 3)
    part = [slice(None)] * array.ndim
    part[rows], part[rows + 1] = _middle(array.shape[rows : rows + 2], size)
    return resize(array[tuple(part)], size, interpolation, data_format)


def _middle(shape: Sequence[int], size: Sequence[int]) -> list[slice]:
    """Return the largest part of an image in the proportions of `size`."""
    (height, width), (rows, columns) = shape, size
    high = max(min(height, int(float(width * rows) / columns)), 1)
    wide = max(min(width, int(float(height * columns) / rows)), 1)
    top, left = int(float(height - high) / 2), int(float(width - wide) / 2)
    return [slice(top, top + high), slice(left, left + wide)]


def resize(
    array: npt.NDArray[Any],
    size: Sequence[int],
    interpolation: str,
    data_format: str,
    pad: bool = False,
) -> npt.NDArray[np.float32]:
    """Resize one picture or a batch; `pad` keeps its proportions within zeros."""
    layer = Resizing(
        size[0],
        size[1],
        interpolation=interpolation,  # type: ignore[arg-type]
        pad_to_aspect_ratio=pad,
        data_format=data_format,  # type: ignore[arg-type]
        name="resizing",
    )
    batch = array if array.ndim == 4 else array[None]
    resized = np.asarray(layer(np.ascontiguousarray(batch, np.float32)))
    return resized if array.ndim == 4 else resized[0]
