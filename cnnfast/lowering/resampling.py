"""Resizing of images: which pixels each output pixel reads, and with what weights.

Pixels are cells whose centres lie half a pixel inside, so that output pixel i of O lies at
``(i + 0.5) * I / O - 0.5`` of an input of I pixels. A filter weighs the input pixels by their
distance from there; the weights of the pixels that exist are scaled to a sum of 1. With
antialiasing, the filter is as wide in output pixels as it otherwise is in input pixels.

These are the rules of ``tf.image.resize`` and ``jax.image.resize``, which Keras calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Value
from cnnfast.engine.positions import Int32Array, Made, Nearest
from cnnfast.utils.records import record

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[np.float64]"
Taps: TypeAlias = tuple[Int32Array, Float32Array]
Size: TypeAlias = tuple[int, int]
Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

LARGEST_AXIS = 2**24
"""How many positions an axis may have that is resized or whose positions are picked."""


@record(frozen=True)
class Filter:
    """Weights by distance, zero from `radius` on.

    With `interpolates`, pixels that stay where they are keep their value.
    """

    radius: float
    weigh: Callable[[Array], Array]
    interpolates: bool = True


def _bilinear(x: Array) -> Array:
    return np.maximum(0.0, 1.0 - x)


def _bicubic(x: Array) -> Array:
    """Cubic convolution with a = -0.5 (Keys, 1981)."""
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x >= 2.0, 0.0, np.where(x >= 1.0, far, near))


def _mitchell(x: Array) -> Array:
    """Cubic filter with B = C = 1/3 (Mitchell and Netravali, 1988)."""
    near = (7.0 / 6.0 * x - 2.0) * x * x + 8.0 / 9.0
    far = ((-7.0 / 18.0 * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
    return np.where(x >= 2.0, 0.0, np.where(x >= 1.0, far, near))


def _lanczos(radius: float) -> Callable[[Array], Array]:
    def weigh(x: Array) -> Array:
        return np.where(x > radius, 0.0, np.sinc(x) * np.sinc(x / radius))

    return weigh


def _gaussian(x: Array) -> Array:
    """Bell of standard deviation 0.5, cut off at three of them."""
    return np.where(x >= 1.5, 0.0, np.exp(-2.0 * x * x))


_FILTERS = {
    "bilinear": Filter(1.0, _bilinear),
    "bicubic": Filter(2.0, _bicubic),
    "lanczos3": Filter(3.0, _lanczos(3.0)),
    "lanczos5": Filter(5.0, _lanczos(5.0)),
    "gaussian": Filter(1.5, _gaussian, interpolates=False),
    "mitchellcubic": Filter(2.0, _mitchell, interpolates=False),
}
INTERPOLATIONS = ("nearest", "area", *_FILTERS)
"""What Keras 2 and 3 know."""


def resize(
    graph: Graph,
    x: Value,
    height: int,
    width: int,
    interpolation: str = "bilinear",
    antialias: bool = False,
) -> Value:
    """Resize an image (height, width, channels).

    Parameters
    ----------
    graph
        Takes the operations.
    x
        The image.
    height, width
        Of the result, in pixels.
    interpolation
        One of `INTERPOLATIONS`.
    antialias
        Whether the filter widens where the image shrinks; nearest and area have none.

    Raises
    ------
    ValueError
        If a size is too large.
    """
    sizes = (height, width)
    if x.shape[:2] == sizes:
        return x
    if any(size > LARGEST_AXIS for size in (*sizes, *x.shape[:2])):
        raise ValueError(
            f"Images are resized from and to at most {LARGEST_AXIS} pixels along an axis. "
            f"Received: {x.shape[:2]} to {sizes}"
        )
    if interpolation == "nearest":
        rows, columns = (Nearest(x.shape[axis], sizes[axis]) for axis in (0, 1))
        return graph.add(ops.Remap(x, Value((*sizes, x.shape[2])), (rows, columns, None)))
    # What shrinks most comes first, so that the second axis has less to do.
    rows_first = height * x.shape[1] <= width * x.shape[0]
    for axis in (0, 1) if rows_first else (1, 0):
        x = _resize_axis(graph, x, axis, sizes[axis], interpolation, antialias)
    return x


def _resize_axis(
    graph: Graph, x: Value, axis: int, size: int, interpolation: str, antialias: bool
) -> Value:
    old = x.shape[axis]
    kernel = _FILTERS.get(interpolation)
    if old == size and (kernel is None or kernel.interpolates):
        return x
    taps = (
        Made(area_taps, (old, size))
        if kernel is None
        else Made(filter_taps, (old, size, kernel, antialias))
    )
    out = Value((*x.shape[:axis], size, *x.shape[axis + 1 :]))
    return graph.add(ops.Resample(x, out, axis, taps))


def filter_taps(inputs: int, outputs: int, kernel: Filter, antialias: bool) -> Taps:
    """Return indices and weights, both (outputs, taps), of a filter."""
    scale = inputs / outputs
    stretch = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(outputs) + 0.5) * scale - 0.5
    reach = math.ceil(kernel.radius * stretch)
    indices = np.floor(centres).astype(np.int64)[:, None] + np.arange(1 - reach, reach + 1)
    weights = kernel.weigh(np.abs(centres[:, None] - indices) / stretch)
    return _normalized(indices, weights, inputs)


def area_taps(inputs: int, outputs: int) -> Taps:
    """Return indices and weights of the mean over the part of the image an output covers."""
    # In units of 1 / outputs pixels everything is an integer: pixel j covers [j O, (j + 1) O).
    starts = np.arange(outputs, dtype=np.int64)[:, None] * inputs
    indices = starts // outputs + np.arange(inputs // outputs + 2)
    covered = np.minimum(starts + inputs, (indices + 1) * outputs) - np.maximum(
        starts, indices * outputs
    )
    return _normalized(indices, np.maximum(covered, 0).astype(np.float64), inputs)


def _normalized(indices: npt.NDArray[np.int64], weights: Array, inputs: int) -> Taps:
    """Leave out pixels that do not exist and taps that no output needs; weights sum to 1."""
    weights = np.where((indices >= 0) & (indices < inputs), weights, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.abs(weights).max(axis=0) > np.finfo(np.float64).eps
    return (
        np.ascontiguousarray(np.clip(indices, 0, inputs - 1)[:, used], np.int32),
        np.ascontiguousarray(weights[:, used], np.float32),
    )


def crop_to_aspect_ratio(size: Size, target: Size) -> Pads:
    """Return what to cut off (as negative pads) for the largest centred part in proportion.

    Parameters
    ----------
    size, target
        (height, width) of the image and of the one with the wanted proportions.

    Returns
    -------
    tuple
        ((top, bottom), (left, right)).
    """
    pads = []
    for old, fitting in zip(size, _in_proportion(size, target), strict=True):
        cut = old - max(min(old, fitting), 1)
        pads.append((-(cut // 2), cut // 2 - cut))
    return pads[0], pads[1]


def pad_to_aspect_ratio(size: Size, target: Size) -> Pads:
    """Return the border, the same on both sides, that gives an image the target's proportions.

    As Keras does, it is rounded down, so that the proportions may be off by a pixel.
    """
    height, width = _in_proportion(size, target)
    vertical = max(height - size[0], 0) // 2
    horizontal = 0 if vertical else max(width - size[1], 0) // 2
    return (vertical, vertical), (horizontal, horizontal)


def _in_proportion(size: Size, target: Size) -> Size:
    """Return the height that fits the width of `size`, and the width that fits its height."""
    return int(size[1] * target[0] / target[1]), int(size[0] * target[1] / target[0])
