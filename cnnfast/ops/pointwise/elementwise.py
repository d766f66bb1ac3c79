"""Functions of each number alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast import activations
from cnnfast._core import ActivationKind as Kind
from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import Operation, batch_shape, call
from cnnfast.symbolic import bound, dtypes
from cnnfast.symbolic.arguments import number
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.tensor import KerasTensor, symbolic

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.symbolic.typing import DTypeLike, Tensor

NN = "keras.src.ops.nn"
MATH = "keras.src.ops.math"


class Elementwise(Operation):
    """A function of each number alone; a subclass gives its `steps`."""

    steps: ClassVar[tuple[Activation, ...]] = ()
    keeps_integers: ClassVar[bool] = False
    computed: ClassVar[Any] = None
    """The function of NumPy, where there is one; else the core computes arrays, too."""

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x) if self.keeps_integers else eager.floats(eager.numbers(x))
        return in_core(self, array) if self.computed is None else self.computed(array)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        keep = self.keeps_integers or "float" in x.dtype
        return KerasTensor(batch_shape(x), x.dtype if keep else "float32")

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.activate(graph, x, self._steps())

    def _steps(self) -> tuple[Activation, ...]:
        return self.steps


def in_core(operation: Operation, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return what the core makes of each number of `array`, whose axes do not matter."""
    if not array.size:
        return array
    flat = bound.run(operation, (array.reshape(1, -1),), {})
    result: npt.NDArray[Any] = flat.reshape(array.shape).astype(array.dtype, copy=False)
    return result


class Absolute(Elementwise):
    """``|x|``."""

    steps = (Activation(Kind.ABS),)
    keeps_integers = True
    computed = np.abs


class Abs(Absolute):
    """``|x|``."""


class Negative(Elementwise):
    """``-x``."""

    steps = (Activation(Kind.SCALE, -1.0, append.NO_SHIFT),)
    keeps_integers = True
    computed = np.negative

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(batch_shape(x), dtypes.arithmetic(x.dtype))


class Square(Elementwise):
    """``x * x``."""

    steps = (Activation(Kind.SQUARE),)
    keeps_integers = True

    @staticmethod
    def computed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Take truths as integers."""
        made: npt.NDArray[Any] = np.square(array.astype(np.int32) if array.dtype == bool else array)
        return made

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        dtype = "int32" if x.dtype == "bool" else dtypes.arithmetic(x.dtype)
        return KerasTensor(batch_shape(x), dtype)


class Sqrt(Elementwise):
    """Square root."""

    steps = (Activation(Kind.SQRT),)
    computed = np.sqrt


class Rsqrt(Elementwise):
    """``1 / sqrt(x)``."""

    module = MATH
    steps = (Activation(Kind.RSQRT),)


class Reciprocal(Elementwise):
    """``1 / x``."""

    steps = (Activation(Kind.RECIPROCAL),)
    computed = np.reciprocal


class Exp(Elementwise):
    """Exponential."""

    steps = (Activation(Kind.EXP),)
    computed = np.exp


class Expm1(Elementwise):
    """``exp(x) - 1``."""

    steps = (Activation(Kind.EXPM1),)
    computed = np.expm1


class Log(Elementwise):
    """Natural logarithm."""

    steps = (Activation(Kind.LOG),)
    computed = np.log


class Log1p(Elementwise):
    """``log(1 + x)``."""

    steps = (Activation(Kind.LOG1P),)
    computed = np.log1p


class Sin(Elementwise):
    """Sine."""

    steps = (Activation(Kind.SIN),)
    computed = np.sin


class Cos(Elementwise):
    """Cosine."""

    steps = (Activation(Kind.COS),)
    computed = np.cos


class Floor(Elementwise):
    """The next whole number below."""

    steps = (Activation(Kind.FLOOR),)
    computed = np.floor


class Ceil(Elementwise):
    """The next whole number above."""

    steps = (Activation(Kind.CEIL),)
    computed = np.ceil


class Sign(Elementwise):
    """-1, 0 or 1."""

    steps = (Activation(Kind.SIGN),)
    keeps_integers = True
    computed = np.sign


class Erf(Elementwise):
    """The error function."""

    module = MATH
    steps = (Activation(Kind.ERF),)


class Tanh(Elementwise):
    """Hyperbolic tangent."""

    steps = (Activation(Kind.TANH),)
    computed = np.tanh


class Round(Elementwise):
    """The nearest whole number, or multiple of ``10**-decimals``; halves go to the even one."""

    keeps_integers = True

    def __init__(self, decimals: int = 0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.decimals = decimals

    def compute(self, x: Any) -> Any:
        return np.round(eager.numbers(x), self.decimals)

    def _steps(self) -> tuple[Activation, ...]:
        if not self.decimals:
            return (Activation(Kind.ROUND),)
        scale = 10.0**self.decimals
        return (
            Activation(Kind.SCALE, scale, append.NO_SHIFT),
            Activation(Kind.ROUND),
            Activation(Kind.SCALE, 1.0 / scale, append.NO_SHIFT),
        )

    def _config(self) -> dict[str, Any]:
        return {"decimals": self.decimals}


class Clip(Elementwise):
    """``min(max(x, x_min), x_max)``, of two numbers."""

    keeps_integers = True

    def __init__(
        self, x_min: float | None, x_max: float | None, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.x_min, self.x_max = x_min, x_max
        self._bounds = tuple(
            default if bound is None else number(bound, key)
            for key, bound, default in (
                ("x_min", x_min, -float("inf")),
                ("x_max", x_max, float("inf")),
            )
        )

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x)
        array = array.astype(self._dtype(array), copy=False)
        low, high = (b if b is None else array.dtype.type(b) for b in (self.x_min, self.x_max))
        return np.clip(array, low, high)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(batch_shape(x), self._dtype(x))

    def _dtype(self, x: Any) -> str:
        return eager.promoted(x, *(b for b in (self.x_min, self.x_max) if b is not None))

    def _steps(self) -> tuple[Activation, ...]:
        return (Activation(Kind.CLIP, *self._bounds),)

    def _config(self) -> dict[str, Any]:
        return {"x_min": self.x_min, "x_max": self.x_max}


class Identity(Elementwise):
    """The tensor itself."""

    keeps_integers = True

    def compute(self, x: Any) -> Any:
        return eager.numbers(x)


class Cast(Operation):
    """The same numbers as another dtype; a whole one drops fractions and ends at its limits."""

    module = "keras.src.ops.core"

    def __init__(self, dtype: object, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.dtype = dtypes.policy(dtype).name

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(batch_shape(x), self.dtype)

    def compute(self, x: Any) -> Any:
        numbers = eager.numbers(x)
        if "float" in numbers.dtype.name and "int" in self.dtype:
            return _limited(numbers, self.dtype)
        # NumPy has no bfloat16: its numbers are in float32 here.
        return numbers.astype("float32" if self.dtype == "bfloat16" else self.dtype)

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        given = symbolic(drawn)[0].dtype
        return super().lower_like(graph, args, {**kwargs, "given": given}, drawn)

    def lower(self, graph: Graph, x: Value, *, given: str = "float32") -> Value:
        if self.dtype == "bool":
            steps = [Activation(Kind.ABS), Activation(Kind.SIGN)]
            return append.activate(graph, x, steps)
        if "int" not in self.dtype or np.can_cast(given, self.dtype):
            return x
        if "int" in given:
            return _wrapped(graph, x, self.dtype)
        limits = _limits(self.dtype)
        whole = truncated(graph, x)
        return append.activate(graph, whole, [Activation(Kind.CLIP, limits.min, limits.max)])

    def _config(self) -> dict[str, Any]:
        return {"dtype": self.dtype}


def _limited(numbers: Any, dtype: str) -> Any:
    """Return floats as integers: what is no number as 0, what is beyond the limits as these."""
    limits = _limits(dtype)
    inside = np.clip(np.nan_to_num(numbers.astype(np.float64)), limits.min, limits.max)
    return inside.astype(dtype)


def _limits(dtype: str) -> Any:
    """Return the limits of a whole dtype; Keras on JAX keeps 32 bits of 64."""
    return np.iinfo({"int64": "int32", "uint64": "uint32"}.get(dtype, dtype))


def _wrapped(graph: Graph, x: Value, dtype: str) -> Value:
    """Return integers as so few bits hold them: those beyond the limits begin again."""
    limits = np.iinfo(dtype)
    size = 2.0**limits.bits
    rounds = [Activation(Kind.SCALE, 1 / size, -limits.min / size), Activation(Kind.FLOOR)]
    whole = [*rounds, Activation(Kind.SCALE, size, 0.0)]
    return append.binary(graph, x, append.activate(graph, x, whole), BinaryKind.SUBTRACT)


def truncated(graph: Graph, x: Value) -> Value:
    """Drop the fraction of each number: floor from above zero, ceil from below."""
    above = append.activate(graph, x, [Activation(Kind.RELU), Activation(Kind.FLOOR)])
    below = [Activation(Kind.MINIMUM, 0.0), Activation(Kind.CEIL)]
    return append.binary(graph, above, append.activate(graph, x, below), BinaryKind.ADD)


class ActivationOperation(Operation):
    """An activation function as an operation; a subclass gives its Keras name."""

    module = NN
    activation: ClassVar[str]

    def compute(self, x: Any) -> Any:
        return in_core(self, eager.floats(eager.numbers(x)))

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        dtype = x.dtype if "float" in x.dtype else "float32"
        return KerasTensor(batch_shape(x), dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        return activations.get(self.activation).lower(graph, x)


class Parametric(ActivationOperation):
    """An activation function with parameters of its own; a subclass gives its `steps`."""

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.activate(graph, x, self._steps())

    def _steps(self) -> tuple[Activation, ...]:
        raise NotImplementedError


def absolute(x: Tensor) -> Tensor:
    """Return ``|x|``."""
    return call(Absolute(), x)


def negative(x: Tensor) -> Tensor:
    """Return ``-x``."""
    return call(Negative(), x)


def square(x: Tensor) -> Tensor:
    """Return ``x * x``."""
    return call(Square(), x)


def sqrt(x: Tensor) -> Tensor:
    """Return the square root."""
    return call(Sqrt(), x)


def rsqrt(x: Tensor) -> Tensor:
    """Return ``1 / sqrt(x)``."""
    return call(Rsqrt(), x)


def reciprocal(x: Tensor) -> Tensor:
    """Return ``1 / x``."""
    return call(Reciprocal(), x)


def exp(x: Tensor) -> Tensor:
    """Return the exponential."""
    return call(Exp(), x)


def expm1(x: Tensor) -> Tensor:
    """Return ``exp(x) - 1``, exact near 0."""
    return call(Expm1(), x)


def log(x: Tensor) -> Tensor:
    """Return the natural logarithm."""
    return call(Log(), x)


def log1p(x: Tensor) -> Tensor:
    """Return ``log(1 + x)``, exact near 0."""
    return call(Log1p(), x)


def sin(x: Tensor) -> Tensor:
    """Return the sine."""
    return call(Sin(), x)


def cos(x: Tensor) -> Tensor:
    """Return the cosine."""
    return call(Cos(), x)


def floor(x: Tensor) -> Tensor:
    """Return the next whole number below."""
    return call(Floor(), x)


def ceil(x: Tensor) -> Tensor:
    """Return the next whole number above."""
    return call(Ceil(), x)


def sign(x: Tensor) -> Tensor:
    """Return -1, 0 or 1."""
    return call(Sign(), x)


def erf(x: Tensor) -> Tensor:
    """Return the error function."""
    return call(Erf(), x)


def tanh(x: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    return call(Tanh(), x)


def round(x: Tensor, decimals: int = 0) -> Tensor:
    """Return the nearest whole number, or multiple of ``10**-decimals``; halves go to the even one.

    Parameters
    ----------
    decimals
        Digits behind the point.
    """
    return call(Round(decimals), x)


def clip(x: Tensor, x_min: float | None, x_max: float | None) -> Tensor:
    """Return ``min(max(x, x_min), x_max)``.

    Parameters
    ----------
    x_min
        No number is smaller; None for no limit.
    x_max
        No number is larger; None for no limit.

    Examples
    --------
    >>> cnnfast.ops.clip(np.array([[-3.0, 0.5, 3.0]]), -1.0, 1.0)
    array([[-1. ,  0.5,  1. ]], dtype=float32)
    """
    return call(Clip(x_min, x_max), x)


def cast(x: Tensor, dtype: DTypeLike) -> Tensor:
    """Return the same numbers as another dtype; a whole one drops fractions.

    Parameters
    ----------
    dtype
        Name of a dtype.
    """
    if isinstance(x, BatchSize):
        size: Any = x  # which has no numbers to change
        return size
    return call(Cast(dtype), x)
