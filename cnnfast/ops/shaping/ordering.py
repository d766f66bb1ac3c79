"""Operations along an axis that order its numbers, say where they stand, pick and add them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast._core import ScanKind
from cnnfast.engine import index_ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import (
    Operation,
    axis_of,
    batch_shape,
    call,
    is_tensor,
    refuse_batch,
)
from cnnfast.ops.pointwise.elementwise import MATH
from cnnfast.symbolic.arguments import boolean, positive_integer
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, DTypeLike, Tensor


def one_axis(axis: Any, rank: int) -> int:
    """Return `axis`, which must be one and not the batch, counted from the batch."""
    if axis is None:
        refuse_batch("axis=None, which lays out all numbers as one axis")
    return axis_of(axis, rank)


class _Along(Operation):
    """Works along `axis`, batch included; the shape stays."""

    computed: ClassVar[Any]

    def __init__(self, axis: int | None = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any) -> Any:
        return type(self).computed(eager.numbers(x), axis=self.axis)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        shape = batch_shape(x)
        one_axis(self.axis, len(shape))
        return KerasTensor(shape, self._dtype(x.dtype))

    def _dtype(self, dtype: str) -> str:
        return dtype

    def lower(self, graph: Graph, x: Value) -> Value:
        return self._lowered(graph, x, one_axis(self.axis, len(x.shape) + 1) - 1)

    def _lowered(self, graph: Graph, x: Value, axis: int) -> Value:
        raise NotImplementedError

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


def _stable(array: Array, axis: int | None) -> Array:
    return np.argsort(array, axis, kind="stable").astype(np.int32)


class Argsort(_Along):
    """The positions of an axis in the order of their numbers, equal ones as they stand."""

    computed = staticmethod(_stable)

    def _dtype(self, dtype: str) -> str:
        return "int32"

    def _lowered(self, graph: Graph, x: Value, axis: int) -> Value:
        return graph.add(index_ops.Order(x, Value(x.shape), axis, descending=False))


class Sort(_Along):
    """The numbers along an axis in order; NaN is the last."""

    computed = staticmethod(np.sort)

    def _lowered(self, graph: Graph, x: Value, axis: int) -> Value:
        order = graph.add(index_ops.Order(x, Value(x.shape), axis, descending=False))
        return graph.add(index_ops.Gather(x, order, Value(x.shape), axis))


class Cumsum(_Along):
    """The sum of all numbers along an axis up to each."""

    kind: ClassVar[ScanKind] = ScanKind.SUM
    scanned: ClassVar[Any] = np.cumsum

    def __init__(self, axis: int | None = None, dtype: Any = None, *, name: str | None = None):
        super().__init__(axis, name=name)
        self.dtype = None if dtype is None else eager.dtype_named(dtype)

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x)
        return type(self).scanned(array, axis=self.axis, dtype=self._dtype(array.dtype.name))

    def _dtype(self, dtype: str) -> str:
        return self.dtype or ("int32" if dtype == "bool" else dtype)

    def _lowered(self, graph: Graph, x: Value, axis: int) -> Value:
        return graph.add(index_ops.Scan(x, Value(x.shape), axis, self.kind))

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), "dtype": self.dtype}


class Cumprod(Cumsum):
    """The product of all numbers along an axis up to each."""

    kind = ScanKind.PRODUCT
    scanned = np.cumprod


def _zeros_apart(array: Array) -> Array:
    """Return numbers of the same order with something below 0 for -0, as Keras does here."""
    if array.dtype.kind != "f":
        return array
    array = array.astype(np.result_type(array, np.float32))
    return np.where((array == 0) & np.signbit(array), -np.finfo(array.dtype).tiny, array)


class Argmax(Operation):
    """The position of the largest number along an axis, the first of equal ones."""

    largest: ClassVar[bool] = True

    def __init__(
        self, axis: int | None = None, keepdims: bool = False, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.axis = axis
        self.keepdims = boolean(keepdims, "keepdims")

    def compute(self, x: Any) -> Any:
        function = np.argmax if self.largest else np.argmin
        positions = function(_zeros_apart(eager.numbers(x)), axis=self.axis, keepdims=self.keepdims)
        return np.asarray(positions).astype(np.int32)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        shape = batch_shape(x)
        axis = one_axis(self.axis, len(shape))
        ones = (1,) if self.keepdims else ()
        return KerasTensor((*shape[:axis], *ones, *shape[axis + 1 :]), "int32")

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = one_axis(self.axis, len(x.shape) + 1) - 1
        ones = (1,) if self.keepdims else ()
        out = Value((*x.shape[:axis], *ones, *x.shape[axis + 1 :]))
        return graph.add(index_ops.Extreme(x, out, axis, self.largest))

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "keepdims": self.keepdims}


class Argmin(Argmax):
    """The position of the smallest number along an axis, the first of equal ones."""

    largest = False


class TopK(Operation):
    """The largest numbers along the last axis in descending order, and their positions."""

    module = MATH

    def __init__(self, k: int, sorted: bool = True, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.k = positive_integer(k, "`k` must be a positive integer.")
        self.sorted = boolean(sorted, "sorted")

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x)
        self._check(array.shape)
        # From behind, so that equal numbers stay in order.
        turned = array.shape[-1] - 1 - np.argsort(array[..., ::-1], -1, kind="stable")[..., ::-1]
        positions = turned[..., : self.k].astype(np.int32)
        return np.take_along_axis(array, positions, -1), positions

    def compute_output_spec(self, x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        shape = batch_shape(x)
        self._check(shape[1:])
        out = (*shape[:-1], self.k)
        return KerasTensor(out, x.dtype), KerasTensor(out, "int32")

    def _check(self, shape: Any) -> None:
        if not shape or (shape[-1] is not None and shape[-1] < self.k):
            raise ValueError(
                f"the last axis must have {self.k} positions or more. Received: shape {shape}"
            )

    def lower(self, graph: Graph, x: Value) -> list[Value]:
        self._check(x.shape)
        axis = len(x.shape) - 1
        shape = (*x.shape[:-1], self.k)
        positions = graph.add(index_ops.Order(x, Value(shape), axis, descending=True))
        return [graph.add(index_ops.Gather(x, positions, Value(shape), axis)), positions]

    def _config(self) -> dict[str, Any]:
        return {"k": self.k, "sorted": self.sorted}


class TakeAlongAxis(Operation):
    """What stands along an axis at positions that are computed, for each place by itself."""

    def __init__(self, axis: int | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def compute(self, x: Any, indices: Any) -> Any:
        return np.take_along_axis(eager.numbers(x), np.asarray(indices), self.axis)

    def compute_output_spec(self, x: Any, indices: Any) -> KerasTensor:
        shapes = [batch_shape(t) if is_tensor(t) else np.shape(t) for t in (x, indices)]
        if len(shapes[0]) != len(shapes[1]):
            raise UnsupportedError(
                "`x` and `indices` must have the same axes, the batch being the first. Received: "
                f"shapes {shapes[0]} and {shapes[1]}"
            )
        axis = one_axis(self.axis, len(shapes[0]))
        sizes: list[int | None] = []
        for place, (own, at) in enumerate(zip(*shapes, strict=True)):
            if place == axis:
                sizes.append(at)
                continue
            if None not in (own, at) and own != at and 1 not in (own, at):
                raise ValueError(
                    "sizes must match or be 1 but along the axis. Received: shapes "
                    f"{shapes[0]} and {shapes[1]}"
                )
            sizes.append(at if own == 1 else own)
        if not any(is_tensor(t) and place == 0 for place, t in enumerate((x, indices))):
            sizes[0] = shapes[1][0]
        return KerasTensor(sizes, eager.dtype_of(x))

    def lower(self, graph: Graph, x: Any, indices: Any) -> Value:
        tensors = [t for t in (x, indices) if isinstance(t, Value)]
        rank = len(tensors[0].shape) + 1
        values = [self._value(graph, t, rank) for t in (x, indices)]
        axis = one_axis(self.axis, rank) - 1
        for place in range(rank - 1):
            sizes = [value.shape[place] for value in values]
            if place != axis and sizes[0] != sizes[1]:
                short = sizes.index(1)
                values[short] = append.repeat(graph, values[short], {place: sizes[1 - short]})
        x, indices = values
        return graph.add(index_ops.Gather(x, indices, Value(indices.shape), axis))

    def _value(self, graph: Graph, operand: Any, rank: int) -> Value:
        if isinstance(operand, Value):
            return operand
        array = np.asarray(eager.given(getattr(operand, "array", operand)))
        if array.ndim != rank or len(array) != 1:
            raise UnsupportedError(
                "a constant must be the same for each image, with 1 as its first size. Received: "
                f"shape {array.shape}"
            )
        return append.constant(graph, array[0])

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the position of the largest number along an axis, the first of equal ones.

    Parameters
    ----------
    axis
        Not the batch; None, all axes as one, of arrays only.
    keepdims
        Whether an axis of size 1 stays.

    Examples
    --------
    >>> cnnfast.ops.argmax(np.array([[1.0, 5.0, 2.0]]), axis=-1)
    array([1], dtype=int32)
    """
    return call(Argmax(axis, keepdims), x)


def argmin(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the position of the smallest number along an axis, the first of equal ones.

    Parameters
    ----------
    axis
        Not the batch; None, all axes as one, of arrays only.
    keepdims
        Whether an axis of size 1 stays.
    """
    return call(Argmin(axis, keepdims), x)


def argsort(x: Tensor, axis: int = -1) -> Tensor:
    """Return the positions of an axis in the order of their numbers, equal ones as they stand.

    Parameters
    ----------
    axis
        Not the batch.
    """
    return call(Argsort(axis), x)


def sort(x: Tensor, axis: int = -1) -> Tensor:
    """Return the numbers along an axis in order, NaN last.

    Parameters
    ----------
    axis
        Not the batch.
    """
    return call(Sort(axis), x)


def cumsum(x: Tensor, axis: int | None = None, dtype: DTypeLike = None) -> Tensor:
    """Return the sum of all numbers along an axis up to each.

    Parameters
    ----------
    axis
        Not the batch; None, all axes as one, of arrays only.
    dtype
        Name of a dtype; that of `x` where None.

    Examples
    --------
    >>> cnnfast.ops.cumsum(np.array([[1.0, 2.0, 3.0]]), axis=1)
    array([[1., 3., 6.]], dtype=float32)
    """
    return call(Cumsum(axis, dtype), x)


def cumprod(x: Tensor, axis: int | None = None, dtype: DTypeLike = None) -> Tensor:
    """Return the product of all numbers along an axis up to each.

    Parameters
    ----------
    axis
        Not the batch; None, all axes as one, of arrays only.
    dtype
        Name of a dtype; that of `x` where None.
    """
    return call(Cumprod(axis, dtype), x)


def top_k(x: Tensor, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """Return the largest numbers along the last axis, and their positions.

    Parameters
    ----------
    k
        How many.
    sorted
        They come in descending order either way.

    Examples
    --------
    >>> values, positions = cnnfast.ops.top_k(np.array([[1.0, 5.0, 2.0]]), 2)
    >>> values, positions
    (array([[5., 2.]], dtype=float32), array([[1, 2]], dtype=int32))
    """
    values, positions = TopK(k, sorted)(x)
    return values, positions


def take_along_axis(x: Tensor, indices: Tensor | Array, axis: int | None = None) -> Tensor:
    """Return what stands along an axis at positions that are computed, for each place by itself.

    Parameters
    ----------
    indices
        With the axes of `x`; below 0 they count from the end. Of a position that does not exist, in
        a model, comes NaN.
    axis
        Not the batch; None, all axes as one, of arrays only.

    Examples
    --------
    >>> x = np.array([[1.0, 5.0, 2.0]])
    >>> cnnfast.ops.take_along_axis(x, cnnfast.ops.argsort(x), axis=-1)
    array([[1., 2., 5.]], dtype=float32)
    """
    return call(TakeAlongAxis(axis), x, indices)
