"""Shapes with a batch in them: what follows it, and numbers that are the same for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import Operation, batch_shape, call, refuse_batch
from cnnfast.ops.pointwise.arithmetic import add
from cnnfast.ops.pointwise.comparison import greater
from cnnfast.ops.pointwise.elementwise import cast
from cnnfast.ops.shaping.arrangement import Reshape
from cnnfast.ops.shaping.selection import GetItem, Repeat, Tile
from cnnfast.symbolic.arguments import integer
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, DTypeLike, IntOrSequence, OpenSizes, Tensor


class _Like(Operation):
    """The same number everywhere, in the shape of a tensor; a subclass says which."""

    fill = 0.0

    def __init__(self, dtype: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.dtype = None if dtype is None else eager.dtype_named(dtype)

    def compute(self, x: Any) -> Any:
        array = eager.numbers(x)
        return np.full(array.shape, self.fill, self.dtype or array.dtype)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(batch_shape(x), self.dtype or x.dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.constant(graph, np.full(x.shape, self.fill, np.float32))

    def _config(self) -> dict[str, Any]:
        return {"dtype": self.dtype}


class ZerosLike(_Like):
    """Zeros in the shape of a tensor."""


class OnesLike(_Like):
    """Ones in the shape of a tensor."""

    fill = 1.0


class EmptyLike(ZerosLike):
    """Numbers of any value in the shape of a tensor: zeros."""


class FullLike(_Like):
    """A number, or numbers that are repeated, in the shape of a tensor."""

    def compute(self, x: Any, fill_value: Any = 0.0) -> Any:
        array = eager.numbers(x)
        return np.full(array.shape, fill_value, self.dtype or array.dtype)

    def compute_output_spec(self, x: KerasTensor, fill_value: Any = 0.0) -> KerasTensor:
        return super().compute_output_spec(x)

    def lower(self, graph: Graph, x: Value, fill_value: Any = 0.0) -> Value:
        array = np.broadcast_to(eager.given(fill_value), (1, *x.shape))[0]
        return append.constant(graph, array)


class BroadcastTo(Operation):
    """Axes of size 1 repeated, to `shape`; its batch is that of the tensor."""

    def __init__(self, shape: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.shape = list(shape) if isinstance(shape, list | tuple) else [shape]

    def compute(self, x: Any) -> Any:
        return np.broadcast_to(eager.numbers(x), [integer(size) for size in self.shape])

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        shape = batch_shape(x)
        return KerasTensor((shape[0], *self._sizes(shape)), x.dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        sizes = self._sizes(batch_shape(x))
        times = {
            axis: size or 1
            for axis, (size, own) in enumerate(zip(sizes, x.shape, strict=True))
            if size != own
        }
        return append.repeat(graph, x, times)

    def _sizes(self, shape: BatchShape) -> BatchShape:
        """Return the sizes behind the batch."""
        if len(self.shape) != len(shape):
            refuse_batch(f"shape={self.shape} for a tensor of shape {shape}")
        batch = self.shape[0]
        if not isinstance(batch, BatchSize) and batch not in (None, -1, shape[0]):
            refuse_batch(f"shape={self.shape}, with a batch of {batch}")
        sizes: list[int | None] = []
        for wanted, own in zip(self.shape[1:], shape[1:], strict=True):
            size = own if wanted in (None, -1) else integer(wanted)
            if own not in (None, 1, size):
                raise ValueError(
                    f"only axes of size 1 can be repeated. Received: shape={self.shape} for a "
                    f"tensor of shape {shape}"
                )
            sizes.append(size)
        return tuple(sizes)

    def _config(self) -> dict[str, Any]:
        return {"shape": [None if isinstance(s, BatchSize) else s for s in self.shape]}


def batch_in(sizes: Any) -> BatchSize | None:
    """Return the batch that stands first in `sizes`; None where there is none.

    Raises
    ------
    UnsupportedError
        If it stands elsewhere.
    """
    items = list(sizes) if isinstance(sizes, list | tuple) else [sizes]
    if any(isinstance(size, BatchSize) for size in items[1:]):
        refuse_batch(f"the batch among other axes: {tuple(items)}")
    return items[0] if items and isinstance(items[0], BatchSize) else None


def per_image(
    batch: BatchSize, numbers: Array | Variable, rank: int, *, moved: bool = False
) -> KerasTensor:
    """Return `numbers` as a tensor of `rank` axes that is the same for each image.

    Their first axis has size 1 if they have as many. It is drawn with operations of Keras from the
    tensor whose batch it is: zeros, and `numbers` added to them, which the core does once for an
    image. A variable is followed where it changes. What is `moved` into the batch is no constant.
    """
    tensor = batch.tensor
    one = GetItem()(tensor, (slice(None), *(0,) * (tensor.ndim - 1)))
    dtype = eager.dtype_of(numbers)
    kind = "int32" if dtype == "bool" or "int" in dtype else dtype
    apart = moved or batch.parts != tensor.parts
    zeros = cast(greater(one, one), kind) if apart else ZerosLike(kind)(one)
    if batch.parts % tensor.parts and tensor.parts % batch.parts:
        refuse_batch(f"numbers for {batch}, of {tensor}")
    if batch.parts > tensor.parts:
        zeros = Repeat(batch.parts // tensor.parts, 1)(Reshape([-1, 1])(zeros))
    elif batch.parts < tensor.parts:
        fewer = Reshape([-1, tensor.parts // batch.parts])(zeros)
        zeros = GetItem()(fewer, (slice(None), slice(1)))
    zeros = Reshape([-1, *(1,) * (rank - 1)])(zeros)
    y = add(zeros, numbers if isinstance(numbers, Variable) else numbers.astype(kind))
    made: KerasTensor = y if kind == dtype else cast(y, dtype)
    return made


def shape(x: Tensor) -> tuple[int | BatchSize | None, ...]:
    """Return the shape: integers, None for what is open, and of a symbolic tensor the batch first.

    Returns
    -------
    tuple
        Its first item stands for the number of images; operations take it where that belongs.

    Examples
    --------
    >>> cnnfast.ops.shape(np.ones((2, 3)))
    (2, 3)
    >>> x = cnnfast.Input((6, 4))
    >>> batch, n, c = cnnfast.ops.shape(x)
    >>> cnnfast.ops.reshape(x, (batch, n * c)).shape
    (None, 24)
    """
    if isinstance(x, KerasTensor):
        first = x.shape[:1]
        return (BatchSize(x) if first == (None,) else first[0], *x.shape[1:]) if first else ()
    return tuple(np.shape(eager.given(x)))


def broadcast_to(x: Tensor, shape: OpenSizes) -> Tensor:
    """Return a tensor with axes of size 1 repeated.

    Parameters
    ----------
    shape
        Of the result, batch included: `cnnfast.ops.shape(x)[0]`, with which numbers become a
        tensor that is the same for each image, or None or -1 for the tensor's own.

    Examples
    --------
    >>> cnnfast.ops.broadcast_to(np.array([[1.0], [2.0]]), (2, 3))
    array([[1., 1., 1.],
           [2., 2., 2.]], dtype=float32)
    """
    batch = batch_in(shape)
    if isinstance(x, KerasTensor):
        if batch is not None and batch.parts != x.parts:
            refuse_batch(f"shape={shape} for a tensor of {BatchSize(x)}")
        sizes: BatchShape = BroadcastTo(shape)._sizes(x.shape)
        # Repetition is what Keras can do without knowing the batch.
        return call(Tile((1, *_times(sizes, x.shape[1:]))), x)
    if batch is None:
        return call(BroadcastTo(shape), x)
    known = [1, *(integer(size) for size in list(shape)[1:])]
    if isinstance(x, Variable):
        return broadcast_to(per_image(batch, x, len(known)), shape)
    made: Any = per_image(batch, np.broadcast_to(eager.numbers(x), known), len(known))
    return made  # type: ignore[no-any-return]


def _times(sizes: BatchShape, shape: BatchShape) -> list[int]:
    """Return how often to repeat each axis of `shape` for it to have `sizes`."""
    return [1 if size == own else size or 1 for size, own in zip(sizes, shape, strict=True)]


def tile(x: Tensor, repeats: IntOrSequence | OpenSizes) -> Tensor:
    """Return the whole tensor several times along each axis.

    Parameters
    ----------
    repeats
        How often, for each axis; once along the batch, or `cnnfast.ops.shape(x)[0]` times for
        numbers whose first axis has size 1.
    """
    batch = batch_in(repeats)
    if batch is None:
        return call(Tile(repeats), x)
    if isinstance(x, KerasTensor):
        refuse_batch(f"repeats={repeats} of a tensor that has a batch, {x}")
    times = [1, *(integer(n) for n in (repeats[1:] if isinstance(repeats, list | tuple) else ()))]
    if len(times) < np.ndim(x):
        refuse_batch(f"repeats={repeats} of numbers of shape {np.shape(x)}")
    first: Any = x if isinstance(x, Variable) else np.tile(eager.numbers(x), times)
    if first.ndim == len(times) and first.shape[0] > 1:
        # All of them for each image, one behind the other along the batch.
        spread = per_image(batch, first, len(times) + 1, moved=True)
        first = Reshape([-1, *first.shape[1:]])(spread)
    else:
        first = _for_each(first, batch, len(times))
    made: Tensor = Tile(times)(first) if isinstance(x, Variable) else first
    return made


def repeat(x: Tensor, repeats: IntOrSequence | BatchSize, axis: int | None = None) -> Tensor:
    """Return a tensor with each position several times along one axis.

    Parameters
    ----------
    repeats
        How often each; a list says so for each position. `cnnfast.ops.shape(x)[0]` for numbers
        whose first axis has size 1.
    axis
        Not the batch, nor None; 0 of numbers.
    """
    if not isinstance(repeats, BatchSize):
        return call(Repeat(repeats, axis), x)
    if isinstance(x, KerasTensor) or axis != 0:
        refuse_batch(f"repeats={repeats} along axis={axis} of {x!r:.80}")
    numbers: Any = x if isinstance(x, Variable) else eager.numbers(x)
    made: Tensor = _for_each(numbers, repeats, numbers.ndim)
    return made


def _for_each(numbers: Any, batch: BatchSize, rank: int) -> Any:
    """Return `numbers` along a new batch, in place of their first axis."""
    if not rank or (numbers.ndim == rank and numbers.shape[0] != 1):
        raise UnsupportedError(
            "what is repeated for each image of a batch must have a first axis of size 1. "
            f"Received: numbers of shape {numbers.shape}"
        )
    return per_image(batch, numbers, rank)


def zeros_like(x: Tensor, dtype: DTypeLike = None) -> Tensor:
    """Return zeros in the shape of a tensor.

    Parameters
    ----------
    dtype
        Name of a dtype; that of `x` where None.
    """
    return call(ZerosLike(dtype), x)


def ones_like(x: Tensor, dtype: DTypeLike = None) -> Tensor:
    """Return ones in the shape of a tensor.

    Parameters
    ----------
    dtype
        Name of a dtype; that of `x` where None.
    """
    return call(OnesLike(dtype), x)


def empty_like(x: Tensor, dtype: DTypeLike = None) -> Tensor:
    """Return zeros in the shape of a tensor.

    Parameters
    ----------
    dtype
        Name of a dtype; that of `x` where None.
    """
    return call(EmptyLike(dtype), x)


def full_like(x: Tensor, fill_value: float | Array, dtype: DTypeLike = None) -> Tensor:
    """Return a number, or numbers that are repeated, in the shape of a tensor.

    Parameters
    ----------
    fill_value
        What stands everywhere.
    dtype
        Name of a dtype; that of `x` where None.
    """
    return call(FullLike(dtype), x, fill_value)


def filled(sizes: OpenSizes | int, fill_value: Any, dtype: Any) -> Array | KerasTensor:
    """Return numbers in a shape whose first size may be the batch of a symbolic tensor."""
    named = "float32" if dtype is None else eager.dtype_named(dtype)
    batch = batch_in(sizes)
    given: list[Any] = list(sizes) if isinstance(sizes, list | tuple) else [sizes]
    if batch is None:
        if any(size is None for size in given):
            raise UnsupportedError(
                f"a size must be an integer. Received: shape={tuple(given)}",
                advice="The batch of a symbolic tensor is `ops.shape(x)[0]`.",
            )
        return np.full([integer(size) for size in given], eager.given(fill_value), named)
    if isinstance(fill_value, Variable):
        followed: Any = fill_value
        spread: KerasTensor = cast(broadcast_to(followed, given), named)
        return spread
    array = np.full([1, *(integer(size) for size in given[1:])], eager.given(fill_value), named)
    return per_image(batch, array, array.ndim)
