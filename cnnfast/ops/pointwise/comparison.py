"""Comparisons, logic and choices, number by number; truth is 1 or 0 of dtype bool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import (
    Operation,
    batch_shape,
    broadcast,
    call,
    rank_of,
    spec_of,
    value_of,
)
from cnnfast.ops.pointwise.arithmetic import Binary, binary
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import Array, Operand, Tensor


class Comparison(Binary):
    """A question about two operands; a subclass says which."""

    turned: ClassVar[bool] = False
    """Whether the second operand is asked about the first."""

    def _dtype(self, x1: Any, x2: Any) -> str:
        return "bool"

    def lower(self, graph: Graph, x1: Any, x2: Any) -> Value:
        return super().lower(graph, x2, x1) if self.turned else super().lower(graph, x1, x2)


class Equal(Comparison):
    """``x1 == x2``."""

    kind = BinaryKind.EQUAL
    computed = np.equal


class NotEqual(Comparison):
    """``x1 != x2``."""

    kind = BinaryKind.NOT_EQUAL
    computed = np.not_equal


class Greater(Comparison):
    """``x1 > x2``."""

    kind = BinaryKind.GREATER
    computed = np.greater


class GreaterEqual(Comparison):
    """``x1 >= x2``."""

    kind = BinaryKind.GREATER_EQUAL
    computed = np.greater_equal


class Less(Comparison):
    """``x1 < x2``."""

    kind = BinaryKind.GREATER
    computed = np.less
    turned = True


class LessEqual(Comparison):
    """``x1 <= x2``."""

    kind = BinaryKind.GREATER_EQUAL
    computed = np.less_equal
    turned = True


class LogicalAnd(Comparison):
    """Whether both are true, as all numbers but 0 are."""

    kind = BinaryKind.LOGICAL_AND
    computed = np.logical_and


class LogicalOr(Comparison):
    """Whether one or both are true, as all numbers but 0 are."""

    kind = BinaryKind.LOGICAL_OR
    computed = np.logical_or


class LogicalXor(Comparison):
    """Whether just one is true, as all numbers but 0 are."""

    kind = BinaryKind.LOGICAL_XOR
    computed = np.logical_xor


class _Question(Operation):
    """A question about each number alone; a subclass lowers it."""

    computed: ClassVar[Any]

    def compute(self, x: Any) -> Any:
        return type(self).computed(eager.numbers(x))

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(batch_shape(x), "bool")


def compared(graph: Graph, x: Value, number: float, kind: BinaryKind) -> Value:
    """Compare each number of `x` with one."""
    other = append.constant(graph, np.full((1,) * len(x.shape), number, np.float32))
    return append.binary(graph, x, other, kind)


class LogicalNot(_Question):
    """Whether it is 0."""

    computed = staticmethod(np.logical_not)

    def lower(self, graph: Graph, x: Value) -> Value:
        return compared(graph, x, 0.0, BinaryKind.EQUAL)


class Isnan(_Question):
    """Whether it is NaN."""

    computed = staticmethod(np.isnan)

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.binary(graph, x, x, BinaryKind.NOT_EQUAL)


class Isposinf(_Question):
    """Whether it is infinite and above 0."""

    computed = staticmethod(np.isposinf)
    number: ClassVar[float] = np.inf

    def lower(self, graph: Graph, x: Value) -> Value:
        return compared(graph, x, self.number, BinaryKind.EQUAL)


class Isneginf(Isposinf):
    """Whether it is infinite and below 0."""

    computed = staticmethod(np.isneginf)
    number = -np.inf


class Isinf(_Question):
    """Whether it is infinite."""

    computed = staticmethod(np.isinf)

    def lower(self, graph: Graph, x: Value) -> Value:
        above, below = (compared(graph, x, n, BinaryKind.EQUAL) for n in (np.inf, -np.inf))
        return append.binary(graph, above, below, BinaryKind.LOGICAL_OR)


class Isfinite(_Question):
    """Whether it is neither infinite nor NaN."""

    computed = staticmethod(np.isfinite)

    def lower(self, graph: Graph, x: Value) -> Value:
        # A number times 0 is 0; the others become NaN.
        nothing = append.binary(
            graph,
            x,
            append.constant(graph, np.zeros((1,) * len(x.shape), np.float32)),
            BinaryKind.MULTIPLY,
        )
        return append.binary(graph, nothing, nothing, BinaryKind.EQUAL)


class Where(Operation):
    """`x1` where the condition is not 0, else `x2`."""

    def compute(self, condition: Any, x1: Any = None, x2: Any = None) -> Any:
        truth = eager.numbers(condition)
        if x1 is None and x2 is None:
            return tuple(place.astype(np.int32) for place in np.nonzero(truth))
        return np.where(truth, *eager.together(x1, x2))

    def compute_output_spec(self, condition: Any, x1: Any = None, x2: Any = None) -> KerasTensor:
        if x1 is None or x2 is None:
            raise UnsupportedError(
                "where a condition holds is another number of positions for each image. Received: "
                f"x1={x1}, x2={x2}",
                advice="Give both: `ops.where(condition, x1, x2)`.",
            )
        rank = rank_of((condition, x1, x2))
        shapes = [spec_of(x, rank) for x in (condition, x1, x2)]
        return KerasTensor(broadcast(*shapes), eager.promoted(x1, x2))

    def lower(self, graph: Graph, condition: Any, x1: Any, x2: Any) -> Value:
        rank = rank_of((condition, x1, x2))
        truth, yes, no = (value_of(graph, x, rank) for x in (condition, x1, x2))
        kept = append.binary(graph, yes, truth, BinaryKind.KEEP)
        left = append.binary(graph, no, truth, BinaryKind.LEAVE)
        return append.binary(graph, kept, left, BinaryKind.EITHER)


@binary
def equal(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return whether two numbers are the same."""
    result: KerasTensor | Float32Array = Equal()(x1, x2)
    return result


@binary
def not_equal(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return whether two numbers differ."""
    result: KerasTensor | Float32Array = NotEqual()(x1, x2)
    return result


@binary
def greater(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 > x2``.

    Examples
    --------
    >>> cnnfast.ops.greater(np.array([1.0, 3.0]), 2)
    array([False,  True])
    """
    result: KerasTensor | Float32Array = Greater()(x1, x2)
    return result


@binary
def greater_equal(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 >= x2``."""
    result: KerasTensor | Float32Array = GreaterEqual()(x1, x2)
    return result


@binary
def less(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 < x2``."""
    result: KerasTensor | Float32Array = Less()(x1, x2)
    return result


@binary
def less_equal(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 <= x2``."""
    result: KerasTensor | Float32Array = LessEqual()(x1, x2)
    return result


@binary
def logical_and(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return whether both are true, as all numbers but 0 are."""
    result: KerasTensor | Float32Array = LogicalAnd()(x1, x2)
    return result


@binary
def logical_or(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return whether one or both are true, as all numbers but 0 are."""
    result: KerasTensor | Float32Array = LogicalOr()(x1, x2)
    return result


@binary
def logical_xor(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return whether just one is true, as all numbers but 0 are."""
    result: KerasTensor | Float32Array = LogicalXor()(x1, x2)
    return result


def logical_not(x: Tensor) -> Tensor:
    """Return whether a number is 0."""
    return call(LogicalNot(), x)


def isnan(x: Tensor) -> Tensor:
    """Return whether a number is NaN."""
    return call(Isnan(), x)


def isinf(x: Tensor) -> Tensor:
    """Return whether a number is infinite."""
    return call(Isinf(), x)


def isposinf(x: Tensor) -> Tensor:
    """Return whether a number is infinite and above 0."""
    return call(Isposinf(), x)


def isneginf(x: Tensor) -> Tensor:
    """Return whether a number is infinite and below 0."""
    return call(Isneginf(), x)


def isfinite(x: Tensor) -> Tensor:
    """Return whether a number is neither infinite nor NaN."""
    return call(Isfinite(), x)


def where(
    condition: Operand, x1: Operand | None = None, x2: Operand | None = None
) -> KerasTensor | Array:
    """Return `x1` where a condition is not 0, else `x2`.

    Parameters
    ----------
    condition
        Such as a comparison returns.
    x1, x2
        Tensors or numbers that fit it, or None, of arrays only: then where the condition holds is
        returned, one array of positions for each axis.

    Examples
    --------
    >>> x = np.array([[-1.0, 2.0]])
    >>> cnnfast.ops.where(x > 0, x, 0.0)
    array([[0., 2.]], dtype=float32)
    """
    result: KerasTensor | Array = Where()(condition, x1, x2)
    return result
