"""What each operation becomes in 8 bits: one rule for each kind that has one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from cnnfast._core import BinaryKind, PoolKind, ReductionKind
from cnnfast.engine.late import late
from cnnfast.engine.ops import (
    Activate,
    Affine,
    Binary,
    Concat,
    Conv2D,
    DepthToSpace,
    DepthwiseConv2D,
    Float32Array,
    Op,
    Pool2D,
    Reduce,
    Remap,
    Reshape,
    Transpose,
    Value,
)
from cnnfast.engine.quantized import functions
from cnnfast.engine.quantized.ops import (
    Bounds,
    LookUp,
    QuantizedAdd,
    QuantizedAffine,
    QuantizedConv2D,
    QuantizedDepthwiseConv2D,
    QuantizedMean,
    QuantizedMultiply,
    QuantizedPool2D,
)
from cnnfast.engine.quantized.scheme import LEVELS, Float64Array, Scheme
from cnnfast.engine.quantized.weights import MOST_PRODUCTS, integer_weights
from cnnfast.utils.records import record


class Tensors(Protocol):
    """What a rule asks of the rewriting that it is used by."""

    def scheme(self, value: Value) -> Scheme:
        """How the numbers of `value` are written in 8 bits."""
        ...

    def bytes_of(self, value: Value) -> Value:
        """Return `value` in 8 bits, which is made if need be."""
        ...

    def made(self, op: Op) -> tuple[Value, Scheme | None]:
        """Return what the operation in place of `op` writes; no scheme where it is float32."""
        ...


@record(frozen=True)
class Rule:
    """How an operation is done in 8 bits.

    Attributes
    ----------
    fits
        Whether it can be.
    rewrite
        Returns the operation in its place.
    computes
        Whether it is worth writing its inputs in 8 bits; what is not follows those that are.
    ties
        Whether what it reads and writes has one scheme, because bytes are only moved.
    gives_floats
        Whether it can also write float32.
    """

    fits: Callable[[Any], bool]
    rewrite: Callable[[Tensors, Any], Op]
    computes: bool = False
    ties: bool = False
    gives_floats: bool = False


def rule_of(op: Op) -> Rule | None:
    """Return the rule of an operation; None where it stays float32."""
    rule = _RULES.get((type(op), getattr(op, "kind", None)), _RULES.get(type(op)))
    return rule if rule is not None and rule.fits(op) else None


# --- convolutions -----------------------------------------------------------------------------


def _fits_conv2d(op: Conv2D) -> bool:
    # A residual would be scaled by channel, too.
    alike = op.residual is None or op.scale is None
    return alike and not op.max_pool and _fits_sums(op, op.kernel.shape[:3])


def _fits_depthwise(op: DepthwiseConv2D) -> bool:
    return _fits_sums(op, op.kernel.shape[:2])


def _fits_sums(op: Conv2D | DepthwiseConv2D, window: tuple[int, ...]) -> bool:
    return math.prod(window) <= MOST_PRODUCTS and functions.limits(op.activation) is not None


def _conv2d(tensors: Tensors, op: Conv2D) -> Op:
    x = tensors.scheme(op.x)
    out, scheme = tensors.made(op)
    scale, shift, limits = _behind_sum(op)
    kernel = late(op.kernel)
    if x.factors is not None:
        kernel = kernel.scaled(_by_input(x.factors, op))
    weights = integer_weights(kernel, _bias_in_sum(op.bias, scale, shift), 1, x.scale)
    unit = _units(scheme)
    residual = None if op.residual is None else tensors.bytes_of(op.residual)
    return QuantizedConv2D(
        tensors.bytes_of(op.x),
        out,
        weights.kernel,
        weights.bias,
        op.window,
        op.groups,
        _float32(weights.scales * scale * (x.scale / unit)),
        _bounds(scheme, limits),
        residual,
        0.0 if op.residual is None else _single(tensors.scheme(op.residual).scale / float(unit)),
        layers=op.layers,
    )


def _depthwise(tensors: Tensors, op: DepthwiseConv2D) -> Op:
    x = tensors.scheme(op.x)
    out, scheme = tensors.made(op)
    channels = math.prod(op.kernel.shape[2:])
    bias = _of_channels(op.bias, channels, 0.0)
    # Of each output channel, which reads one.
    scale = np.repeat(_scales(x, op.kernel.shape[2]), op.kernel.shape[3])
    weights = integer_weights(op.kernel, bias, 2, scale)
    return QuantizedDepthwiseConv2D(
        tensors.bytes_of(op.x),
        out,
        weights.kernel,
        weights.bias,
        op.window,
        _float32(weights.scales * (scale / _units(scheme))),
        _bounds(scheme, _clipped(op, np.ones(channels), np.zeros(channels))),
        layers=op.layers,
    )


def _behind_sum(op: Conv2D) -> tuple[Float64Array, Float64Array, tuple[Float64Array, Float64Array]]:
    """Return by channel the scale and shift behind the activation, and the limits behind those.

    ``clip(s) * scale + shift`` is ``clip(s * scale + shift)`` with other limits.
    """
    filters = op.kernel.shape[3]
    scale, shift = _of_channels(op.scale, filters, 1.0), _of_channels(op.shift, filters, 0.0)
    return scale, shift, _clipped(op, scale, shift)


def _bias_in_sum(
    bias: Float32Array | None, scale: Float64Array, shift: Float64Array
) -> Float64Array:
    """Return what is added to a sum that is multiplied by `scale` afterwards."""
    known = _of_channels(bias, len(scale), 0.0)
    return known + np.divide(shift, scale, out=np.zeros_like(shift), where=scale != 0)


def _clipped(
    op: Conv2D | DepthwiseConv2D | Affine, scale: Float64Array, shift: Float64Array
) -> tuple[Float64Array, Float64Array]:
    limits = functions.limits(op.activation)
    assert limits is not None
    with np.errstate(invalid="ignore"):
        ends = [np.where(scale == 0, shift, limit * scale + shift) for limit in limits]
    return np.minimum(*ends), np.maximum(*ends)


# --- operations between them ------------------------------------------------------------------


def _pool2d(tensors: Tensors, op: Pool2D) -> Op:
    x = tensors.scheme(op.x)
    out, scheme = _made_in_bytes(tensors, op)
    multiplier = 1.0 if op.kind is PoolKind.MAX else _single(x.scale / scheme.scale)
    return QuantizedPool2D(
        tensors.bytes_of(op.x),
        out,
        op.kind,
        op.window,
        multiplier,
        scheme.zero_point,
        layers=op.layers,
    )


def _mean(tensors: Tensors, op: Reduce) -> Op:
    x = tensors.scheme(op.x)
    out, scheme = tensors.made(op)
    unit = 1.0 if scheme is None else scheme.scale
    return QuantizedMean(
        tensors.bytes_of(op.x),
        out,
        op.first,
        op.last,
        _single(x.scale / unit),
        None if scheme is None else scheme.zero_point,
        layers=op.layers,
    )


def _activate(tensors: Tensors, op: Activate) -> Op:
    x = tensors.scheme(op.x)
    out, scheme = _made_in_bytes(tensors, op)
    made = [scheme.byte(functions.evaluate(op.activation, x.number(q))) for q in range(LEVELS + 1)]
    table = np.array(made, np.uint8)
    return LookUp(tensors.bytes_of(op.x), out, table, scheme.zero_point, layers=op.layers)


def _affine(tensors: Tensors, op: Affine) -> Op:
    x = tensors.scheme(op.x)
    out, scheme = _made_in_bytes(tensors, op)
    ones, unit = np.ones(len(op.scale)), _units(scheme)
    return QuantizedAffine(
        tensors.bytes_of(op.x),
        out,
        _float32(op.scale.astype(np.float64) * (_scales(x, len(ones)) / unit)),
        _float32(op.shift.astype(np.float64) / unit),
        _bounds(scheme, _clipped(op, ones, 0 * ones)),
        layers=op.layers,
    )


def _fits_binary(op: Binary) -> bool:
    return _larger_first(op) is not None


def _larger_first(op: Binary) -> tuple[Value, Value] | None:
    """Return what is read, the larger first; None where other axes than those of pixels repeat."""
    if op.x.shape == op.y.shape:
        return op.x, op.y
    for x, y in ((op.x, op.y), (op.y, op.x)):
        if len(x.shape) == 3 and x.shape == op.out.shape and y.shape == (1, 1, x.shape[2]):
            return x, y
    return None


def _binary(tensors: Tensors, op: Binary) -> Op:
    larger = _larger_first(op)
    assert larger is not None
    out, scheme = _made_in_bytes(tensors, op)
    scales = [tensors.scheme(value).scale for value in larger]
    x, y = map(tensors.bytes_of, larger)
    ends = scheme.zero_point, scheme.lowest, scheme.highest
    if op.kind is BinaryKind.MULTIPLY:
        multiplier = _single(math.prod(scales) / scheme.scale)
        return QuantizedMultiply(x, y, out, multiplier, *ends, layers=op.layers)
    x_multiplier, y_multiplier = (_single(scale / scheme.scale) for scale in scales)
    return QuantizedAdd(x, y, out, x_multiplier, y_multiplier, *ends, layers=op.layers)


# --- what only moves bytes --------------------------------------------------------------------


def _moved(tensors: Tensors, op: Op) -> Op:
    out, scheme = _made_in_bytes(tensors, op)
    match op:
        case Reshape(x=x):
            return Reshape(tensors.bytes_of(x), out, layers=op.layers)
        case Transpose(x=x, axes=axes):
            return Transpose(tensors.bytes_of(x), out, axes, layers=op.layers)
        case DepthToSpace(x=x):
            return DepthToSpace(tensors.bytes_of(x), out, layers=op.layers)
        case Remap(x=x, indices=indices, fill=fill):
            byte = float(scheme.byte(fill))
            return Remap(tensors.bytes_of(x), out, indices, byte, layers=op.layers)
        case Concat(xs=xs, axis=axis):
            parts = tuple(map(tensors.bytes_of, xs))
            return Concat(parts, out, axis, layers=op.layers)
    raise TypeError(f"an operation that moves numbers. Received: {type(op).__name__}")


def _always(op: Op) -> bool:
    return True


_RULES: dict[object, Rule] = {
    Conv2D: Rule(_fits_conv2d, _conv2d, computes=True, gives_floats=True),
    DepthwiseConv2D: Rule(_fits_depthwise, _depthwise, computes=True, gives_floats=True),
    (Reduce, ReductionKind.MEAN): Rule(_always, _mean, gives_floats=True),
    (Pool2D, PoolKind.MAX): Rule(_always, _pool2d, ties=True),
    (Pool2D, PoolKind.AVERAGE): Rule(_always, _pool2d),
    Activate: Rule(lambda op: functions.has_table(op.activation), _activate),
    Affine: Rule(lambda op: functions.limits(op.activation) is not None, _affine),
    (Binary, BinaryKind.ADD): Rule(_fits_binary, _binary),
    (Binary, BinaryKind.MULTIPLY): Rule(_fits_binary, _binary),
    Reshape: Rule(_always, _moved, ties=True),
    Transpose: Rule(_always, _moved, ties=True),
    DepthToSpace: Rule(_always, _moved, ties=True),
    Remap: Rule(lambda op: op.fill == 0, _moved, ties=True),
    Concat: Rule(_always, _moved, ties=True),
}


# --- numbers as the core has them -------------------------------------------------------------


def _made_in_bytes(tensors: Tensors, op: Op) -> tuple[Value, Scheme]:
    out, scheme = tensors.made(op)
    assert scheme is not None
    return out, scheme


def _bounds(scheme: Scheme | None, limits: tuple[Float64Array, Float64Array]) -> Bounds:
    """Return limits of numbers as the core has them, in steps of the scheme or as they are."""
    if scheme is None:
        return Bounds(None, *map(_float32, limits))
    factors = np.ones(len(limits[0])) if scheme.factors is None else scheme.factors
    lower, upper = (
        np.array([scheme.counted(number) for number in ends / factors]) for ends in limits
    )
    return Bounds(scheme.zero_point, _float32(lower), _float32(upper))


def _scales(scheme: Scheme, channels: int) -> Float64Array:
    return scheme.scale * (np.ones(channels) if scheme.factors is None else scheme.factors)


def _units(scheme: Scheme | None) -> float | Float64Array:
    """Return what is a step of the output: by channel, for all, or 1 of float32."""
    if scheme is None:
        return 1.0
    return scheme.scale if scheme.factors is None else scheme.scale * scheme.factors


def _by_input(factors: Float64Array, op: Conv2D) -> Float64Array:
    """Return the factors of a kernel's last two axes: of the channel that each weight reads."""
    channels, filters = op.kernel.shape[2:]
    by_group = factors.reshape(op.groups, channels)
    if op.groups == 1:
        return by_group.T
    return np.repeat(by_group.T, filters // op.groups, axis=1)


def _of_channels(numbers: Float32Array | None, channels: int, default: float) -> Float64Array:
    if numbers is None:
        return np.full(channels, default)
    return cast("Float64Array", numbers.astype(np.float64))


def _float32(numbers: Float64Array) -> Float32Array:
    return np.ascontiguousarray(numbers, np.float32)


def _single(number: float) -> float:
    """Return a number rounded to float32, as the core takes it."""
    return float(np.float32(number))
