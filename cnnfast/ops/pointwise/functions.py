"""Functions of numbers that are made of others: absolute values, choices, what replaces NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.ops.base import eager
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call
from cnnfast.ops.pointwise.arithmetic import (
    binary,
    divide,
    maximum,
    minimum,
    mod,
    multiply,
    power,
    subtract,
)
from cnnfast.ops.pointwise.comparison import (
    equal,
    greater,
    isnan,
    isneginf,
    isposinf,
    less,
    less_equal,
    logical_and,
    logical_or,
    where,
)
from cnnfast.ops.pointwise.conversion import StopGradient
from cnnfast.ops.pointwise.elementwise import (
    Cast,
    Identity,
    absolute,
    cast,
    ceil,
    exp,
    floor,
    log1p,
    sign,
    sin,
    sqrt,
    square,
)
from cnnfast.ops.reducing.reductions import sum as total
from cnnfast.ops.shaping.arrangement import expand_dims
from cnnfast.ops.shaping.shapes import zeros_like
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import Array, DTypeLike, Operand, Tensor

CORE = "keras.src.ops.core"


def as_float(x: Any) -> Any:
    """Return a tensor or numbers as floats."""
    if isinstance(x, KerasTensor):
        return x if "float" in x.dtype else cast(x, "float32")
    return eager.floats(eager.numbers(x))


def is_whole(x: Any) -> bool:
    """Whether the dtype is one of integers or truths, none of which is NaN."""
    return "float" not in eager.dtype_of(x)


class Copy(Identity):
    """The same numbers."""

    makes_new = True


class Conjugate(Identity):
    """The same numbers, which are real."""


class Conj(Conjugate):
    """The same numbers, which are real."""


class Real(Identity):
    """The same numbers, which are real."""


class Imag(Composite):
    """Zeros: the numbers are real."""

    def composed(self, x: Any) -> Any:
        return zeros_like(x)


class Fabs(Composite):
    """``|x|``, as a float."""

    def composed(self, x: Any) -> Any:
        return absolute(as_float(x))


class Trunc(Composite):
    """The whole part."""

    def composed(self, x: Any) -> Any:
        return copy(x) if is_whole(x) else where(less(x, 0), ceil(x), floor(x))


class Cbrt(Composite):
    """The cube root."""

    def composed(self, x: Any) -> Any:
        y = as_float(x)
        return multiply(sign(y), power(absolute(y), 1.0 / 3.0))


class Sinc(Composite):
    """``sin(pi x) / (pi x)``, and 1 at 0."""

    def composed(self, x: Any) -> Any:
        y = multiply(as_float(x), np.pi)
        nothing = equal(y, 0.0)
        return where(nothing, 1.0, divide(sin(y), where(nothing, 1.0, y)))


class Signbit(Composite):
    """Whether it is below 0, or the 0 that is."""

    def composed(self, x: Any) -> Any:
        return logical_or(less(x, 0), isneginf(divide(1.0, as_float(x))))


class Heaviside(Composite):
    """0 below 0, 1 above, `x2` at 0."""

    def composed(self, x1: Any, x2: Any) -> Any:
        side = as_float(greater(x1, 0))
        return where(equal(x1, 0), x2, where(isnan(x1), x1, side))


class Hypot(Composite):
    """The length of the vector (x1, x2)."""

    def composed(self, x1: Any, x2: Any) -> Any:
        a, b = absolute(as_float(x1)), absolute(as_float(x2))
        larger, smaller = maximum(a, b), minimum(a, b)
        # Of no square does more come than a float holds.
        ratio = divide(smaller, where(equal(larger, 0.0), 1.0, larger))
        return multiply(larger, sqrt(square(ratio) + 1.0))


class Logaddexp(Composite):
    """``log(exp(x1) + exp(x2))``, without overflow."""

    def composed(self, x1: Any, x2: Any) -> Any:
        a, b = as_float(x1), as_float(x2)
        # Equal infinities have no distance.
        distance: Any = where(equal(a, b), 0.0, absolute(subtract(a, b)))
        return maximum(a, b) + log1p(exp(-distance))


class Logaddexp2(Composite):
    """``log2(2**x1 + 2**x2)``, without overflow."""

    def composed(self, x1: Any, x2: Any) -> Any:
        scale = float(np.log(2.0))
        a, b = (multiply(as_float(x), scale) for x in (x1, x2))
        return divide(Logaddexp().composed(a, b), scale)


class Fmax(Composite):
    """The larger of two; the other where one is NaN."""

    def composed(self, x1: Any, x2: Any) -> Any:
        return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


class Fmin(Composite):
    """The smaller of two; the other where one is NaN."""

    def composed(self, x1: Any, x2: Any) -> Any:
        return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


class DivideNoNan(Composite):
    """``x1 / x2``, and 0 where `x2` is 0."""

    def composed(self, x1: Any, x2: Any) -> Any:
        nothing = equal(x2, 0)
        return where(nothing, 0.0, divide(x1, where(nothing, 1.0, as_float(x2))))


class NanToNum(Composite):
    """Numbers in place of NaN and infinities; the largest that a float holds where None."""

    def __init__(
        self,
        nan: float = 0.0,
        posinf: float | None = None,
        neginf: float | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.nan, self.posinf, self.neginf = nan, posinf, neginf

    def composed(self, x: Any) -> Any:
        if is_whole(x):
            return copy(x)
        largest = float(np.finfo(np.float32).max)
        y = where(isnan(x), self.nan, x)
        y = where(isposinf(x), largest if self.posinf is None else self.posinf, y)
        return where(isneginf(x), -largest if self.neginf is None else self.neginf, y)

    def _config(self) -> dict[str, Any]:
        return {"nan": self.nan, "posinf": self.posinf, "neginf": self.neginf}


class Isclose(Composite):
    """Whether two numbers differ by no more than ``atol + rtol * |x2|``."""

    def __init__(self, equal_nan: bool = False, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.equal_nan = equal_nan

    def composed(self, x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8) -> Any:
        a, b = as_float(x1), as_float(x2)
        room = multiply(absolute(b), rtol) + atol
        # What is infinite is close to itself alone.
        finite = less(absolute(b), float("inf"))
        near = logical_and(less_equal(absolute(subtract(a, b)), room), finite)
        same = logical_or(equal(a, b), near)
        return logical_or(same, logical_and(isnan(a), isnan(b))) if self.equal_nan else same

    def _config(self) -> dict[str, Any]:
        return {"equal_nan": self.equal_nan}


class Fmod(Composite):
    """The rest of a division, with the sign of what is divided."""

    def composed(self, x1: Any, x2: Any) -> Any:
        return multiply(sign(x1), mod(absolute(x1), absolute(x2)))


class Angle(Composite):
    """Pi below 0, 0 elsewhere: of a complex number that is real."""

    def composed(self, x: Any) -> Any:
        y = as_float(x)
        return where(isnan(y), y, where(less(y, 0), float(np.pi), 0.0))


class Isreal(Composite):
    """Whether it is real, as all numbers here are."""

    def composed(self, x: Any) -> Any:
        return logical_or(equal(x, x), isnan(x))


class Digitize(Composite):
    """How many of the bins are not above it, where they rise; how many are, where they fall."""

    def composed(self, x: Any, bins: Any) -> Any:
        edges = np.asarray(bins, np.float32)
        if edges.ndim != 1:
            raise ValueError(f"`bins` must have one axis. Received: shape {edges.shape}")
        count: Any = total(cast(less(expand_dims(x, -1), edges), "int32"), axis=-1)
        # NaN is above all that rise, and not below any that fall.
        return count if edges[:1] > edges[-1:] else edges.size - count


class Select(Composite):
    """Of several tensors the one whose condition is the first that holds, or a default."""

    def composed(self, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
        y = default
        for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
            y = where(condition, choice, y)
        return y


class SaturateCast(Composite):
    """The same numbers as another dtype; its limits where it does not hold them."""

    module = CORE

    def __init__(self, dtype: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.dtype = eager.dtype_named(dtype)

    def composed(self, x: Any) -> Any:
        if "int" not in self.dtype:
            return Cast(self.dtype)(x)
        limits = np.iinfo(self.dtype)
        # The nearest floats that are inside.
        high = np.nextafter(np.float32(limits.max + 1), np.float32(0))
        y = minimum(maximum(x, float(limits.min)), min(float(limits.max), float(high)))
        return Cast(self.dtype)(y)

    def _config(self) -> dict[str, Any]:
        return {"dtype": self.dtype}


def copy(x: Tensor) -> Tensor:
    """Return the same numbers."""
    return call(Copy(), x)


def conjugate(x: Tensor) -> Tensor:
    """Return the same numbers, which are real."""
    return call(Conjugate(), x)


def real(x: Tensor) -> Tensor:
    """Return the same numbers, which are real."""
    return call(Real(), x)


def stop_gradient(variable: Tensor) -> Tensor:
    """Return the same numbers: nothing is trained here."""
    return call(StopGradient(), variable)


def imag(x: Tensor) -> Tensor:
    """Return zeros: the numbers are real."""
    return call(Imag(), x)


def angle(x: Tensor) -> Tensor:
    """Return pi below 0, 0 elsewhere: of a complex number that is real."""
    return call(Angle(), x)


def isreal(x: Tensor) -> Tensor:
    """Return whether a number is real, as all are here."""
    return call(Isreal(), x)


def digitize(x: Tensor, bins: Sequence[float] | Array) -> Tensor:
    """Return how many of the bins are not above a number.

    Parameters
    ----------
    bins
        Numbers in order.
    """
    return call(Digitize(), x, bins)


@binary
def fmod(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the rest of a division, with the sign of what is divided."""
    result: KerasTensor | Float32Array = Fmod()(x1, x2)
    return result


def fabs(x: Tensor) -> Tensor:
    """Return ``|x|``, as a float."""
    return call(Fabs(), x)


def trunc(x: Tensor) -> Tensor:
    """Return the whole part."""
    return call(Trunc(), x)


def cbrt(x: Tensor) -> Tensor:
    """Return the cube root."""
    return call(Cbrt(), x)


def sinc(x: Tensor) -> Tensor:
    """Return ``sin(pi x) / (pi x)``, and 1 at 0."""
    return call(Sinc(), x)


def signbit(x: Tensor) -> Tensor:
    """Return whether a number is below 0, or the 0 that is."""
    return call(Signbit(), x)


@binary
def heaviside(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return 0 below 0, 1 above, `x2` at 0."""
    result: KerasTensor | Float32Array = Heaviside()(x1, x2)
    return result


@binary
def hypot(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the length of the vector (x1, x2)."""
    result: KerasTensor | Float32Array = Hypot()(x1, x2)
    return result


@binary
def logaddexp(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``log(exp(x1) + exp(x2))``, without overflow."""
    result: KerasTensor | Float32Array = Logaddexp()(x1, x2)
    return result


@binary
def logaddexp2(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``log2(2**x1 + 2**x2)``, without overflow."""
    result: KerasTensor | Float32Array = Logaddexp2()(x1, x2)
    return result


@binary
def fmax(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the larger of two; the other where one is NaN."""
    result: KerasTensor | Float32Array = Fmax()(x1, x2)
    return result


@binary
def fmin(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the smaller of two; the other where one is NaN."""
    result: KerasTensor | Float32Array = Fmin()(x1, x2)
    return result


@binary
def divide_no_nan(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 / x2``, and 0 where `x2` is 0."""
    result: KerasTensor | Float32Array = DivideNoNan()(x1, x2)
    return result


def nan_to_num(
    x: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Return numbers in place of NaN and infinities.

    Parameters
    ----------
    nan
        In place of NaN.
    posinf, neginf
        In place of infinities; the largest and smallest that a float holds where None.
    """
    return call(NanToNum(nan, posinf, neginf), x)


def isclose(
    x1: Operand, x2: Operand, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> KerasTensor | Array:
    """Return whether two numbers differ by no more than ``atol + rtol * |x2|``.

    Parameters
    ----------
    rtol
        A part of `x2`.
    atol
        A number.
    equal_nan
        Whether NaN is close to NaN.
    """
    result: KerasTensor | Array = Isclose(equal_nan)(x1, x2, rtol, atol)
    return result


def select(
    condlist: Sequence[Operand], choicelist: Sequence[Operand], default: Operand = 0
) -> KerasTensor | Array:
    """Return, of several tensors, the one whose condition is the first that holds.

    Parameters
    ----------
    condlist
        The conditions.
    choicelist
        A tensor for each.
    default
        What stands where none holds.
    """
    result: KerasTensor | Array = Select()(list(condlist), list(choicelist), default)
    return result


def saturate_cast(x: Tensor, dtype: DTypeLike) -> Tensor:
    """Return the same numbers as another dtype; its limits where it does not hold them.

    Parameters
    ----------
    dtype
        Name of a dtype.
    """
    return call(SaturateCast(dtype), x)
