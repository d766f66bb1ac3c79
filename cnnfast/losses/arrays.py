"""What the formulas of losses and metrics share: conversion to float32 and checks of shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"
Float32Array: TypeAlias = "npt.NDArray[np.float32]"


def as_float32(values: object, what: str) -> Float32Array:
    """Convert `values` to a float32 array; a float32 array is returned as it is.

    Raises
    ------
    ValueError
        If they are not numbers.
    """
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{what}` must hold numbers. Received: {error}") from error


def match_ranks(a: Array, b: Array) -> tuple[Array, Array]:
    """Drop or add a last axis of size 1 where the ranks of `a` and `b` differ by one.

    A vector gets the axis (``(n,)`` against ``(n, 1)`` gives two columns); of anything of
    higher rank the other one loses it.
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[:, None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def require_broadcastable(y_true: Array, y_pred: Array) -> None:
    """Check that the shapes go together by NumPy's broadcasting.

    Raises
    ------
    ValueError
        If they do not.
    """
    try:
        np.broadcast_shapes(y_true.shape, y_pred.shape)
    except ValueError:
        require_same_shape(y_true, y_pred)


def require_same_shape(y_true: Array, y_pred: Array) -> None:
    """Check that the shapes are equal.

    Raises
    ------
    ValueError
        If they are not.
    """
    if y_true.shape != y_pred.shape:
        raise ValueError(
            "Arguments `y_true` and `y_pred` must have the same shape. "
            f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
        )


def as_pair(y_true: object, y_pred: object) -> tuple[Float32Array, Float32Array]:
    """Convert labels and predictions to float32 arrays that broadcast to one shape."""
    true, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
    require_broadcastable(true, pred)
    return true, pred


def as_same_shape(y_true: object, y_pred: object) -> tuple[Float32Array, Float32Array]:
    """Convert labels and predictions to float32 arrays, which must have one shape."""
    true, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
    require_same_shape(true, pred)
    return true, pred


def as_matched(y_true: object, y_pred: object) -> tuple[Float32Array, Float32Array]:
    """Convert labels and predictions to float32 arrays, and do `match_ranks`."""
    return match_ranks(as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred"))


def as_same_rank(y_true: object, y_pred: object) -> tuple[Float32Array, Float32Array]:
    """Do `as_pair` after `match_ranks`."""
    return as_pair(*as_matched(y_true, y_pred))


def mean_over(values: Array, axis: int = -1) -> Float32Array:
    """Return the mean over `axis`."""
    return cast(Float32Array, np.mean(values, axis=axis))


def sum_over(values: Array, axis: int | Sequence[int] | None = -1) -> Float32Array:
    """Return the sum over `axis`, a list of axes (as a file holds it), or all with None."""
    axes = tuple(axis) if isinstance(axis, Sequence) else axis
    return cast(Float32Array, np.sum(values, axis=axes))


def positive_part(values: Array) -> Float32Array:
    """Return ``max(values, 0)``."""
    return cast(Float32Array, np.maximum(values, np.float32(0.0)))


def sigmoid(logits: Float32Array) -> Float32Array:
    """Return ``1 / (1 + exp(-logits))``."""
    with np.errstate(over="ignore"):
        return cast(Float32Array, 1 / (1 + np.exp(-logits)))


def divide_or_zero(a: Array, b: Array) -> Float32Array:
    """Return ``a / b``, and 0 where `b` is 0."""
    with np.errstate(all="ignore"):
        return np.where(b == 0, np.float32(0.0), a / b).astype(np.float32)
