"""Tensors: the symbolic ones that models are drawn with, and arrays made fit for the core."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.ops import BatchShape, Float32Array, Shape
from cnnfast.symbolic import arguments
from cnnfast.utils.naming import auto_name
from cnnfast.utils.narrow import widened

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.symbolic.node import Connectable, Node

_FLOAT32 = np.dtype(np.float32)


class KerasTensor:
    """A tensor without numbers: what a model's layers and operations will give each other.

    Arithmetic and indexing on it make operations of `cnnfast.ops`.

    Parameters
    ----------
    shape
        Batch included; None stands for any size.
    dtype
        As Keras has it; the core computes in float32.
    name
        Made up where None.

    Attributes
    ----------
    node
        The call that made the tensor; None for one that stands alone.
    index
        Which output of that call it is.
    """

    users: tuple[weakref.ref[Node | Connectable], ...] = ()
    """The calls that took it, and the models of which it is an output."""

    # NumPy leaves `array * tensor` to the tensor.
    __array_priority__ = 1000
    __array_ufunc__ = None

    def __init__(
        self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None
    ) -> None:
        self.shape: BatchShape = arguments.shape(shape)
        self.dtype = dtype
        self._name = name
        self.node: Node | None = None
        self.index = 0

    @property
    def name(self) -> str:
        """The tensor's name."""
        if self._name is None:
            self._name = auto_name("KerasTensor")
        return self._name

    @property
    def ndim(self) -> int:
        """Number of axes, the batch included."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __len__(self) -> int:
        raise TypeError(f"The batch of a symbolic tensor has no size. Received: {self}")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            f"Iterating over a symbolic tensor is not supported: use indexing. Received: {self}"
        )

    def __bool__(self) -> bool:
        raise TypeError(f"A symbolic tensor is neither true nor false. Received: {self}")

    def __array__(self, *args: Any, **kwargs: Any) -> npt.NDArray[Any]:
        raise ValueError(f"A symbolic tensor cannot be converted to an array. Received: {self}")

    def __add__(self, other: Any) -> Any:
        return _operation("Add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _operation("Add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _operation("Subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _operation("Subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return _operation("Multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _operation("Multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _operation("TrueDivide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _operation("TrueDivide", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _operation("FloorDivide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _operation("FloorDivide", other, self)

    def __pow__(self, other: Any) -> Any:
        return _operation("Power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _operation("Power", other, self)

    def __matmul__(self, other: Any) -> Any:
        return _operation("Matmul", self, other)

    def __neg__(self) -> Any:
        return _operation("Negative", self)

    def __abs__(self) -> Any:
        return _operation("Absolute", self)

    def __getitem__(self, key: Any) -> Any:
        return _operation("GetItem", self, key)


def _operation(name: str, *operands: Any) -> Any:
    from cnnfast.ops.registry import table

    return table()[name]()(*operands)


def is_ready(x: Any, shape: Shape | None) -> bool:
    """Whether `x` is a batch of images of `shape` that the core takes as it is."""
    if type(x) is not np.ndarray or x.dtype is not _FLOAT32 or x.shape[1:] != shape:
        return False
    flags = x.flags
    return len(x) > 0 and flags.c_contiguous and flags.aligned


def as_batch(x: Any, taker: str) -> Float32Array:
    """Return `x` as `as_numbers` does, C-contiguous and in float32."""
    return np.require(as_numbers(x, taker), np.float32, ["C", "A"])


def as_numbers(x: Any, taker: str) -> npt.NDArray[Any]:
    """Return `x`, anything NumPy takes as numbers, as a batch of its own dtype.

    A list or dict of one array stands for that array.

    Raises
    ------
    ValueError
        If `x` holds no real numbers, several arrays or images without size; the message names
        `taker`.
    """
    if isinstance(x, Mapping):
        x = list(x.values())
    if isinstance(x, list | tuple) and x and all(isinstance(a, np.ndarray) for a in x):
        x = _only(x, taker)
    try:
        array = widened(np.asarray(x))
    except (ValueError, TypeError, RuntimeError) as error:  # as tensors of other libraries raise
        raise ValueError(
            f"The input of {taker} must be an array of numbers. Received: {type(x)}, of which "
            f"NumPy says: {error}"
        ) from error
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"The input of {taker} must be an array of real numbers. Received: an array of "
            f"dtype {array.dtype} with shape {array.shape}"
        )
    if array.ndim == 0 or 0 in array.shape[1:]:
        raise ValueError(
            f"The input of {taker} must be a batch of images, and no size may be 0 but that of the "
            f"batch. Received: an array with shape {array.shape}"
        )
    return array


def as_batches(arrays: Sequence[Any], taker: str) -> list[Float32Array]:
    """Return each of `arrays` as `as_batch` does; they must agree on the batch.

    Raises
    ------
    ValueError
        If one is no batch, or their numbers of images differ.
    """
    batches = [as_batch(x, taker) for x in arrays]
    if len({len(batch) for batch in batches}) > 1:
        raise ValueError(
            f"The inputs of {taker} must have the same number of images. Received: arrays with "
            f"shapes {[batch.shape for batch in batches]}"
        )
    return batches


def _only(arrays: list[Any] | tuple[Any, ...], taker: str) -> Any:
    """Return the array in a list of one."""
    if len(arrays) == 1:
        return arrays[0]
    raise ValueError(f"The {taker} expects 1 input(s). Received: {len(arrays)} input tensors")
