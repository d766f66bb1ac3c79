"""Functions of all numbers along one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import activations
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import axis_of, batch_shape, call
from cnnfast.ops.pointwise.elementwise import ActivationOperation
from cnnfast.symbolic import bound
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Tensor


class _OfRows(ActivationOperation):
    """A function of all numbers along one axis; a subclass gives its Keras name."""

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any) -> Any:
        array = np.moveaxis(eager.floats(eager.numbers(x)), self.axis, -1)
        # Rows are as images are to the core.
        made = bound.run(type(self)(-1), (array.reshape(-1, array.shape[-1]),), {})
        return np.moveaxis(made.reshape(*array.shape[:-1], -1), -1, self.axis)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        axis_of(self.axis, len(batch_shape(x)))
        return super().compute_output_spec(x)

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = axis_of(self.axis, len(x.shape) + 1) - 1
        rows = append.axis_to_end(graph, x, axis)
        made = activations.get(self.activation).lower(graph, rows)
        return append.axis_from_end(graph, made, axis)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class Sparsemax(_OfRows):
    """The nearest point whose numbers are not below 0 and make 1 together, as Keras has it."""

    activation = "sparsemax"


class Glu(_OfRows):
    """The first half of an axis times the sigmoid of the second."""

    activation = "glu"

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        shape = list(batch_shape(x))
        axis = axis_of(self.axis, len(shape))
        size = shape[axis]
        if size is not None and size % 2:
            raise ValueError(f"the axis must have an even size. Received: shape {tuple(shape)}")
        shape[axis] = None if size is None else size // 2
        return KerasTensor(shape, x.dtype if "float" in x.dtype else "float32")


def sparsemax(x: Tensor, axis: int = -1) -> Tensor:
    """Return the nearest point whose numbers are not below 0 and make 1 together, as Keras has it.

    Parameters
    ----------
    axis
        Not the batch.
    """
    return call(Sparsemax(axis), x)


def glu(x: Tensor, axis: int = -1) -> Tensor:
    """Return the first half of an axis times the sigmoid of the second.

    Parameters
    ----------
    axis
        Not the batch.
    """
    return call(Glu(axis), x)
