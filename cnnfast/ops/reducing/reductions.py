"""Sums, means and extremes over axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cnnfast._core import ActivationKind, BinaryKind, NormalizationKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import Operation, axis_of, batch_shape, call, refuse_batch
from cnnfast.ops.pointwise.elementwise import MATH, NN
from cnnfast.symbolic import dtypes
from cnnfast.symbolic.arguments import axes, boolean, number
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import defaults

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import IntOrSequence, Tensor


class Reduction(Operation):
    """Makes one number of those along `axis`, one axis or several, the batch not among them.

    Parameters
    ----------
    axis
        Batch included.
    keepdims
        Whether axes of size 1 stay.
    """

    kind: ClassVar[ReductionKind]
    keeps_integers: ClassVar[bool] = True
    computed: ClassVar[Any]
    """The function of NumPy."""

    def __init__(
        self, axis: Any = None, keepdims: bool = False, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.axis = axis
        self.keepdims = boolean(keepdims, "keepdims")

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x)
        if not self.keeps_integers:
            array = eager.floats(array)
        axis = None if self.axis is None else axes(self.axis, "axis")
        return type(self).computed(array, axis=axis, keepdims=self.keepdims)

    def _axes(self, rank: int) -> list[int]:
        if self.axis is None:
            refuse_batch("axis=None, which is all axes")
        return sorted({axis_of(axis, rank) for axis in axes(self.axis, "axis")})

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        shape = batch_shape(x)
        reduced = self._axes(len(shape))
        if self.keepdims:
            out = tuple(1 if axis in reduced else size for axis, size in enumerate(shape))
        else:
            out = tuple(size for axis, size in enumerate(shape) if axis not in reduced)
        keep = self.keeps_integers or "float" in x.dtype
        return KerasTensor(out, x.dtype if keep else "float32")

    def lower(self, graph: Graph, x: Value) -> Value:
        reduced = [axis - 1 for axis in self._axes(len(x.shape) + 1)]
        y = self._reduce(graph, x, reduced)
        if self.keepdims:
            return y
        shape = tuple(size for axis, size in enumerate(x.shape) if axis not in reduced)
        return append.reshape(graph, y, shape)

    def _reduce(self, graph: Graph, x: Value, reduced: list[int]) -> Value:
        """Reduce the axes `reduced`, counted without the batch, to size 1."""
        return append.reduce(graph, x, self.kind, reduced)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "keepdims": self.keepdims}


class _Total(Reduction):
    """Of small integers and truths one with 32 bits, as in NumPy and Keras."""

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        y = super().compute_output_spec(x)
        if "float" not in x.dtype:
            y.dtype = dtypes.narrow(np.sum(np.zeros(1, x.dtype)).dtype.name)
        return y


class Sum(_Total):
    """The sum."""

    kind = ReductionKind.SUM
    computed = np.sum


class Mean(Reduction):
    """The mean."""

    kind = ReductionKind.MEAN
    keeps_integers = False
    computed = np.mean


class Prod(_Total):
    """The product."""

    kind = ReductionKind.PRODUCT
    computed = np.prod

    def __init__(
        self,
        axis: Any = None,
        keepdims: bool = False,
        dtype: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(axis, keepdims, name=name)
        if dtype not in (None, "float32"):
            raise UnsupportedError(
                f"`dtype` must be None or 'float32'. Received: dtype={dtype!r}",
                advice="Cast the tensor before: `ops.prod(ops.cast(x, dtype))`.",
            )
        self.dtype = dtype

    def compute(self, x: Any) -> Any:
        return super().compute(x if self.dtype is None else eager.numbers(x).astype(self.dtype))

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        y = super().compute_output_spec(x)
        return y if self.dtype is None else KerasTensor(y.shape, self.dtype)

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), "dtype": self.dtype}


class Amax(Reduction):
    """The largest number."""

    kind = ReductionKind.MAX
    computed = np.max


class Amin(Reduction):
    """The smallest number."""

    kind = ReductionKind.MIN
    computed = np.min


class _Extreme(Reduction):
    def __init__(
        self,
        axis: Any = None,
        keepdims: bool = False,
        initial: float | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(axis, keepdims, name=name)
        if initial is not None:
            raise UnsupportedError(f"`initial` must be None. Received: initial={initial}")

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), "initial": None}


class Max(_Extreme):
    """The largest number."""

    kind = ReductionKind.MAX
    computed = np.max


class Min(_Extreme):
    """The smallest number."""

    kind = ReductionKind.MIN
    computed = np.min


class Var(Reduction):
    """The mean square of the distance from the mean."""

    kind = ReductionKind.MEAN
    keeps_integers = False
    computed = np.var

    def _reduce(self, graph: Graph, x: Value, reduced: list[int]) -> Value:
        mean = append.reduce(graph, x, self.kind, reduced)
        distance = append.binary(graph, x, mean, BinaryKind.SUBTRACT)
        squares = append.activate(graph, distance, [Activation(ActivationKind.SQUARE)])
        return append.reduce(graph, squares, self.kind, reduced)


class Std(Var):
    """The square root of the variance."""

    computed = np.std

    def _reduce(self, graph: Graph, x: Value, reduced: list[int]) -> Value:
        variance = super()._reduce(graph, x, reduced)
        return append.activate(graph, variance, [Activation(ActivationKind.SQRT)])


class Logsumexp(Reduction):
    """``log(sum(exp(x)))``, without overflow."""

    module = MATH
    kind = ReductionKind.SUM
    keeps_integers = False

    @staticmethod
    def computed(array: Any, axis: Any, keepdims: bool) -> Any:
        """Take the largest number off first, where that is finite."""
        largest = np.max(array, axis, keepdims=True)
        below = array - np.where(np.isfinite(largest), largest, 0)
        total = np.log(np.sum(np.exp(below), axis, keepdims=True)) + np.where(
            np.isfinite(largest), largest, 0
        )
        return total if keepdims else np.squeeze(total, axis)

    def _reduce(self, graph: Graph, x: Value, reduced: list[int]) -> Value:
        largest = append.reduce(graph, x, ReductionKind.MAX, reduced)
        # Infinite, it would leave NaN.
        limit = float(np.finfo(np.float32).max)
        finite = [Activation(ActivationKind.CLIP, -limit, limit)]
        largest = append.activate(graph, largest, finite)
        below = append.binary(graph, x, largest, BinaryKind.SUBTRACT)
        powers = append.activate(graph, below, [Activation(ActivationKind.EXP)])
        total = append.reduce(graph, powers, self.kind, reduced)
        logarithm = append.activate(graph, total, [Activation(ActivationKind.LOG)])
        return append.binary(graph, logarithm, largest, BinaryKind.ADD)


class LogSoftmax(Operation):
    """The logarithm of `Softmax` over `axis`."""

    module = NN

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any) -> Any:
        array = eager.floats(eager.numbers(x))
        with np.errstate(invalid="ignore"):  # what is infinite gives NaN
            below = array - array.max(self.axis, keepdims=True)
        return below - np.log(np.exp(below).sum(self.axis, keepdims=True))

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        axis_of(self.axis, len(batch_shape(x)))
        return KerasTensor(batch_shape(x), x.dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = axis_of(self.axis, len(x.shape) + 1) - 1
        largest = append.reduce(graph, x, ReductionKind.MAX, [axis])
        below = append.binary(graph, x, largest, BinaryKind.SUBTRACT)
        powers = append.activate(graph, below, [Activation(ActivationKind.EXP)])
        total = append.reduce(graph, powers, ReductionKind.SUM, [axis])
        total = append.activate(graph, total, [Activation(ActivationKind.LOG)])
        return append.binary(graph, below, total, BinaryKind.SUBTRACT)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Normalize(Operation):
    """``x / max(norm(x), epsilon)`` with the Euclidean norm along one axis."""

    module = NN

    def __init__(
        self,
        axis: int = -1,
        order: float = 2,
        epsilon: float | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if order != 2:
            raise UnsupportedError(f"`order` must be 2. Received: order={order}")
        self.axis = axis
        self.epsilon = None if epsilon is None else number(epsilon, "epsilon")

    @property
    def _least_square(self) -> float:
        """No squared norm is taken for smaller."""
        return (defaults.epsilon() if self.epsilon is None else self.epsilon) ** 2

    def compute(self, x: Any) -> Any:
        array = eager.floats(eager.numbers(x))
        squares = np.sum(array * array, self.axis, keepdims=True)
        return array / np.sqrt(np.maximum(squares, np.float32(self._least_square)))

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        axis_of(self.axis, len(batch_shape(x)))
        return KerasTensor(batch_shape(x), x.dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = axis_of(self.axis, len(x.shape) + 1) - 1
        rows = append.axis_to_end(graph, x, axis)
        kind = NormalizationKind.L2
        y = graph.add(ops.Normalize(rows, Value(rows.shape), kind, self._least_square))
        return append.axis_from_end(graph, y, axis)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "order": 2, "epsilon": self.epsilon}


def mean(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the mean over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.

    Examples
    --------
    >>> cnnfast.ops.mean(np.array([[1.0, 2.0, 6.0]]), axis=1)
    array([3.], dtype=float32)
    """
    return call(Mean(axis, keepdims), x)


def sum(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the sum over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Sum(axis, keepdims), x)


def max(
    x: Tensor,
    axis: IntOrSequence | None = None,
    keepdims: bool = False,
    initial: None = None,
) -> Tensor:
    """Return the largest number over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    initial
        Must be None.
    """
    return call(Max(axis, keepdims, initial), x)


def min(
    x: Tensor,
    axis: IntOrSequence | None = None,
    keepdims: bool = False,
    initial: None = None,
) -> Tensor:
    """Return the smallest number over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    initial
        Must be None.
    """
    return call(Min(axis, keepdims, initial), x)


def prod(
    x: Tensor,
    axis: IntOrSequence | None = None,
    keepdims: bool = False,
    dtype: Literal["float32"] | None = None,
) -> Tensor:
    """Return the product over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    dtype
        ``"float32"``, in which it is computed and returned; None for the dtype of `x`.
    """
    return call(Prod(axis, keepdims, dtype), x)


def amax(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the largest number over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Amax(axis, keepdims), x)


def amin(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the smallest number over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Amin(axis, keepdims), x)


def var(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the variance over axes: the mean square of the distance from the mean.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Var(axis, keepdims), x)


def std(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return the square root of the variance over axes.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Std(axis, keepdims), x)


def logsumexp(x: Tensor, axis: IntOrSequence | None = None, keepdims: bool = False) -> Tensor:
    """Return ``log(sum(exp(x)))`` over axes, without overflow.

    Parameters
    ----------
    axis
        One axis or several, the batch not among them; None, all axes, is refused.
    keepdims
        Whether axes of size 1 stay.
    """
    return call(Logsumexp(axis, keepdims), x)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Return the logarithm of `softmax`.

    Parameters
    ----------
    axis
        Not the batch.
    """
    return call(LogSoftmax(axis), x)


def normalize(x: Tensor, axis: int = -1, order: float = 2, epsilon: float | None = None) -> Tensor:
    """Return ``x / max(norm(x), epsilon)`` with the Euclidean norm along one axis.

    Parameters
    ----------
    axis
        Not the batch.
    order
        Must be 2.
    epsilon
        No norm is taken for smaller; `cnnfast.config.epsilon` where None.
    """
    return call(Normalize(axis, order, epsilon), x)
