"""Pictures in files, as Pillow objects and as arrays."""

from __future__ import annotations

import io
import os
import warnings
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.utils import choices

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image

_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}
_RESAMPLINGS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def load_img(
    path: str | bytes | os.PathLike[str] | io.BytesIO,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """Read a picture.

    Parameters
    ----------
    path
        A file's path, or its bytes in a `BytesIO`.
    color_mode
        ``"grayscale"``, ``"rgb"`` or ``"rgba"``; other pictures are converted.
    target_size
        (height, width) to resize to; None keeps the size.
    interpolation
        One of nearest, bilinear, bicubic, hamming, box, lanczos.
    keep_aspect_ratio
        Whether the picture is cut to the proportions of `target_size` first.

    Returns
    -------
    PIL.Image.Image
        The picture; `img_to_array` makes an array of it.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    TypeError, ValueError
        If an argument is illegal.
    """
    pil = _pillow("load_img")
    if color_mode not in _MODES:
        raise ValueError(
            f'color_mode must be "grayscale", "rgb", or "rgba". Received: {color_mode!r}'
        )
    if interpolation not in _RESAMPLINGS:
        raise ValueError(
            f"interpolation must be one of {_RESAMPLINGS}. Received: {interpolation!r}"
        )
    if not isinstance(path, str | bytes | os.PathLike | io.BytesIO):
        raise TypeError(f"path should be path-like or io.BytesIO. Received: {type(path)}")
    data = path if isinstance(path, io.BytesIO) else _in_memory(path)
    image: Image = pil.open(data)
    wanted = _MODES[color_mode]
    image = image if image.mode in wanted else image.convert(wanted[0])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    height, width = target_size
    box = _centre(image.size, (width, height)) if keep_aspect_ratio else None
    return image.resize((width, height), pil.Resampling[interpolation.upper()], box=box)


def _centre(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the largest centred box (left, top, right, bottom) in the proportions of `target`."""
    width = min(size[0], size[1] * target[0] // target[1])
    height = min(size[1], size[0] * target[1] // target[0])
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def img_to_array(
    img: npt.ArrayLike | Image, data_format: str | None = None, dtype: npt.DTypeLike | None = None
) -> npt.NDArray[Any]:
    """Return a picture as an array (height, width, channels).

    Parameters
    ----------
    img
        A Pillow image or an array of two or three axes.
    data_format
        ``"channels_first"`` for (channels, height, width).
    dtype
        Float32 where None.

    Returns
    -------
    numpy.ndarray
        A picture of one channel has three axes as well.

    Raises
    ------
    ValueError
        If `img` has another rank, or `data_format` is unknown.
    """
    first = _is_channels_first(data_format)
    array: npt.NDArray[Any] = np.asarray(img, dtype=dtype or np.float32)
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"An image has 2 or 3 axes. Received: an array of shape {array.shape}")
    return array.transpose(2, 0, 1) if first else array


def array_to_img(
    x: npt.ArrayLike,
    data_format: str | None = None,
    scale: bool = True,
    dtype: npt.DTypeLike | None = None,
) -> Image:
    """Return an array (height, width, channels) as a picture.

    Parameters
    ----------
    x
        Of 1, 3 or 4 channels.
    data_format
        ``"channels_first"`` for (channels, height, width).
    scale
        Whether the numbers are spread over 0 to 255.
    dtype
        In which that is computed; float32 where None.

    Returns
    -------
    PIL.Image.Image
        Of mode L, I (one channel beyond 255), RGB or RGBA.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If `x` has another rank or number of channels.
    """
    pil = _pillow("array_to_img")
    first = _is_channels_first(data_format)
    array = np.asarray(x, dtype=dtype or np.float32)
    if array.ndim != 3:
        raise ValueError(
            "Expected image array to have rank 3 (single image). "
            f"Received: an array of shape {array.shape}"
        )
    array = array.transpose(1, 2, 0) if first else array
    if array.shape[2] not in (1, 3, 4):
        raise ValueError(f"An image has 1, 3 or 4 channels. Received: {array.shape[2]}")
    if scale:
        array = array - array.min()
        largest = array.max()
        array = array / (largest if largest else 1) * 255
    if array.shape[2] > 1:
        picture: Image = pil.fromarray(array.astype(np.uint8))
        return picture
    wide = array.max() > 255
    picture = pil.fromarray(array[:, :, 0].astype(np.int32 if wide else np.uint8))
    return picture


def save_img(
    path: str | os.PathLike[str] | io.BytesIO,
    x: npt.ArrayLike,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array (height, width, channels) as a picture.

    Parameters
    ----------
    path
        Where to; its ending gives the format.
    x, data_format, scale
        As of `array_to_img`.
    file_format
        Such as ``"png"``, in place of the ending.
    **kwargs
        For Pillow's ``Image.save``.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If `x` is no picture, or the format is unknown.
    """
    if file_format is None and not isinstance(path, io.BytesIO):
        file_format = os.path.splitext(path)[1][1:]
    file_format = (file_format or "").lower()
    file_format = "jpeg" if file_format == "jpg" else file_format
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn(
            "The JPEG format does not support RGBA images, converting to RGB.", stacklevel=2
        )
        image = image.convert("RGB")
    image.save(path, format=file_format or None, **kwargs)


def _pillow(caller: str) -> ModuleType:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"`{caller}` needs Pillow: pip install 'cnnfast[image]'.") from error
    return Image


def _is_channels_first(data_format: str | None) -> bool:
    return choices.data_format(data_format) == "channels_first"


def _in_memory(path: str | bytes | os.PathLike[str]) -> io.BytesIO:
    with open(path, "rb") as file:
        return io.BytesIO(file.read())
