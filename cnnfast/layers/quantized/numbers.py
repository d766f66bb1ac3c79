"""Quantized numbers and back, as Keras computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Float32Array = npt.NDArray[np.float32]

# The largest number of float8_e4m3fn, and where its numbers begin to lie equally dense.
_LARGEST, _SMALLEST_NORMAL, _DENSITY = 448.0, 2.0**-6, 2.0**9
_DROPPED = 20  # bits of float32's fraction, which has 23


def unpack_int4(packed: npt.NDArray[Any], count: int, axis: int) -> npt.NDArray[Any]:
    """Return `count` numbers along `axis`, two of which stand in each byte, the lower one first.

    Those in signed bytes are -8 to 7, others 0 to 15.
    """
    front = np.moveaxis(packed, axis, 0)
    raw = front.view(np.uint8) if front.flags.c_contiguous else front.astype(np.uint8)
    pairs = np.stack([raw & 15, raw >> 4], axis=1).reshape(-1, *front.shape[1:])[:count]
    numbers = np.moveaxis(pairs, 0, axis)
    return (numbers ^ 8).astype(np.int8) - 8 if packed.dtype == np.int8 else numbers


def group_numbers(indices: Float32Array, groups: int) -> npt.NDArray[np.int64]:
    """Return the group of each row, which files have as float32, and GPTQ with a fraction.

    Raises
    ------
    ValueError
        If one is no group.
    """
    whole = np.trunc(indices)
    if not np.all((whole >= 0) & (whole < groups)):  # NaN neither
        raise ValueError(
            f"`g_idx` must hold numbers of groups, from 0 to {groups - 1}. Received: "
            f"{indices.min()} to {indices.max()}"
        )
    return whole.astype(np.int64)


def dequantize(
    integers: npt.NDArray[Any], scale: Float32Array, zero: npt.NDArray[Any]
) -> Float32Array:
    """Return ``(integers - zero) * scale`` as Keras rounds it."""
    made: Float32Array = (integers.astype(np.float32) - zero.astype(np.float32)) * scale
    return made


def to_float8(x: Float32Array) -> Float32Array:
    """Round to the nearest number of float8_e4m3fn, to even ones halfway; clip what is larger."""
    clipped = np.clip(x, -_LARGEST, _LARGEST).astype(np.float32)
    bits = clipped.view(np.uint32)
    half = np.uint32((1 << (_DROPPED - 1)) - 1)
    odd = (bits >> np.uint32(_DROPPED)) & np.uint32(1)
    normal = ((bits + half + odd) >> np.uint32(_DROPPED) << np.uint32(_DROPPED)).view(np.float32)
    with np.errstate(invalid="ignore"):
        small = np.rint(clipped * np.float32(_DENSITY)) / np.float32(_DENSITY)
        rounded = np.where(np.abs(clipped) < _SMALLEST_NORMAL, small, normal)
    return np.where(np.isnan(clipped), clipped, rounded).astype(np.float32)


def through_float8(x: Float32Array, scale: Float32Array) -> Float32Array:
    """Return `x` as it comes back from float8 with a scale."""
    with np.errstate(all="ignore"):
        return to_float8(x / scale) * scale


def to_bfloat16(x: Float32Array) -> Float32Array:
    """Round to the nearest number of bfloat16, to even ones halfway."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = ((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16) << np.uint32(16)).view(np.float32)
    return np.where(np.isfinite(x), rounded, x).astype(np.float32).reshape(x.shape)
