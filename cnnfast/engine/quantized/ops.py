"""The operations of networks in 8 bits, as the core has them.

Activations are bytes with the scale and zero point of a `Scheme`; sums are exact. What a sum or
number r becomes is ``round(min(max(r, lower), upper) + zero_point)``, where halves go to the even
byte and the bounds count from the zero point; the core does it alike on every instruction set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cnnfast._core import PoolKind
from cnnfast.engine.late import LateArray
from cnnfast.engine.ops import BinaryOp, Float32Array, Instruction, UnaryOp, Value, Window
from cnnfast.utils.records import record

if TYPE_CHECKING:
    import numpy.typing as npt

Int32Array: TypeAlias = "npt.NDArray[np.int32]"
ByteArray: TypeAlias = "npt.NDArray[np.uint8]"


@record(frozen=True, eq=False)
class Bounds:
    """What becomes of a number before it is stored.

    Attributes
    ----------
    zero_point
        Of the bytes that are stored; None where float32 is.
    lower, upper
        By channel: of bytes whole numbers of steps from the zero point, else numbers.
    """

    zero_point: int | None
    lower: Float32Array
    upper: Float32Array


@record(frozen=True, eq=False)
class Quantize(UnaryOp):
    """Float32 to bytes: ``x * factor``, rounded; NaN becomes the smallest byte."""

    factor: float
    zero_point: int

    @property
    def instruction(self) -> Instruction:
        return Instruction("quantize", (self.x, self.factor, self.zero_point))


@record(frozen=True, eq=False)
class Dequantize(UnaryOp):
    """Bytes to float32: ``(x - zero_point) * scale``."""

    scale: float

    @property
    def instruction(self) -> Instruction:
        return Instruction("dequantize", (self.x, self.scale))


@record(frozen=True, eq=False)
class QuantizedConv2D(UnaryOp):
    """Convolution of bytes; a dense layer is the 1x1 case.

    ``(sum + bias) * multiplier + residual * residual_multiplier``, where `kernel` holds integers
    from -127 to 127 as float32, (height, width, input channels / groups, output channels), and
    `bias` and `multiplier` are (output channels,).
    """

    kernel: LateArray
    bias: Int32Array
    window: Window
    groups: int
    multiplier: Float32Array
    bounds: Bounds
    residual: Value | None = None
    residual_multiplier: float = 0.0

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x,) if self.residual is None else (self.x, self.residual)

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.out.shape,
            self.kernel,
            self.bias,
            self.window.numbers,
            self.groups,
            self.multiplier,
            self.residual,
            self.residual_multiplier,
            self.bounds.zero_point,
            self.bounds.lower,
            self.bounds.upper,
        )
        return Instruction("quantized_conv2d", arguments)


@record(frozen=True, eq=False)
class QuantizedDepthwiseConv2D(UnaryOp):
    """Convolution of each channel of bytes alone; `kernel` as that of `DepthwiseConv2D`."""

    kernel: LateArray
    bias: Int32Array
    window: Window
    multiplier: Float32Array
    bounds: Bounds

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.out.shape,
            self.kernel,
            self.bias,
            self.window.numbers,
            self.multiplier,
            self.bounds.zero_point,
            self.bounds.lower,
            self.bounds.upper,
        )
        return Instruction("quantized_depthwise_conv2d", arguments)


@record(frozen=True, eq=False)
class QuantizedPool2D(UnaryOp):
    """Maximum of bytes, or their average times `multiplier`; padding takes part in neither."""

    kind: PoolKind
    window: Window
    multiplier: float
    zero_point: int

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.out.shape,
            self.kind,
            self.window.numbers,
            self.multiplier,
            self.zero_point,
        )
        return Instruction("quantized_pool2d", arguments)


@record(frozen=True, eq=False)
class QuantizedMean(UnaryOp):
    """Mean of bytes over the axes ``first`` to ``last - 1``, times `multiplier`.

    Float32 where `zero_point` is None.
    """

    first: int
    last: int
    multiplier: float
    zero_point: int | None

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.out.shape,
            self.first,
            self.last,
            self.multiplier,
            self.zero_point,
        )
        return Instruction("quantized_mean", arguments)


@record(frozen=True, eq=False)
class QuantizedAdd(BinaryOp):
    """``x * x_multiplier + y * y_multiplier``, both counted from their zero points.

    `y` has the shape of `x`, or is one pixel that is added to each.
    """

    x_multiplier: float
    y_multiplier: float
    zero_point: int
    lower: float
    upper: float

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.y,
            self.x_multiplier,
            self.y_multiplier,
            self.zero_point,
            self.lower,
            self.upper,
        )
        return Instruction("quantized_add", arguments)


@record(frozen=True, eq=False)
class QuantizedMultiply(BinaryOp):
    """``x * y * multiplier``, both counted from their zero points; `y` as in `QuantizedAdd`."""

    multiplier: float
    zero_point: int
    lower: float
    upper: float

    @property
    def instruction(self) -> Instruction:
        arguments = (self.x, self.y, self.multiplier, self.zero_point, self.lower, self.upper)
        return Instruction("quantized_multiply", arguments)


@record(frozen=True, eq=False)
class LookUp(UnaryOp):
    """A function of one number: what ``table`` has for each byte."""

    table: ByteArray
    zero_point: int

    @property
    def instruction(self) -> Instruction:
        return Instruction("look_up", (self.x, self.table, self.zero_point))


@record(frozen=True, eq=False)
class QuantizedAffine(UnaryOp):
    """``x * multiplier + offset`` along the last axis, `x` counted from its zero point."""

    multiplier: Float32Array
    offset: Float32Array
    bounds: Bounds

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.multiplier,
            self.offset,
            self.bounds.zero_point,
            self.bounds.lower,
            self.bounds.upper,
        )
        return Instruction("quantized_affine", arguments)
