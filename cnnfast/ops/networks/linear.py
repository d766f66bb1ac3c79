"""Matrix products."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.lowering.contraction import contract
from cnnfast.ops.base import eager
from cnnfast.ops.base.eager import promoted
from cnnfast.ops.base.operation import Operation, batch_shape, is_tensor, weights_of
from cnnfast.ops.pointwise.arithmetic import binary
from cnnfast.symbolic import dtypes
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import Operand

_LETTERS = string.ascii_lowercase


class Matmul(Operation):
    """``x1 @ x2``: of matrices, image by image, or of a tensor and a constant, on either side."""

    def compute(self, x1: Any, x2: Any) -> Any:
        return np.matmul(*eager.together(x1, x2))

    def compute_output_spec(self, x1: Any, x2: Any) -> KerasTensor:
        a, b = self._shapes(x1, x2)
        if len(b) > 1:
            inner, columns = b[-2], b[-1:]
        else:
            inner, columns = b[-1], ()
        if None not in (a[-1], inner) and a[-1] != inner:
            raise ValueError(f"the inner sizes must be the same. Received: shapes {a} and {b}")
        rows = a[-2:-1]
        leading = self._leading(a[:-2], b[:-2])
        return KerasTensor((*leading, *rows, *columns), dtypes.arithmetic(promoted(x1, x2)))

    def _shapes(self, x1: Any, x2: Any) -> tuple[BatchShape, BatchShape]:
        """Return both shapes; a constant has no batch unless it has all other leading axes."""
        shapes = [batch_shape(x) if is_tensor(x) else np.shape(eager.given(x)) for x in (x1, x2)]
        a, b = shapes
        tensors = [is_tensor(x) for x in (x1, x2)]
        if all(tensors):
            if len(a) != len(b) or len(a) < 3:
                self._refuse("two tensors must have the same axes before the last two", a, b)
            return a, b
        tensor, other = (a, b) if tensors[0] else (b, a)
        if not other:
            raise ValueError(f"a scalar is no matrix: multiply. Received: shapes {a} and {b}")
        leading = len(other) - 2
        batched = len(other) > len(tensor) or (len(other) == len(tensor) and other[0] != 1)
        if leading > 0 and (batched or len(tensor) < 3):
            self._refuse("a constant must be the same for every image, as a matrix is", a, b)
        if not tensors[0] and len(tensor) < 3:
            self._refuse("a tensor on the right must have matrices beside its batch", a, b)
        return a, b

    def _refuse(self, rule: str, a: BatchShape, b: BatchShape) -> None:
        raise UnsupportedError(f"{rule}: the first axis is the batch. Received: shapes {a} and {b}")

    def _leading(self, a: BatchShape, b: BatchShape) -> BatchShape:
        """Return what the axes before the last two become."""
        rank = max(len(a), len(b))
        sizes: list[int | None] = []
        for m, n in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
            if None not in (m, n) and m != n and 1 not in (m, n):
                self._refuse("two tensors must have the same axes before the last two", a, b)
            sizes.append(n if m == 1 else m)
        return tuple(sizes)

    def lower(self, graph: Graph, x1: Any, x2: Any) -> Value:
        if isinstance(x1, Value) and isinstance(x2, Value):
            return self._of_tensors(graph, x1, x2)
        tensor, other = (x1, x2) if isinstance(x1, Value) else (x2, x1)
        weights = weights_of(other)
        letters = _LETTERS[: len(tensor.shape)]
        if len(weights.shape) == len(letters) + 1 > 2:
            weights = weights.reshape(*weights.shape[1:])  # without the batch, which is 1
        count, new = len(weights.shape), _LETTERS[len(letters)]
        leading = letters[:-2][len(letters[:-2]) - max(count - 2, 0) :]
        if tensor is x1:
            # (..., m, k) @ (..., k, n): k is the last letter of the tensor.
            of_weights = letters[-1] if count == 1 else leading + letters[-1] + new
            out = letters[:-1] + (new if count > 1 else "")
            return contract(graph, tensor, letters, weights, of_weights, out)
        of_weights = letters[-2] if count == 1 else leading + new + letters[-2]
        out = letters[:-2] + (new if count > 1 else "") + letters[-1]
        return contract(graph, tensor, letters, weights, of_weights, out)

    def _of_tensors(self, graph: Graph, x1: Value, x2: Value) -> Value:
        leading = tuple(
            n if m == 1 else m for m, n in zip(x1.shape[:-2], x2.shape[:-2], strict=True)
        )
        for axis, size in enumerate(leading):
            x1, x2 = (
                append.repeat(graph, x, {axis: size}) if x.shape[axis] != size else x
                for x in (x1, x2)
            )
        out = Value((*leading, x1.shape[-2], x2.shape[-1]))
        return graph.add(ops.MatMul(x1, x2, out))


class Dot(Matmul):
    """``x1`` times one constant matrix or vector."""

    def compute(self, x1: Any, x2: Any) -> Any:
        return np.dot(*eager.together(x1, x2))

    def compute_output_spec(self, x1: Any, x2: Any) -> KerasTensor:
        if is_tensor(x2) or np.ndim(eager.given(x2)) > 2:
            raise UnsupportedError(
                "the right operand must be a constant matrix, for two tensors would mix images. "
                f"Received: {x2}"
            )
        return super().compute_output_spec(x1, x2)


@binary
def matmul(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return ``x1 @ x2``, of matrices image by image or of a tensor and constant matrices.

    Examples
    --------
    >>> cnnfast.ops.matmul(np.ones((1, 2, 3)), np.ones((3, 5))).shape
    (1, 2, 5)
    """
    result: KerasTensor | Float32Array = Matmul()(x1, x2)
    return result


@binary
def dot(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return `x1` times one constant matrix or vector."""
    result: KerasTensor | Float32Array = Dot()(x1, x2)
    return result
