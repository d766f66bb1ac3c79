"""Trigonometric and hyperbolic functions, logarithms and powers, of each number alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import ActivationKind as Kind
from cnnfast._core import BinaryKind
from cnnfast.engine.ops import Activation
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import call
from cnnfast.ops.pointwise.arithmetic import Binary, binary
from cnnfast.ops.pointwise.elementwise import MATH, Elementwise, in_core
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import Operand, Tensor


class Tan(Elementwise):
    """Tangent."""

    steps = (Activation(Kind.TAN),)
    computed = np.tan


class Arcsin(Elementwise):
    """Inverse sine."""

    steps = (Activation(Kind.ARCSIN),)
    computed = np.arcsin


class Arccos(Elementwise):
    """Inverse cosine."""

    steps = (Activation(Kind.ARCCOS),)
    computed = np.arccos


class Arctan(Elementwise):
    """Inverse tangent."""

    steps = (Activation(Kind.ARCTAN),)
    computed = np.arctan


class Sinh(Elementwise):
    """Hyperbolic sine."""

    steps = (Activation(Kind.SINH),)
    computed = np.sinh


class Cosh(Elementwise):
    """Hyperbolic cosine."""

    steps = (Activation(Kind.COSH),)
    computed = np.cosh


class Arcsinh(Elementwise):
    """Inverse hyperbolic sine."""

    steps = (Activation(Kind.ARCSINH),)
    computed = np.arcsinh


class Arccosh(Elementwise):
    """Inverse hyperbolic cosine."""

    steps = (Activation(Kind.ARCCOSH),)
    computed = np.arccosh


class Arctanh(Elementwise):
    """Inverse hyperbolic tangent."""

    steps = (Activation(Kind.ARCTANH),)
    computed = np.arctanh


class Log2(Elementwise):
    """Logarithm to base 2."""

    steps = (Activation(Kind.LOG2),)
    computed = np.log2


class Log10(Elementwise):
    """Logarithm to base 10."""

    steps = (Activation(Kind.LOG10),)
    computed = np.log10


class Exp2(Elementwise):
    """Power of 2."""

    steps = (Activation(Kind.EXP2),)
    computed = np.exp2


class Deg2rad(Elementwise):
    """Degrees as radians."""

    steps = (Activation(Kind.SCALE, np.pi / 180.0, 0.0),)
    computed = np.deg2rad


class Rad2deg(Elementwise):
    """Radians as degrees."""

    steps = (Activation(Kind.SCALE, 180.0 / np.pi, 0.0),)
    computed = np.rad2deg


class Erfc(Elementwise):
    """1 without the error function."""

    module = MATH
    steps = (Activation(Kind.ERF), Activation(Kind.SCALE, -1.0, 1.0))

    def compute(self, x: Any) -> Any:
        return in_core(self, eager.floats(eager.numbers(x)))


class Arctan2(Binary):
    """The angle of the point (x2, x1), between -pi and pi."""

    kind = BinaryKind.ARCTAN2
    computed = np.arctan2

    def _dtype(self, x1: Any, x2: Any) -> str:
        dtype = eager.promoted(x1, x2)
        return dtype if "float" in dtype else "float32"

    _computed_in = _dtype


def tan(x: Tensor) -> Tensor:
    """Return the tangent."""
    return call(Tan(), x)


def arcsin(x: Tensor) -> Tensor:
    """Return the inverse sine."""
    return call(Arcsin(), x)


def arccos(x: Tensor) -> Tensor:
    """Return the inverse cosine."""
    return call(Arccos(), x)


def arctan(x: Tensor) -> Tensor:
    """Return the inverse tangent."""
    return call(Arctan(), x)


def sinh(x: Tensor) -> Tensor:
    """Return the hyperbolic sine."""
    return call(Sinh(), x)


def cosh(x: Tensor) -> Tensor:
    """Return the hyperbolic cosine."""
    return call(Cosh(), x)


def arcsinh(x: Tensor) -> Tensor:
    """Return the inverse hyperbolic sine."""
    return call(Arcsinh(), x)


def arccosh(x: Tensor) -> Tensor:
    """Return the inverse hyperbolic cosine."""
    return call(Arccosh(), x)


def arctanh(x: Tensor) -> Tensor:
    """Return the inverse hyperbolic tangent."""
    return call(Arctanh(), x)


def log2(x: Tensor) -> Tensor:
    """Return the logarithm to base 2."""
    return call(Log2(), x)


def log10(x: Tensor) -> Tensor:
    """Return the logarithm to base 10."""
    return call(Log10(), x)


def exp2(x: Tensor) -> Tensor:
    """Return 2 to the power of each number."""
    return call(Exp2(), x)


def deg2rad(x: Tensor) -> Tensor:
    """Return degrees as radians."""
    return call(Deg2rad(), x)


def rad2deg(x: Tensor) -> Tensor:
    """Return radians as degrees."""
    return call(Rad2deg(), x)


def erfc(x: Tensor) -> Tensor:
    """Return 1 without the error function."""
    return call(Erfc(), x)


@binary
def arctan2(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the angle of the point (x2, x1), between -pi and pi."""
    result: KerasTensor | Float32Array = Arctan2()(x1, x2)
    return result
