"""The oracle: every operation of a CNN written from its mathematics, in NumPy.

Nothing here is shared with the engine. The functions work in float64 unless told otherwise,
on channels-last batches ``(n, height, width, channels)``, and prefer plain loops to speed.
Padding is always explicit: ``pads = (top, bottom, left, right)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Pair = tuple[int, int]
Pads = tuple[int, int, int, int]

NO_PADS: Pads = (0, 0, 0, 0)


def same_pads(size: Pair, window: Pair, strides: Pair, dilation: Pair = (1, 1)) -> Pads:
    """Pad as Keras' 'same' does: outputs = ceil(size / stride), the odd pixel at the end."""
    pads: list[int] = []
    for length, taps, stride, step in zip(size, window, strides, dilation, strict=True):
        outputs = math.ceil(length / stride)
        reach = (taps - 1) * step + 1
        total = max((outputs - 1) * stride + reach - length, 0)
        pads += [total // 2, total - total // 2]
    return (pads[0], pads[1], pads[2], pads[3])


def pad(x: npt.ArrayLike, pads: Pads, value: float = 0.0, dtype: npt.DTypeLike = None) -> Array:
    """`x` with `pads` pixels of `value` around each image."""
    top, bottom, left, right = pads
    x = np.asarray(x, dtype or np.float64)
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def outputs_of(length: int, taps: int, stride: int, step: int = 1) -> int:
    """How many places a window of `taps` taps, `step` apart, has on `length` pixels."""
    return (length - (taps - 1) * step - 1) // stride + 1


def conv2d(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = (1, 1),
    pads: Pads = NO_PADS,
    dilation: Pair = (1, 1),
    groups: int = 1,
    dtype: npt.DTypeLike = np.float64,
) -> Array:
    """Cross-correlation; `kernel` is (height, width, input channels / groups, output channels).

    Group `g` of the output channels sees group `g` of the input channels.
    """
    x = pad(x, pads, dtype=dtype)
    kernel = np.asarray(kernel, dtype)
    kh, kw, per_group, filters = kernel.shape
    n, height, width, channels = x.shape
    assert channels == per_group * groups
    assert filters % groups == 0
    oh = outputs_of(height, kh, strides[0], dilation[0])
    ow = outputs_of(width, kw, strides[1], dilation[1])
    out = np.zeros((n, oh, ow, filters), dtype)
    share = filters // groups
    for g in range(groups):
        ins, outs = slice(g * per_group, (g + 1) * per_group), slice(g * share, (g + 1) * share)
        for i in range(kh):
            for j in range(kw):
                rows = slice(i * dilation[0], i * dilation[0] + (oh - 1) * strides[0] + 1)
                cols = slice(j * dilation[1], j * dilation[1] + (ow - 1) * strides[1] + 1)
                seen = x[:, rows, cols, ins][:, :: strides[0], :: strides[1]]
                out[..., outs] += np.einsum("nhwc,cf->nhwf", seen, kernel[i, j, :, outs])
    return out if bias is None else out + np.asarray(bias, dtype)


def depthwise_conv2d(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = (1, 1),
    pads: Pads = NO_PADS,
    dilation: Pair = (1, 1),
) -> Array:
    """Each channel alone; `kernel` is (height, width, channels, m), output ``c * m + k``."""
    kernel = np.asarray(kernel, np.float64)
    kh, kw, channels, multiplier = kernel.shape
    grouped = kernel.reshape(kh, kw, 1, channels * multiplier)
    return conv2d(x, grouped, bias, strides=strides, pads=pads, dilation=dilation, groups=channels)


def conv2d_transpose(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = (1, 1),
    pads: Pads = NO_PADS,
    dilation: Pair = (1, 1),
) -> Array:
    """Each pixel adds its multiple of the kernel to the output; then `pads` are cut off.

    `kernel` is (height, width, output channels, input channels). A negative pad appends
    pixels that no input reaches, which hold the bias alone.
    """
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    n, height, width, _ = x.shape
    kh, kw, filters, _ = kernel.shape
    full_height = (height - 1) * strides[0] + (kh - 1) * dilation[0] + 1
    full_width = (width - 1) * strides[1] + (kw - 1) * dilation[1] + 1
    top, bottom, left, right = pads
    grow = tuple(max(-side, 0) for side in pads)
    full = np.zeros((n, full_height + grow[0] + grow[1], full_width + grow[2] + grow[3], filters))
    for r in range(height):
        for c in range(width):
            for i in range(kh):
                for j in range(kw):
                    row = grow[0] + r * strides[0] + i * dilation[0]
                    col = grow[2] + c * strides[1] + j * dilation[1]
                    full[:, row, col] += x[:, r, c] @ kernel[i, j].T
    rows = slice(max(top, 0), full.shape[1] - max(bottom, 0))
    cols = slice(max(left, 0), full.shape[2] - max(right, 0))
    out = full[:, rows, cols]
    return out if bias is None else out + np.asarray(bias, np.float64)


def _pool2d(
    x: Array, window: Pair, strides: Pair, reduce: Callable[[Array], npt.NDArray[np.float64]]
) -> Array:
    n, height, width, channels = x.shape
    oh = outputs_of(height, window[0], strides[0])
    ow = outputs_of(width, window[1], strides[1])
    out = np.empty((n, oh, ow, channels))
    for r in range(oh):
        for c in range(ow):
            top, left = r * strides[0], c * strides[1]
            out[:, r, c] = reduce(x[:, top : top + window[0], left : left + window[1]])
    return out


def max_pool2d(x: npt.ArrayLike, window: Pair, strides: Pair, pads: Pads = NO_PADS) -> Array:
    """Keep the largest pixel of each window; padding is minus infinity, so it never wins."""
    return _pool2d(pad(x, pads, -np.inf), window, strides, lambda seen: seen.max(axis=(1, 2)))


def average_pool2d(x: npt.ArrayLike, window: Pair, strides: Pair, pads: Pads = NO_PADS) -> Array:
    """Average the pixels of each window that lie in the image."""
    padded = pad(x, pads, np.nan)
    return _pool2d(padded, window, strides, lambda seen: np.nanmean(seen, axis=(1, 2)))


def dense(x: npt.ArrayLike, kernel: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Array:
    """Multiply the last axis by a matrix; `kernel` is (inputs, units)."""
    out = np.tensordot(np.asarray(x, np.float64), np.asarray(kernel, np.float64), axes=1)
    return out if bias is None else out + np.asarray(bias, np.float64)


def batch_normalization(
    x: npt.ArrayLike,
    *,
    mean: npt.ArrayLike,
    variance: npt.ArrayLike,
    gamma: npt.ArrayLike | None = None,
    beta: npt.ArrayLike | None = None,
    epsilon: float = 1e-3,
    axis: int = -1,
) -> Array:
    """``(x - mean) / sqrt(variance + epsilon) * gamma + beta`` along `axis`."""
    x = np.moveaxis(np.asarray(x, np.float64), axis, -1)
    variance = np.asarray(variance, np.float64)
    out = (x - np.asarray(mean, np.float64)) / np.sqrt(variance + epsilon)
    if gamma is not None:
        out = out * np.asarray(gamma, np.float64)
    if beta is not None:
        out = out + np.asarray(beta, np.float64)
    return np.moveaxis(out, -1, axis)


def softmax(x: npt.ArrayLike, axis: int | tuple[int, ...] = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along `axis`; a common factor keeps exp from overflowing."""
    x = np.asarray(x, np.float64)
    power = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(power / power.sum(axis=axis, keepdims=True))


# --- Activations, one function for each elementwise kind ------------------------------------


def linear(x: Array) -> Array:
    """Return x itself."""
    return x


def relu(
    x: Array, max_value: float = math.inf, negative_slope: float = 0.0, threshold: float = 0.0
) -> Array:
    """Keras' ReLU in its general form: x above `threshold`, a line of `negative_slope` below.

    Keras documents that x equal to the threshold passes; its code gives 0 there, and so do we.
    """
    return np.minimum(np.where(x > threshold, x, negative_slope * (x - threshold)), max_value)


def relu6(x: Array) -> Array:
    """Clip x to 0 ... 6."""
    return np.clip(x, 0, 6)


def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """Return x above zero, `negative_slope` times x below."""
    return np.where(x >= 0, x, negative_slope * x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """``alpha * (exp(x) - 1)`` below zero."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def selu(x: Array) -> Array:
    """Scale ELU so that mean 0 and variance 1 are kept (Klambauer et al., 2017)."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


def celu(x: Array, alpha: float = 1.0) -> Array:
    """``alpha * (exp(x / alpha) - 1)`` below zero."""
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)


_erf = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x: Array) -> Array:
    """Multiply x by the normal distribution function of x."""
    return np.asarray(x * 0.5 * (1 + _erf(x / math.sqrt(2))))


def gelu_tanh(x: Array) -> Array:
    """Approximate `gelu` by tanh (Hendrycks and Gimpel, 2016)."""
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``, written so that exp never overflows."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def hard_sigmoid(x: Array, slope: float = 1 / 6, offset: float = 0.5) -> Array:
    """Clip a straight line to 0 ... 1; Keras 2 had slope 0.2."""
    return np.clip(slope * x + offset, 0, 1)


def silu(x: Array) -> Array:
    """Multiply x by its sigmoid; also called swish."""
    return x * sigmoid(x)


def hard_silu(x: Array) -> Array:
    """Multiply x by its hard sigmoid; also called hard swish."""
    return x * hard_sigmoid(x)


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return np.tanh(x)


def exponential(x: Array) -> Array:
    """Raise e to the power x."""
    return np.exp(x)


def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``."""
    return np.logaddexp(0, x)


def softsign(x: Array) -> Array:
    """``x / (1 + |x|)``."""
    return x / (1 + np.abs(x))


def mish(x: Array) -> Array:
    """``x * tanh(softplus(x))``."""
    return x * np.tanh(softplus(x))


def squareplus(x: Array, b: float = 4.0) -> Array:
    """``(x + sqrt(x^2 + b)) / 2``; the second form keeps the digits of large negative x."""
    root = np.sqrt(x * x + b)
    return np.where(x >= 0, (x + root) / 2, b / 2 / (root + np.abs(x)))


def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Move x towards zero by `threshold`."""
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Zero where x is within `threshold` of zero."""
    return np.where(np.abs(x) > threshold, x, 0)


def hard_tanh(x: Array) -> Array:
    """Clip x to -1 ... 1."""
    return np.clip(x, -1, 1)


def tanh_shrink(x: Array) -> Array:
    """``x - tanh(x)``; near zero its series, where the difference would lose all digits."""
    near = x**3 / 3 - 2 * x**5 / 15 + 17 * x**7 / 315
    return np.where(np.abs(x) < 0.02, near, x - np.tanh(x))


def log_sigmoid(x: Array) -> Array:
    """Logarithm of the sigmoid."""
    return -softplus(-x)


def sparse_plus(x: Array) -> Array:
    """Join zero (below -1) and x (above 1) by a parabola."""
    return np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4))


def sparse_sigmoid(x: Array) -> Array:
    """Join 0 (below -1) and 1 (above 1) by a straight line."""
    return np.clip((x + 1) / 2, 0, 1)


def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """Return x above `threshold`, `default_value` elsewhere."""
    return np.where(x > threshold, x, default_value)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": linear,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "celu": celu,
    "gelu": gelu,
    "sigmoid": sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "silu": silu,
    "hard_silu": hard_silu,
    "tanh": tanh,
    "exponential": exponential,
    "softplus": softplus,
    "softsign": softsign,
    "mish": mish,
    "squareplus": squareplus,
    "soft_shrink": soft_shrink,
    "hard_shrink": hard_shrink,
    "hard_tanh": hard_tanh,
    "tanh_shrink": tanh_shrink,
    "log_sigmoid": log_sigmoid,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "softmax": softmax,
}
"""Keras' names for the activations of one argument, with the defaults they have there."""


def tolerance(depth: int, magnitude: float, dtype: npt.DTypeLike = np.float32) -> float:
    """Bound the error that a correct sum in `dtype` may show.

    Parameters
    ----------
    depth
        Number of products in one sum: kernel height x width x input channels for a
        convolution, inputs for a dense layer, 1 for an elementwise function.
    magnitude
        The sum of the absolute values of those products, or a bound on it.
    dtype
        The type the sum is made in.

    Returns
    -------
    float
        An absolute tolerance.

    Notes
    -----
    With eps the distance from 1 to the next number, rounding changes each result by at most
    eps/2 relative. A sum of `depth` products, in any order and with or without fused
    multiply-add, therefore errs by at most ``depth * eps / 2 * magnitude`` to first order
    (Higham, *Accuracy and Stability of Numerical Algorithms*, section 3.1). The bias, the
    activation and the rounding of the inputs of the oracle add a few more roundings: 4 eps
    of the magnitude cover them.
    """
    eps = float(np.finfo(dtype).eps)
    return (depth / 2 + 4) * eps * magnitude
