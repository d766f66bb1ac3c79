"""Functions of one number in float64, for tables of 256 bytes.

The formulas are those of `keras.activations`, as ``csrc/kernels/activation.hpp`` has them. Kinds
that are not here stay float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from cnnfast._core import ActivationKind
from cnnfast.engine.ops import Activation

Function: TypeAlias = Callable[[float], float]

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    e = math.exp(x)
    return e / (1 + e)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _elu(x: float, alpha: float) -> float:
    return x if x > 0 else alpha * math.expm1(x)


def _gelu_tanh(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _clamped(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


def _thresholded(x: float, slope: float, limit: float) -> float:
    return x if x > limit else slope * (x - limit)


_KINDS: dict[ActivationKind, Callable[[float, float, float], float]] = {
    ActivationKind.LINEAR: lambda x, a, b: x,
    ActivationKind.RELU: lambda x, a, b: max(x, 0.0),
    ActivationKind.CLIPPED_RELU: lambda x, a, b: _clamped(x, 0.0, a),
    ActivationKind.LEAKY_RELU: lambda x, a, b: x * a if x < 0 else x,
    ActivationKind.THRESHOLDED_RELU: _thresholded,
    ActivationKind.MINIMUM: lambda x, a, b: min(x, a),
    ActivationKind.ELU: lambda x, a, b: _elu(x, a),
    ActivationKind.SELU: lambda x, a, b: _SELU_SCALE * _elu(x, _SELU_ALPHA),
    ActivationKind.GELU: lambda x, a, b: 0.5 * x * math.erfc(-x / math.sqrt(2)),
    ActivationKind.GELU_TANH: lambda x, a, b: _gelu_tanh(x),
    ActivationKind.SIGMOID: lambda x, a, b: _sigmoid(x),
    ActivationKind.HARD_SIGMOID: lambda x, a, b: _clamped(x * a + b, 0.0, 1.0),
    ActivationKind.SILU: lambda x, a, b: x * _sigmoid(x),
    ActivationKind.HARD_SILU: lambda x, a, b: x * _clamped(x / 6 + 0.5, 0.0, 1.0),
    ActivationKind.TANH: lambda x, a, b: math.tanh(x),
    ActivationKind.SOFTPLUS: lambda x, a, b: _softplus(x),
    ActivationKind.SOFTSIGN: lambda x, a, b: x / (1 + abs(x)),
    ActivationKind.MISH: lambda x, a, b: x * math.tanh(_softplus(x)),
    ActivationKind.HARD_TANH: lambda x, a, b: _clamped(x, -1.0, 1.0),
    ActivationKind.ABS: lambda x, a, b: abs(x),
    ActivationKind.SQUARE: lambda x, a, b: x * x,
    ActivationKind.SCALE: lambda x, a, b: x * a + b,
    ActivationKind.CLIP: _clamped,
}

_LIMITS: dict[ActivationKind, Callable[[float, float], tuple[float, float]]] = {
    ActivationKind.LINEAR: lambda a, b: (-math.inf, math.inf),
    ActivationKind.RELU: lambda a, b: (0.0, math.inf),
    ActivationKind.CLIPPED_RELU: lambda a, b: (0.0, a),
    ActivationKind.MINIMUM: lambda a, b: (-math.inf, a),
    ActivationKind.HARD_TANH: lambda a, b: (-1.0, 1.0),
    ActivationKind.CLIP: lambda a, b: (a, b),
}


def has_table(activation: Activation) -> bool:
    """Whether the function can be looked up."""
    return activation.kind in _KINDS


def evaluate(activation: Activation, x: float) -> float:
    """Return the function at `x`."""
    return _KINDS[activation.kind](x, activation.alpha, activation.beta)


def limits(activation: Activation) -> tuple[float, float] | None:
    """Return the least and the greatest number that a function lets through unchanged.

    None where it does something else than to clip.
    """
    known = _LIMITS.get(activation.kind)
    return None if known is None else known(activation.alpha, activation.beta)
