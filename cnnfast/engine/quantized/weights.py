"""Kernels as integers: one scale for each output channel, symmetric about zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.late import LateArray, Weights, late
from cnnfast.engine.quantized.scheme import LEVELS, WEIGHT_LEVELS, Float64Array
from cnnfast.utils.records import record

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.engine.quantized.ops import Int32Array

MOST_PRODUCTS = (2**31 - 1) // (2 * LEVELS * WEIGHT_LEVELS)
"""Of one sum, so that with a bias of as much again it is an int32."""

_NUMBERS = 1 << 18
"""Of a kernel, that are looked at together."""
_LARGEST_BIAS = 2.0**29


@record(frozen=True, eq=False)
class IntegerWeights:
    """The weights of a convolution in 8 bits.

    Attributes
    ----------
    kernel
        Integers from -127 to 127, as float32.
    scales
        By output channel: what a 1 of the kernel stands for.
    bias
        By output channel, counted in ``scales * scale of the input``.
    """

    kernel: LateArray
    scales: Float64Array
    bias: Int32Array


def integer_weights(
    kernel: Weights, bias: Float64Array, channel_axes: int, input_scale: float | Float64Array
) -> IntegerWeights:
    """Return the weights in 8 bits.

    Parameters
    ----------
    kernel
        Whose last `channel_axes` axes count the output channels.
    bias
        By output channel.
    channel_axes
        1, or 2 for a depthwise kernel.
    input_scale
        Of the bytes that it is multiplied with; by output channel where each reads but one.

    Returns
    -------
    IntegerWeights
        The largest weight of a channel is 127; less, where the bias would be too large an integer.
    """
    numbers = late(kernel)
    channels = numbers.shape[len(numbers.shape) - channel_axes :]
    largest = _largest_of(numbers, channels)
    scales = np.maximum(largest / WEIGHT_LEVELS, np.abs(bias) / (input_scale * _LARGEST_BIAS))
    scales[scales == 0] = 1.0
    shaped = scales.reshape(channels)
    return IntegerWeights(
        _in_integers(numbers, shaped),
        scales,
        np.rint(bias / (scales * input_scale)).astype(np.int32),
    )


def _largest_of(kernel: LateArray, channels: tuple[int, ...]) -> Float64Array:
    """Return the largest absolute weight of each output channel."""
    largest = np.zeros(channels, np.float64)
    for part in _parts(kernel, channels):
        np.maximum(largest, np.abs(part).max(axis=0), out=largest)
    return largest.reshape(-1)


def _parts(kernel: LateArray, channels: tuple[int, ...]) -> list[Float32Array] | Any:
    """Yield the weights as arrays (some, *channels)."""
    if kernel.rows is None or len(channels) > 1:
        yield kernel.make().reshape(-1, *channels)
        return
    rows = int(np.prod(kernel.shape[:-1]))
    step = max(_NUMBERS // kernel.shape[-1], 1)
    for first in range(0, rows, step):
        yield kernel.rows(first, min(first + step, rows))


def _in_integers(kernel: LateArray, scales: Float64Array) -> LateArray:
    def rounded(numbers: Float32Array) -> Float32Array:
        whole = np.rint(numbers / scales)
        return np.clip(whole, -WEIGHT_LEVELS, WEIGHT_LEVELS).astype(np.float32)

    rows = kernel.rows
    return LateArray(
        kernel.shape,
        lambda: np.ascontiguousarray(rounded(kernel.make())),
        None
        if rows is None or scales.ndim > 1
        else lambda first, last: np.ascontiguousarray(rounded(rows(first, last))),
        (*kernel.key, kernel.shape, "8 bits", scales.tobytes()),
    )
