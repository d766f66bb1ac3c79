"""Matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.arithmetic import binary, promoted
from cnnfast.ops.operation import Operation, batch_shape, constant, is_tensor
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import Operand


class Matmul(Operation):
    """``x1 @ x2``: of matrices, image by image, or of a tensor and one constant matrix."""

    def compute_output_spec(self, x1: Any, x2: Any) -> KerasTensor:
        if not is_tensor(x1):
            raise UnsupportedError(f"the left operand must be a tensor. Received: {x1!r:.200}")
        a = batch_shape(x1)
        b = batch_shape(x2) if is_tensor(x2) else self._matrix(x2).shape
        if is_tensor(x2):
            leading = [{m, n} - {None} for m, n in zip(a[1:-2], b[1:-2], strict=False)]
            if len(a) != len(b) or len(a) < 3 or any(len(sizes) > 1 for sizes in leading):
                raise UnsupportedError(
                    "two tensors must have the same axes before the last two, the batch being the "
                    f"first. Received: shapes {a} and {b}"
                )
        if None not in (a[-1], b[-2]) and a[-1] != b[-2]:
            raise ValueError(f"the inner sizes must be the same. Received: shapes {a} and {b}")
        return KerasTensor((*a[:-1], b[-1]), promoted(x1, x2))

    def _matrix(self, x: Any) -> np.ndarray[Any, Any]:
        array = constant(x).array
        if array.ndim != 2:
            raise UnsupportedError(
                f"a constant operand must be a matrix. Received: shape {array.shape}"
            )
        return array

    def lower(self, graph: Graph, x1: Value, x2: Any) -> Value:
        if isinstance(x2, Value):
            out = Value((*x1.shape[:-1], x2.shape[-1]))
            return graph.add(ops.MatMul(x1, x2, out))
        matrix = np.ascontiguousarray(self._matrix(x2), np.float32)
        shape = (*x1.shape[:-1], matrix.shape[1])
        return append.product(graph, x1, matrix, None, shape)


class Dot(Matmul):
    """``x1`` times one constant matrix."""

    def compute_output_spec(self, x1: Any, x2: Any) -> KerasTensor:
        if is_tensor(x2):
            raise UnsupportedError(
                "the right operand must be a constant matrix, for two tensors would mix images. "
                f"Received: {x2}"
            )
        return super().compute_output_spec(x1, x2)


@binary
def matmul(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 @ x2``, of matrices image by image or of a tensor and one constant matrix.

    Examples
    --------
    >>> cnnfast.ops.matmul(np.ones((1, 2, 3)), np.ones((3, 5))).shape
    (1, 2, 5)
    """
    result: KerasTensor | Float32Array = Matmul()(x1, x2)
    return result


@binary
def dot(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return `x1` times one constant matrix."""
    result: KerasTensor | Float32Array = Dot()(x1, x2)
    return result
