"""Sliding windows: output sizes and padding, for convolution and pooling alike.

The rules are those of Keras (``ops/operation_utils.py``). For one axis of size I, a window of k
cells that are d apart spans ``span = (k - 1) * d + 1``:

* ``valid``: ``floor((I - span) / stride) + 1`` outputs, no padding;
* ``same``: ``ceil(I / stride)`` outputs, padding ``(outputs - 1) * stride + span - I``, of which
  the smaller half comes first: I=6, k=3, stride=2 pads 0 before and 1 after;
* ``causal``: as many outputs as ``same``, padding ``span - 1``, all of it before.
"""

from __future__ import annotations

from cnnfast.engine.ops import BatchShape, Window

_RANK = 2


def span(size: int, dilation: int) -> int:
    """Return how many cells of the input a window of `size` cells covers."""
    return (size - 1) * dilation + 1


def output_size(
    length: int | None, size: int, stride: int, dilation: int, padding: str
) -> int | None:
    """Return the number of outputs along one axis, which for ``valid`` may be 0 or negative."""
    if length is None:
        return None
    if padding == "valid":
        return (length - span(size, dilation)) // stride + 1
    return -(-length // stride)


def output_shape(
    spatial: BatchShape,
    size: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
) -> BatchShape:
    """Return `output_size` along each axis."""
    return tuple(
        output_size(*axis, padding) for axis in zip(spatial, size, strides, dilation, strict=True)
    )


def pads(length: int, size: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """Return the padding (before, after) of one axis."""
    if padding == "same":
        outputs = -(-length // stride)
        total = max((outputs - 1) * stride + span(size, dilation) - length, 0)
        return total // 2, total - total // 2
    return (span(size, dilation) - 1, 0) if padding == "causal" else (0, 0)


def window_2d(
    image: tuple[int, ...],
    size: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
) -> Window:
    """Return the window over `image` = (height, width, channels), padding as numbers.

    Sizes of one axis are those of a sequence, which is an image of height 1.
    """
    width = pads(image[1], size[-1], strides[-1], dilation[-1], padding)
    height = (0, 0)
    if len(size) == _RANK:
        height = pads(image[0], size[0], strides[0], dilation[0], padding)
    return Window(
        size=pair(size),
        strides=pair(strides),
        dilation=pair(dilation),
        pads=(*height, *width),
    )


def split_channels(shape: BatchShape, data_format: str) -> tuple[BatchShape, int | None]:
    """Split a shape with batch into its spatial sizes and its channels."""
    if data_format == "channels_last":
        return shape[1:-1], shape[-1]
    return shape[2:], shape[1]


def join_channels(
    batch: int | None, spatial: BatchShape, channels: int | None, data_format: str
) -> BatchShape:
    """Undo `split_channels`."""
    if data_format == "channels_last":
        return (batch, *spatial, channels)
    return (batch, channels, *spatial)


def pair(values: tuple[int, ...]) -> tuple[int, int]:
    """Return one value per axis of an image; one value is that of a sequence."""
    if len(values) not in (1, _RANK):
        raise ValueError(f"A window over an image has two sizes. Received: {values}")
    return (1, *values)[-2], values[-1]
