"""Normalizations whose statistics or weights are arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import NormalizationKind as Kind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import Operation, axis_of, batch_shape, call
from cnnfast.ops.pointwise.arithmetic import add, multiply
from cnnfast.ops.pointwise.elementwise import NN, rsqrt
from cnnfast.ops.pointwise.functions import as_float, is_whole
from cnnfast.ops.shaping.arrangement import reshape
from cnnfast.ops.shaping.pieces import ndim_of, shape_of
from cnnfast.symbolic.arguments import axes, boolean, integer, number
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import defaults
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, IntOrSequence, Tensor


class _Normalized(Operation):
    """What the core's normalization makes of `axes` together."""

    def __init__(self, kind: Kind, axes: Any, epsilon: float) -> None:
        super().__init__(name="normalize")
        self.kind, self.axes, self.epsilon = kind, axes, epsilon

    def compute(self, x: Any) -> Any:
        array = eager.floats(eager.numbers(x))
        centred = array - array.mean(self.axes, keepdims=True)
        of = array if self.kind is Kind.RMS else centred
        inverse = 1.0 / np.sqrt(np.mean(of * of, self.axes, keepdims=True) + self.epsilon)
        return ((centred if self.kind is Kind.STANDARD else array) * inverse).astype(array.dtype)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        for axis in self.axes:
            axis_of(axis, len(x.shape))
        return KerasTensor(batch_shape(x), x.dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        def along_rows(rows: Value) -> Value:
            return graph.add(ops.Normalize(rows, Value(rows.shape), self.kind, self.epsilon))

        own = [axis_of(axis, len(x.shape) + 1) - 1 for axis in self.axes]
        return append.over_rows(graph, x, sorted(own), along_rows)


def _of_floats(x: Any) -> Any:
    """Return `x`, which has no dtype of integers.

    Raises
    ------
    UnsupportedError
        If it has one: Keras drops the fractions of what it computes.
    """
    if is_whole(x):
        raise UnsupportedError(
            "the normalized numbers would be integers, as their dtype is. Received: dtype "
            f"{eager.dtype_of(x)}",
            advice="Cast to float32 first.",
        )
    return as_float(x)


class LayerNorm(Composite):
    """Less the mean, over the standard deviation, times `gamma`, plus `beta`."""

    module = NN

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float | None = None,
        rms_scaling: bool = False,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.axis, self.epsilon = axis, epsilon
        self.rms_scaling = boolean(rms_scaling, "rms_scaling")

    def composed(self, x: Any, gamma: Any = None, beta: Any = None) -> Any:
        epsilon = defaults.epsilon() if self.epsilon is None else number(self.epsilon, "epsilon")
        along = axes(self.axis, "axis")
        kind = Kind.VARIANCE if self.rms_scaling else Kind.STANDARD
        y = _Normalized(kind, along, epsilon)(_of_floats(x))
        if gamma is not None:
            y = multiply(y, _beside(gamma, x, along))
        # Keras does not add it to what is only scaled.
        return y if beta is None or self.rms_scaling else add(y, _beside(beta, x, along))

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "epsilon": self.epsilon, "rms_scaling": self.rms_scaling}


class RMSNorm(Composite):
    """Over the root of the mean square, times `scale`."""

    module = NN

    def __init__(
        self, axis: Any = -1, epsilon: float | None = None, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.axis, self.epsilon = axis, epsilon

    def composed(self, x: Any, scale: Any = None) -> Any:
        epsilon = defaults.epsilon() if self.epsilon is None else number(self.epsilon, "epsilon")
        y = _Normalized(Kind.RMS, axes(self.axis, "axis"), epsilon)(_of_floats(x))
        return y if scale is None else multiply(y, scale)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "epsilon": self.epsilon}


class BatchNorm(Composite):
    """Less a given mean, over the root of a given variance, times a scale, plus an offset."""

    module = NN

    def __init__(self, axis: Any, epsilon: float = 1e-3, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis, self.epsilon = axis, number(epsilon, "epsilon")

    def composed(
        self, x: Any, mean: Any, variance: Any, offset: Any = None, scale: Any = None
    ) -> Any:
        along = (integer(self.axis) % ndim_of(x),)
        inverse = rsqrt(add(as_float(variance), self.epsilon))
        if scale is not None:
            inverse = multiply(inverse, scale)
        shift = multiply(-as_float(mean), inverse)
        if offset is not None:
            shift = add(shift, offset)
        return add(multiply(x, _beside(inverse, x, along)), _beside(shift, x, along))

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "epsilon": self.epsilon}


def _beside(weights: Any, x: Any, along: tuple[int, ...]) -> Any:
    """Return weights that have a number for each position of some axes, fit for `x`."""
    rank = ndim_of(x)
    axes_of_x = [axis % rank for axis in sorted(along)]
    if isinstance(weights, KerasTensor) or axes_of_x == [rank - 1]:
        return weights
    if len(shape_of(weights)) == rank:
        return weights
    shape = shape_of(x)
    sizes = [shape[axis] if axis in axes_of_x else 1 for axis in range(rank)]
    return reshape(eager.given(weights), sizes)


def layer_normalization(
    x: Tensor,
    gamma: Array | Variable | None = None,
    beta: Array | Variable | None = None,
    axis: IntOrSequence = -1,
    epsilon: float | None = None,
    **kwargs: bool,
) -> Tensor:
    """Return a tensor less its mean, over its standard deviation.

    Parameters
    ----------
    gamma
        What that is multiplied by, for each position of the axes; None for nothing.
    beta
        What is added; None for nothing.
    axis
        One axis or several together, the batch not among them.
    epsilon
        Added to the variance; `cnnfast.config.epsilon` where None.
    **kwargs
        ``rms_scaling``: whether the mean stays, as in old versions of Keras.
    """
    operation = LayerNorm(axis, epsilon, kwargs.get("rms_scaling", False))
    if kwargs.keys() - {"rms_scaling"}:
        raise ValueError(f"there is no such argument. Received: {sorted(kwargs)}")
    return call(operation, x, gamma, beta)


def rms_normalization(
    x: Tensor,
    scale: Array | Variable | float | None = None,
    axis: IntOrSequence = -1,
    epsilon: float | None = None,
) -> Tensor:
    """Return a tensor over the root of its mean square.

    Parameters
    ----------
    scale
        What that is multiplied by; None for nothing.
    axis
        One axis or several together, the batch not among them.
    epsilon
        Added to the mean square; `cnnfast.config.epsilon` where None.
    """
    return call(RMSNorm(axis, epsilon), x, scale)


def batch_normalization(
    x: Tensor,
    mean: Array | Variable,
    variance: Array | Variable,
    axis: int,
    offset: Array | Variable | None = None,
    scale: Array | Variable | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """Return a tensor less a given mean, over the root of a given variance.

    Parameters
    ----------
    mean, variance
        For each position of the axis.
    axis
        Not the batch.
    offset
        What is added; None for nothing.
    scale
        What it is multiplied by before; None for nothing.
    epsilon
        Added to the variance.
    """
    return call(BatchNorm(axis, epsilon), x, mean, variance, offset, scale)
