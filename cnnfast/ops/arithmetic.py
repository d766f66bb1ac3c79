"""Functions of two tensors, or of a tensor and constants, number by number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast._core import ActivationKind as Kind
from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, BatchShape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.operation import Constant, Operation, batch_shape, constant, is_tensor
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

    def compute_output_spec(self, x1: Any, x2: Any) -> KerasTensor:
        operands = [x if is_tensor(x) else constant(x) for x in (x1, x2)]
        shapes = [_shape(x, operands) for x in operands]
        return KerasTensor(_broadcast(*shapes), self._dtype(x1, x2))

    def _dtype(self, x1: Any, x2: Any) -> str:
        dtype = promoted(x1, x2)
        if dtypes.wraps(dtype):
            raise UnsupportedError(
                "arithmetic of small or unsigned integers wraps around, which the core, working "
                f"in float32, does not. Received: dtype {dtype}",
                advice="Cast to float32 first.",
            )
        return dtype

    def lower(self, graph: Graph, x1: Any, x2: Any) -> Value:
        operands = [x if isinstance(x, Value) else constant(x) for x in (x1, x2)]
        left, right = operands
        if isinstance(right, Constant) and isinstance(left, Value):
            y = self._with_constant(graph, left, _stripped(right, left), reverse=False)
        elif isinstance(left, Constant) and isinstance(right, Value):
            y = self._with_constant(graph, right, _stripped(left, right), reverse=True)
        else:
            y = None
        if y is None:
            rank = max(len(x.shape) for x in operands if isinstance(x, Value))
            values = [_value(graph, x, rank) for x in operands]
            y = append.binary(graph, values[0], values[1], self.kind)
        return self._finish(graph, y)

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        """Lower to something cheaper than two operands, where there is such a thing."""
        return None

    def _finish(self, graph: Graph, y: Value) -> Value:
        return y


class Add(Binary):
    """``x1 + x2``."""

    kind = BinaryKind.ADD

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _scale_and_shift(graph, x, 1.0, array)


class Subtract(Binary):
    """``x1 - x2``."""

    kind = BinaryKind.SUBTRACT

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        if reverse:
            return _scale_and_shift(graph, x, -1.0, array)
        return _scale_and_shift(graph, x, 1.0, -array)


class Multiply(Binary):
    """``x1 * x2``."""

    kind = BinaryKind.MULTIPLY

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _scale_and_shift(graph, x, array, 0.0)


class Divide(Binary):
    """``x1 / x2``."""

    kind = BinaryKind.DIVIDE

    def _dtype(self, x1: Any, x2: Any) -> str:
        dtype = promoted(x1, x2)
        return dtype if "float" in dtype else "float32"

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        if reverse or not np.all(array):
            return None
        return _scale_and_shift(graph, x, 1.0 / array, 0.0)


class TrueDivide(Divide):
    """``x1 / x2``."""


class FloorDivide(Divide):
    """``floor(x1 / x2)``."""

    def _dtype(self, x1: Any, x2: Any) -> str:
        return promoted(x1, x2)

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        # A product with the inverse may fall short of a whole number.
        return None

    def _finish(self, graph: Graph, y: Value) -> Value:
        return append.activate(graph, y, [Activation(Kind.FLOOR)])


class Maximum(Binary):
    """The larger of two."""

    kind = BinaryKind.MAXIMUM

    def _dtype(self, x1: Any, x2: Any) -> str:
        return promoted(x1, x2)

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _step(graph, x, array, lambda low: Activation(Kind.CLIP, low, math.inf))


class Minimum(Binary):
    """The smaller of two."""

    kind = BinaryKind.MINIMUM

    def _dtype(self, x1: Any, x2: Any) -> str:
        return promoted(x1, x2)

    def _with_constant(
        self, graph: Graph, x: Value, array: np.ndarray[Any, Any], *, reverse: bool
    ) -> Value | None:
        return _step(graph, x, array, lambda high: Activation(Kind.MINIMUM, high))


class Power(Binary):
    """``x1 ** x2``."""

    kind = BinaryKind.POWER

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


def promoted(*operands: Any) -> str:
    """Return the dtype of a result: Python numbers adapt to the tensor, as in Keras."""
    dtypes = [x.dtype for x in operands if hasattr(x, "dtype") and not isinstance(x, float)]
    names = [str(dtype) for dtype in dtypes]
    floats = [name for name in names if "float" in name]
    if floats:
        return "float32" if len(set(floats)) > 1 else floats[0]
    if any(isinstance(leaf, float) for x in operands for leaf in np.ravel(_plain(x)).tolist()):
        return "float32"
    return names[0] if len(set(names)) == 1 else "int32"


def _plain(x: Any) -> Any:
    return x if isinstance(x, int | float | list | tuple) else 0


def _shape(operand: Any, operands: Sequence[Any]) -> BatchShape:
    """Return the shape of an operand, with a batch and all axes of the tensor beside it."""
    if not isinstance(operand, Constant):
        return batch_shape(operand)
    tensor = next((x for x in operands if not isinstance(x, Constant)), None)
    assert tensor is not None
    return (1, *_stripped(operand, tensor).shape)


def _stripped(operand: Constant, tensor: KerasTensor | Value) -> np.ndarray[Any, Any]:
    """Return a constant with as many axes as one image of `tensor`."""
    rank = len(batch_shape(tensor))
    array = operand.array
    if array.ndim > rank or (array.ndim == rank and len(array) != 1):
        raise UnsupportedError(
            "a constant beside a tensor must have fewer axes than it, or 1 as its first size: "
            f"the first axis is the batch. Received: a constant of shape {array.shape} and a "
            f"tensor of shape {batch_shape(tensor)}"
        )
    if array.ndim == rank:
        array = array[0]
    return array.reshape((1,) * (rank - 1 - array.ndim) + array.shape)


def _broadcast(a: BatchShape, b: BatchShape) -> BatchShape:
    if len(a) != len(b):
        raise UnsupportedError(
            "two tensors must have the same number of axes, as both begin with the batch. "
            f"Received: shapes {a} and {b}"
        )
    sizes: list[int | None] = []
    for m, n in zip(a, b, strict=True):
        if m is not None and n is not None and m != n and 1 not in (m, n):
            raise ValueError(f"shapes must match or be 1. Received: shapes {a} and {b}")
        sizes.append(n if m == 1 or (m is None and n != 1) else m)
    return tuple(sizes)


def _value(graph: Graph, operand: Value | Constant, rank: int) -> Value:
    if isinstance(operand, Value):
        return operand
    return append.constant(graph, _stripped(operand, Value((1,) * rank)))


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
    """Apply the function that `make` gives for the only number in `array`; None for several."""
    return append.activate(graph, x, [make(array.item())]) if array.size == 1 else None


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
