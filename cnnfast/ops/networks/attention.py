"""Attention, and what stands for integers in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base import eager
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call
from cnnfast.ops.networks.contractions import einsum
from cnnfast.ops.pointwise.activation import softmax
from cnnfast.ops.pointwise.arithmetic import add, multiply
from cnnfast.ops.pointwise.comparison import equal, greater, isnan, less_equal, where
from cnnfast.ops.pointwise.elementwise import MATH, NN, cast
from cnnfast.ops.reducing.reductions import max as largest
from cnnfast.ops.reducing.reductions import sum as total
from cnnfast.ops.shaping.arrangement import expand_dims
from cnnfast.ops.shaping.ordering import take_along_axis
from cnnfast.ops.shaping.pieces import ndim_of, shape_of
from cnnfast.ops.shaping.selection import Repeat
from cnnfast.symbolic.arguments import positive_integer
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, DTypeLike, Tensor

# What JAX adds up where a mask is not set.
_NOWHERE = float(-0.7 * np.finfo(np.float32).max)


class DotProductAttention(Composite):
    """The mean of `value` by how well `query` fits each `key`; all are (batch, time, heads, …)."""

    module = NN

    def __init__(
        self,
        is_causal: bool = False,
        flash_attention: bool | None = None,
        attn_logits_soft_cap: float | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.is_causal, self.flash_attention = is_causal, flash_attention
        self.attn_logits_soft_cap = attn_logits_soft_cap
        if attn_logits_soft_cap is not None:
            raise UnsupportedError(
                f"`attn_logits_soft_cap` must be None. Received: {attn_logits_soft_cap}"
            )

    def composed(
        self,
        query: Any,
        key: Any,
        value: Any,
        bias: Any = None,
        mask: Any = None,
        scale: Any = None,
    ) -> Any:
        shapes = [shape_of(x) for x in (query, key, value)]
        if any(len(shape) != 4 for shape in shapes):
            raise ValueError(f"expected tensors with 4 axes. Received: shapes {shapes}")
        heads, groups = shapes[0][2], shapes[1][2]
        if heads != groups:
            key, value = (Repeat(heads // groups, 2)(x) for x in (key, value))
        factor = 1.0 / np.sqrt(shapes[0][-1]) if scale is None else scale
        logits: Any = multiply(einsum("btnh,bsnh->bnts", query, key), factor)
        if bias is not None:
            logits = add(logits, _of_four_axes(bias))
        if mask is not None:
            logits = where(_of_four_axes(mask), logits, _NOWHERE)
        if self.is_causal:
            seen = np.tri(shapes[0][1], shapes[1][1], dtype=bool)
            logits = where(seen, logits, _NOWHERE)
        return einsum("bnts,bsnh->btnh", softmax(logits), value)

    def _config(self) -> dict[str, Any]:
        return {
            "is_causal": self.is_causal,
            "flash_attention": self.flash_attention,
            "attn_logits_soft_cap": self.attn_logits_soft_cap,
        }


def _of_four_axes(x: Any) -> Any:
    """Return a bias or mask with an axis for the heads."""
    if not isinstance(x, KerasTensor):
        return x
    for _ in range(4 - ndim_of(x)):
        x = expand_dims(x, 1)
    return x


class OneHot(Composite):
    """1 at the position that an integer says, 0 elsewhere, along a new axis."""

    module = NN

    def __init__(
        self,
        num_classes: int | None,
        axis: int = -1,
        dtype: Any = None,
        sparse: bool = False,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.num_classes = positive_integer(num_classes, "`num_classes` must be positive.")
        self.axis = axis
        self.dtype = "float32" if dtype is None else eager.dtype_named(dtype)
        if sparse:
            raise UnsupportedError(f"tensors are dense. Received: sparse={sparse}")

    def composed(self, x: Any) -> Any:
        rank = ndim_of(x)
        axis = rank if self.axis == -1 else self.axis
        classes = np.arange(self.num_classes, dtype=np.int32)
        shape = (-1, *(1,) * (rank - axis))
        return cast(equal(expand_dims(x, axis), classes.reshape(shape)), self.dtype)

    def _config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "axis": self.axis,
            "dtype": self.dtype,
            "sparse": False,
        }


class MultiHot(OneHot):
    """1 at the positions that the integers of an axis say, 0 elsewhere."""

    def composed(self, inputs: Any) -> Any:
        return largest(super().composed(inputs), axis=1 if ndim_of(inputs) > 1 else 0)


class InTopK(Composite):
    """Whether a position is among those of the `k` largest numbers."""

    module = MATH

    def __init__(self, k: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.k = positive_integer(k, "`k` must be a positive integer.")

    def composed(self, targets: Any, predictions: Any) -> Any:
        own = take_along_axis(predictions, expand_dims(targets, -1), axis=-1)
        own = where(isnan(own), -np.inf, own)
        above = total(cast(greater(predictions, own), "int32"), axis=-1)
        return less_equal(above, self.k - 1)

    def _config(self) -> dict[str, Any]:
        return {"k": self.k}


def dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | Array | None = None,
    mask: Tensor | Array | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """Return the mean of `value` by how well `query` fits each `key`.

    Parameters
    ----------
    query
        (batch, time, heads, size).
    key, value
        (batch, source time, heads, size); `query` may have a multiple of their heads.
    bias
        Added before the softmax, fit for (batch, heads, time, source time); None for nothing.
    mask
        Where it is 0, nothing is seen; of the same shape.
    scale
        What the products are multiplied by; ``1 / sqrt(size)`` where None.
    is_causal
        Whether only what is not later is seen.
    flash_attention
        Kept for the config.
    attn_logits_soft_cap
        Must be None.
    """
    operation = DotProductAttention(is_causal, flash_attention, attn_logits_soft_cap)
    return call(operation, query, key, value, bias=bias, mask=mask, scale=scale)


def one_hot(
    x: Tensor, num_classes: int, axis: int = -1, dtype: DTypeLike = None, sparse: bool = False
) -> Tensor:
    """Return 1 at the position that an integer says, 0 elsewhere, along a new axis.

    Parameters
    ----------
    num_classes
        How many positions there are.
    axis
        Where the new axis is, batch included.
    dtype
        Name of a dtype; float32 where None.
    sparse
        Must be False.

    Examples
    --------
    >>> cnnfast.ops.one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    return call(OneHot(num_classes, axis, dtype, sparse), x)


def in_top_k(targets: Tensor, predictions: Tensor, k: int) -> Tensor:
    """Return whether a position is among those of the `k` largest numbers.

    Parameters
    ----------
    targets
        The positions, (batch, …).
    predictions
        The numbers, (batch, …, classes).
    k
        How many.
    """
    return call(InTopK(k), targets, predictions)


def multi_hot(
    inputs: Tensor,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DTypeLike = None,
    sparse: bool = False,
    **kwargs: int,
) -> Tensor:
    """Return 1 at the positions that the integers of an axis say, 0 elsewhere.

    Parameters
    ----------
    num_classes
        How many positions there are.
    axis
        Where the new axis is, batch included.
    dtype
        Name of a dtype; float32 where None.
    sparse
        Must be False.
    **kwargs
        ``num_tokens``: what Keras called `num_classes` before.
    """
    num_classes = kwargs.get("num_tokens") if num_classes is None else num_classes
    return call(MultiHot(num_classes, axis, dtype, sparse), inputs)
