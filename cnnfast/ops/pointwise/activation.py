"""Activation functions and what goes with them, as operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import ActivationKind as Kind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import axis_of, batch_shape, call
from cnnfast.ops.pointwise.elementwise import ActivationOperation, Parametric
from cnnfast.symbolic.arguments import axes, boolean, number
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import IntOrSequence, Tensor


class Relu(ActivationOperation):
    """``max(x, 0)``."""

    activation = "relu"

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x)
        return super().compute(x) if array.dtype.kind == "f" else np.maximum(array, 0)


class Relu6(ActivationOperation):
    """``min(max(x, 0), 6)``."""

    activation = "relu6"


class Sigmoid(ActivationOperation):
    """``1 / (1 + exp(-x))``."""

    activation = "sigmoid"


class SparseSigmoid(ActivationOperation):
    """0 below -1, 1 above 1, a line between."""

    activation = "sparse_sigmoid"


class Silu(ActivationOperation):
    """``x * sigmoid(x)``."""

    activation = "silu"


class Softplus(ActivationOperation):
    """``log(1 + exp(x))``."""

    activation = "softplus"


class Softsign(ActivationOperation):
    """``x / (1 + |x|)``."""

    activation = "softsign"


class SparsePlus(ActivationOperation):
    """0 below -1, x above 1, a parabola between."""

    activation = "sparse_plus"


class LogSigmoid(ActivationOperation):
    """``-softplus(-x)``."""

    activation = "log_sigmoid"


class HardSigmoid(ActivationOperation):
    """``relu6(x + 3) / 6``."""

    activation = "hard_sigmoid"


class HardSilu(ActivationOperation):
    """``x * hard_sigmoid(x)``."""

    activation = "hard_silu"


class HardTanh(ActivationOperation):
    """x between -1 and 1."""

    activation = "hard_tanh"


class TanhShrink(ActivationOperation):
    """``x - tanh(x)``."""

    activation = "tanh_shrink"


class Selu(ActivationOperation):
    """Scaled exponential linear unit."""

    activation = "selu"


class Mish(ActivationOperation):
    """``x * tanh(softplus(x))``."""

    activation = "mish"


class _WithNumber(Parametric):
    """An activation with one number; a subclass says which kind and argument."""

    kind: Kind
    argument: str

    def _take(self, value: object) -> None:
        self._value = number(value, self.argument)

    def _steps(self) -> tuple[Activation, ...]:
        return (Activation(self.kind, self._value),)

    def _config(self) -> dict[str, Any]:
        return {self.argument: self._value}


class LeakyRelu(_WithNumber):
    """x above 0, ``negative_slope * x`` below."""

    kind, argument = Kind.LEAKY_RELU, "negative_slope"

    def __init__(self, negative_slope: float = 0.2, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._take(negative_slope)


class Elu(_WithNumber):
    """x above 0, ``alpha * (exp(x) - 1)`` below."""

    kind, argument = Kind.ELU, "alpha"

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._take(alpha)


class Celu(_WithNumber):
    """x above 0, ``alpha * (exp(x / alpha) - 1)`` below."""

    kind, argument = Kind.CELU, "alpha"

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._take(alpha)


class Squareplus(_WithNumber):
    """``(x + sqrt(x * x + b)) / 2``."""

    kind, argument = Kind.SQUAREPLUS, "b"

    def __init__(self, b: float = 4, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._take(b)


class SoftShrink(_WithNumber):
    """x moved by `threshold` towards 0, and 0 closer to it."""

    kind, argument = Kind.SOFT_SHRINK, "threshold"

    def __init__(self, threshold: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._take(threshold)


class HardShrink(_WithNumber):
    """X where it is further from 0 than `threshold`, else 0."""

    kind, argument = Kind.HARD_SHRINK, "threshold"

    def __init__(self, threshold: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._take(threshold)


class Threshold(Parametric):
    """X above `threshold`, else `default_value`."""

    def __init__(self, threshold: float, default_value: float, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.threshold = number(threshold, "threshold")
        self.default_value = number(default_value, "default_value")

    def _steps(self) -> tuple[Activation, ...]:
        return (Activation(Kind.THRESHOLD, self.threshold, self.default_value),)

    def _config(self) -> dict[str, Any]:
        return {"threshold": self.threshold, "default_value": self.default_value}


class Gelu(Parametric):
    """``x * P(X <= x)`` for a normal X; approximate with tanh, or exact."""

    def __init__(self, approximate: bool = True, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.approximate = boolean(approximate, "approximate")

    def _steps(self) -> tuple[Activation, ...]:
        return (Activation(Kind.GELU_TANH if self.approximate else Kind.GELU),)

    def _config(self) -> dict[str, Any]:
        return {"approximate": self.approximate}


class Softmax(ActivationOperation):
    """``exp(x)`` divided by its sum over `axis`, one axis or several."""

    def __init__(self, axis: Any = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis
        self._axes = axes(axis, "axis")

    def compute(self, x: Any) -> Any:
        array = eager.floats(eager.numbers(x))
        powers = np.exp(array - array.max(self._axes, keepdims=True))
        return powers / powers.sum(self._axes, keepdims=True)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        self._own_axes(x)
        return super().compute_output_spec(x)

    def _own_axes(self, x: KerasTensor | Value) -> list[int]:
        """Return the axes without the batch."""
        rank = len(batch_shape(x))
        return sorted({axis_of(axis, rank) - 1 for axis in self._axes})

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.softmax(graph, x, self._own_axes(x))

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


def relu(x: Tensor) -> Tensor:
    """Return ``max(x, 0)``."""
    return call(Relu(), x)


def relu6(x: Tensor) -> Tensor:
    """Return ``min(max(x, 0), 6)``."""
    return call(Relu6(), x)


def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """Return x above 0, ``negative_slope * x`` below.

    Parameters
    ----------
    negative_slope
        What numbers below 0 are multiplied by.

    Examples
    --------
    >>> cnnfast.ops.leaky_relu(np.array([[-1.0, 2.0]]))
    array([[-0.2,  2. ]], dtype=float32)
    """
    return call(LeakyRelu(negative_slope), x)


def sigmoid(x: Tensor) -> Tensor:
    """Return ``1 / (1 + exp(-x))``."""
    return call(Sigmoid(), x)


def sparse_sigmoid(x: Tensor) -> Tensor:
    """Return 0 below -1, 1 above 1, a line between."""
    return call(SparseSigmoid(), x)


def silu(x: Tensor) -> Tensor:
    """Return ``x * sigmoid(x)``."""
    return call(Silu(), x)


def hard_sigmoid(x: Tensor) -> Tensor:
    """Return ``relu6(x + 3) / 6``."""
    return call(HardSigmoid(), x)


def hard_silu(x: Tensor) -> Tensor:
    """Return ``x * hard_sigmoid(x)``."""
    return call(HardSilu(), x)


def hard_tanh(x: Tensor) -> Tensor:
    """Return x between -1 and 1, and the nearer of these elsewhere."""
    return call(HardTanh(), x)


def tanh_shrink(x: Tensor) -> Tensor:
    """Return ``x - tanh(x)``."""
    return call(TanhShrink(), x)


def softplus(x: Tensor) -> Tensor:
    """Return ``log(1 + exp(x))``."""
    return call(Softplus(), x)


def softsign(x: Tensor) -> Tensor:
    """Return ``x / (1 + |x|)``."""
    return call(Softsign(), x)


def sparse_plus(x: Tensor) -> Tensor:
    """Return 0 below -1, x above 1, a parabola between."""
    return call(SparsePlus(), x)


def log_sigmoid(x: Tensor) -> Tensor:
    """Return ``-softplus(-x)``."""
    return call(LogSigmoid(), x)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x above 0, ``alpha * (exp(x) - 1)`` below.

    Parameters
    ----------
    alpha
        The limit far below 0 is ``-alpha``.
    """
    return call(Elu(alpha), x)


def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x above 0, ``alpha * (exp(x / alpha) - 1)`` below.

    Parameters
    ----------
    alpha
        The limit far below 0 is ``-alpha``.
    """
    return call(Celu(alpha), x)


def selu(x: Tensor) -> Tensor:
    """Return the scaled exponential linear unit."""
    return call(Selu(), x)


def gelu(x: Tensor, approximate: bool = True) -> Tensor:
    """Return ``x * P(X <= x)`` for a normal X.

    Parameters
    ----------
    approximate
        With tanh; exact with the error function.

    Examples
    --------
    >>> cnnfast.ops.gelu(np.zeros((1, 2)), approximate=False)
    array([[0., 0.]], dtype=float32)
    """
    return call(Gelu(approximate), x)


def squareplus(x: Tensor, b: float = 4) -> Tensor:
    """Return ``(x + sqrt(x * x + b)) / 2``.

    Parameters
    ----------
    b
        How round the corner is.
    """
    return call(Squareplus(b), x)


def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """Return x moved by `threshold` towards 0, and 0 closer to it.

    Parameters
    ----------
    threshold
        How far.
    """
    return call(SoftShrink(threshold), x)


def hard_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """Return x where it is further from 0 than `threshold`, else 0.

    Parameters
    ----------
    threshold
        How far.
    """
    return call(HardShrink(threshold), x)


def threshold(x: Tensor, threshold: float, default_value: float) -> Tensor:
    """Return x above `threshold`, else `default_value`.

    Parameters
    ----------
    threshold
        Numbers above it stay.
    default_value
        What stands at other places.
    """
    return call(Threshold(threshold, default_value), x)


def softmax(x: Tensor, axis: IntOrSequence = -1) -> Tensor:
    """Return ``exp(x)`` divided by its sum over `axis`.

    Parameters
    ----------
    axis
        One axis or several together, the batch not among them.

    Examples
    --------
    >>> cnnfast.ops.softmax(np.zeros((1, 4), np.float32))
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """
    return call(Softmax(axis), x)
