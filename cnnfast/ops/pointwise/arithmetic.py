"""Functions of two tensors, or of a tensor and constants, number by number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast._core import ActivationKind as Kind
from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value
from cnnfast.lowering import append
from cnnfast.ops.base.eager import promoted
from cnnfast.ops.base.operation import (
    Constant,
    Operation,
    broadcast,
    constant,
    rank_of,
    spec_of,
    stripped,
    value_of,
)
from cnnfast.symbolic import dtypes
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import BinaryFunction, Operand


class Binary(Operation):
    """A function of two operands, at least one of them a tensor.

    Axes of size 1 are repeated. A constant may have fewer axes than the tensor; its axes are the
    last. Two tensors have the same number of axes, for each begins with the batch.
    """

    kind: ClassVar[BinaryKind]
    computed: ClassVar[Any]
    """The function of NumPy."""

    def compute(self, x1: Any, x2: Any) -> Any:
        dtype = self._computed_in(x1, x2)
        return self.computed(*(np.asarray(x).astype(dtype, copy=False) for x in (x1, x2)))

    def _computed_in(self, x1: Any, x2: Any) -> str:
        """Return the dtype in which arrays are computed."""
        return promoted(x1, x2)

    def compute_output_spec(self, x1: Any, x2: Any) -> KerasTensor:
        rank = rank_of((x1, x2))
        shapes = [spec_of(x, rank) for x in (x1, x2)]
        return KerasTensor(broadcast(*shapes), self._dtype(x1, x2))

    def _dtype(self, x1: Any, x2: Any) -> str:
        return dtypes.arithmetic(promoted(x1, x2))

    def lower(self, graph: Graph, x1: Any, x2: Any) -> Value:
        operands = [x if isinstance(x, Value) else constant(x) for x in (x1, x2)]
        left, right = operands
        rank = rank_of(operands)
        if isinstance(right, Constant) and isinstance(left, Value):
            y = self._with_constant(graph, left, stripped(right, rank), reverse=False)
        elif isinstance(left, Constant) and isinstance(right, Value):
            y = self._with_constant(graph, right, stripped(left, rank), reverse=True)
        else:
            y = None
        if y is None:
            values = [value_of(graph, x, rank) for x in operands]
            y = append.binary(graph, values[0], values[1], self.kind)
        return y

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        """Lower to something cheaper than two operands, where there is such a thing."""
        return None


class Add(Binary):
    """``x1 + x2``."""

    kind = BinaryKind.ADD
    computed = np.add

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _scale_and_shift(graph, x, 1.0, array)


class Subtract(Binary):
    """``x1 - x2``."""

    kind = BinaryKind.SUBTRACT
    computed = np.subtract

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        if reverse:
            return _scale_and_shift(graph, x, -1.0, array)
        return _scale_and_shift(graph, x, 1.0, -array)


class Multiply(Binary):
    """``x1 * x2``."""

    kind = BinaryKind.MULTIPLY
    computed = np.multiply

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _scale_and_shift(graph, x, array, append.NO_SHIFT)


class Divide(Binary):
    """``x1 / x2``."""

    kind = BinaryKind.DIVIDE
    computed: ClassVar[Any] = np.true_divide

    def _dtype(self, x1: Any, x2: Any) -> str:
        dtype = promoted(x1, x2)
        return dtype if "float" in dtype else "float32"

    _computed_in = _dtype

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        if reverse or not np.all(array):
            return None
        return _scale_and_shift(graph, x, 1.0 / array, append.NO_SHIFT)


class TrueDivide(Divide):
    """``x1 / x2``."""


class FloorDivide(Binary):
    """The whole number of times that `x2` goes into `x1`; truths count as integers."""

    kind = BinaryKind.FLOOR_DIVIDE
    computed: ClassVar[Any] = np.floor_divide

    def _dtype(self, x1: Any, x2: Any) -> str:
        return _counted(promoted(x1, x2))

    _computed_in = _dtype


class Mod(Binary):
    """The rest of a division, with the sign of the divisor."""

    kind = BinaryKind.MODULO
    computed = np.mod

    def _dtype(self, x1: Any, x2: Any) -> str:
        return _counted(promoted(x1, x2))

    _computed_in = _dtype


class Maximum(Binary):
    """The larger of two."""

    kind = BinaryKind.MAXIMUM
    computed = np.maximum

    def _dtype(self, x1: Any, x2: Any) -> str:
        return promoted(x1, x2)

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _step(graph, x, array, lambda low: Activation(Kind.CLIP, low, math.inf))


class Minimum(Binary):
    """The smaller of two."""

    kind = BinaryKind.MINIMUM
    computed = np.minimum

    def _dtype(self, x1: Any, x2: Any) -> str:
        return promoted(x1, x2)

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _step(graph, x, array, lambda high: Activation(Kind.MINIMUM, high))


class Power(Binary):
    """``x1 ** x2``."""

    kind = BinaryKind.POWER
    computed = np.power

    def _computed_in(self, x1: Any, x2: Any) -> str:
        return _counted(promoted(x1, x2))

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        if reverse:
            return None
        special = {2.0: Kind.SQUARE, 0.5: Kind.SQRT, -0.5: Kind.RSQRT, -1.0: Kind.RECIPROCAL}
        return _step(
            graph,
            x,
            array,
            lambda p: Activation(special[p]) if p in special else Activation(Kind.POWER, p),
        )


def _counted(dtype: str) -> str:
    """Return the dtype of what Keras does with truths as with integers."""
    return "int32" if dtype == "bool" else dtype


def _scale_and_shift(graph: Graph, x: Value, scale: Any, shift: Any) -> Value | None:
    """Apply constants that do not make `x` larger; None where they do."""
    for array in (np.asarray(scale), np.asarray(shift)):
        padded = (1,) * (len(x.shape) - array.ndim) + array.shape
        fits = all(n in (1, m) for m, n in zip(x.shape, padded, strict=True))
        if not fits or not np.all(np.isfinite(array)):
            return None
    if not x.shape:
        step = Activation(Kind.SCALE, np.asarray(scale).item(), np.asarray(shift).item())
        return append.activate(graph, x, [step])
    return append.scale_and_shift(graph, x, scale, shift)


def _step(graph: Graph, x: Value, array: np.ndarray[Any, Any], make: Any) -> Value | None:
    """Apply the function that `make` gives for the only number in `array`; None for others."""
    if array.size != 1 or np.isnan(array).any():
        return None
    return append.activate(graph, x, [make(array.item())])


def binary(function: Callable[..., KerasTensor | Float32Array]) -> BinaryFunction:
    """Let type checkers know which of both comes out."""
    return function  # type: ignore[return-value]


@binary
def add(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 + x2``.

    Examples
    --------
    >>> cnnfast.ops.add(np.array([[1.0, 2.0]]), 3)
    array([[4., 5.]], dtype=float32)
    """
    result: KerasTensor | Float32Array = Add()(x1, x2)
    return result


@binary
def subtract(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 - x2``."""
    result: KerasTensor | Float32Array = Subtract()(x1, x2)
    return result


@binary
def multiply(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 * x2``."""
    result: KerasTensor | Float32Array = Multiply()(x1, x2)
    return result


@binary
def divide(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 / x2``."""
    result: KerasTensor | Float32Array = Divide()(x1, x2)
    return result


@binary
def true_divide(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 / x2``."""
    result: KerasTensor | Float32Array = TrueDivide()(x1, x2)
    return result


@binary
def floor_divide(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``floor(x1 / x2)``."""
    result: KerasTensor | Float32Array = FloorDivide()(x1, x2)
    return result


@binary
def mod(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the rest of a division, with the sign of the divisor."""
    result: KerasTensor | Float32Array = Mod()(x1, x2)
    return result


@binary
def maximum(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the larger of two, number by number."""
    result: KerasTensor | Float32Array = Maximum()(x1, x2)
    return result


@binary
def minimum(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the smaller of two, number by number."""
    result: KerasTensor | Float32Array = Minimum()(x1, x2)
    return result


@binary
def power(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 ** x2``."""
    result: KerasTensor | Float32Array = Power()(x1, x2)
    return result
