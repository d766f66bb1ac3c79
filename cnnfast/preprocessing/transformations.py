"""What happens to single pictures, arrays of three axes, before they become batches."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast.utils.data.images import array_to_img, img_to_array

Array: TypeAlias = npt.NDArray[Any]


def apply_affine_transform(
    x: Array,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> Array:
    """Rotate, shift, shear and zoom a picture about its middle.

    Parameters
    ----------
    x
        The picture.
    theta, shear
        In degrees.
    tx, ty
        Rows and columns to shift by.
    zx, zy
        Rows and columns of the picture for one of the result.
    row_axis, col_axis, channel_axis
        Which axis is what; the channels are first or last.
    fill_mode, cval, order
        As of `scipy.ndimage.affine_transform`.

    Raises
    ------
    ValueError
        If `x` is no picture, or the axes are not distinct.
    ImportError
        If SciPy is not installed.

    Examples
    --------
    >>> from cnnfast.preprocessing.image import apply_affine_transform
    >>> apply_affine_transform(np.eye(3)[..., None], theta=90, row_axis=0, col_axis=1,
    ...                        channel_axis=2)[..., 0].round()
    array([[0., 0., 1.],
           [0., 1., 0.],
           [1., 0., 0.]])
    """
    if {row_axis, col_axis, channel_axis} != {0, 1, 2} or channel_axis == 1:
        raise ValueError(
            "'row_axis', 'col_axis', and 'channel_axis' must be distinct, and the channels first "
            f"or last. Received: {row_axis}, {col_axis}, {channel_axis}"
        )
    if x.ndim != 3:
        raise ValueError(
            f"Input arrays must be multi-channel 2D images. Received: an array of shape {x.shape}"
        )
    steps = [
        *([_rotation(np.deg2rad(theta))] if theta else []),
        *([np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])] if tx or ty else []),
        *([_shear(np.deg2rad(shear))] if shear else []),
        *([np.diag([zx, zy, 1])] if zx != 1 or zy != 1 else []),
    ]
    if not steps:
        return x
    matrix: Array = np.linalg.multi_dot(steps) if len(steps) > 1 else steps[0]
    matrix = _about_middle(matrix, x.shape[row_axis], x.shape[col_axis])
    if col_axis > row_axis:  # as Keras has it, also where the picture is no square
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    channels = np.moveaxis(x, channel_axis, 0)
    move = _scipy().affine_transform
    moved = [
        move(channel, matrix[:2, :2], matrix[:2, 2], order=order, mode=fill_mode, cval=cval)
        for channel in channels
    ]
    return np.moveaxis(np.stack(moved), 0, channel_axis)


def _rotation(angle: float) -> Array:
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def _shear(angle: float) -> Array:
    return np.array([[1, -np.sin(angle), 0], [0, np.cos(angle), 0], [0, 0, 1]])


def _about_middle(matrix: Array, rows: int, columns: int) -> Array:
    there, back = np.eye(3), np.eye(3)
    there[:2, 2] = rows / 2 - 0.5, columns / 2 - 0.5
    back[:2, 2] = -there[:2, 2]
    return there @ matrix @ back


def _scipy() -> Any:
    try:
        from scipy import ndimage  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "Rotating, shifting, shearing and zooming pictures needs SciPy: pip install scipy."
        ) from error
    return ndimage


def apply_channel_shift(x: Array, intensity: float, channel_axis: int = 0) -> Array:
    """Add to all channels, within the least and the largest number of the picture.

    Examples
    --------
    >>> from cnnfast.preprocessing.image import apply_channel_shift
    >>> apply_channel_shift(np.array([[[1.0, 2.0]]]), 0.5).tolist()
    [[[1.5, 2.0]]]
    """
    del channel_axis  # each channel is treated alike
    return np.clip(x + intensity, x.min(), x.max())


def apply_brightness_shift(x: Array, brightness: float, scale: bool = True) -> Array:
    """Return a picture with another brightness, as Pillow computes it in 8 bits.

    Parameters
    ----------
    x
        The picture.
    brightness
        1 for as it is.
    scale
        Whether its numbers are spread over 0 to 255 first.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    """
    least, largest = x.min(), x.max()
    outside = bool(least < 0 or largest > 255)
    picture = array_to_img(x, scale=outside or scale)
    from PIL import ImageEnhance

    array = img_to_array(ImageEnhance.Brightness(picture).enhance(brightness))
    if not scale and outside:
        array = array / 255 * (largest - least) + least
    return array
