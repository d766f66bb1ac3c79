"""Losses of predictions that are numbers: differences, their squares and logarithms."""

from __future__ import annotations

from typing import cast

import numpy as np

from cnnfast.losses.arrays import (
    Float32Array,
    as_same_rank,
    mean_over,
    sum_over,
)
from cnnfast.losses.loss import LossFunctionWrapper
from cnnfast.utils.defaults import epsilon


def mean_squared_error(y_true: object, y_pred: object) -> Float32Array:
    """``mean((y_true - y_pred)**2)`` over the last axis."""
    true, pred = as_same_rank(y_true, y_pred)
    return mean_over(np.square(true - pred))


def mean_absolute_error(y_true: object, y_pred: object) -> Float32Array:
    """``mean(|y_true - y_pred|)`` over the last axis."""
    true, pred = as_same_rank(y_true, y_pred)
    return mean_over(np.abs(true - pred))


def mean_absolute_percentage_error(y_true: object, y_pred: object) -> Float32Array:
    """``100 * mean(|y_true - y_pred| / max(|y_true|, 1e-7))`` over the last axis."""
    true, pred = as_same_rank(y_true, y_pred)
    size = np.maximum(np.abs(true), np.float32(epsilon()))
    return np.float32(100.0) * mean_over(np.abs((true - pred) / size))


def mean_squared_logarithmic_error(y_true: object, y_pred: object) -> Float32Array:
    """``mean((log(1 + y_true) - log(1 + y_pred))**2)`` over the last axis.

    Values below 1e-7 count as 1e-7.
    """
    true, pred = as_same_rank(y_true, y_pred)
    least = np.float32(epsilon())
    logs = (np.log(np.maximum(values, least) + np.float32(1.0)) for values in (pred, true))
    return mean_over(np.square(np.subtract(*logs)))


def cosine_similarity(y_true: object, y_pred: object, axis: int = -1) -> Float32Array:
    """``-sum(y_true * y_pred)`` over `axis`, of vectors that are scaled to the length 1.

    -1 where they point the same way, 0 where they are orthogonal or one is 0.
    """
    true, pred = as_same_rank(y_true, y_pred)
    return -sum_over(_scale_to_one(true, axis) * _scale_to_one(pred, axis), axis)


def _scale_to_one(vectors: Float32Array, axis: int) -> Float32Array:
    """Divide by the length, or by 1e-7 where that is more."""
    squares = np.sum(np.square(vectors), axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        inverse = np.minimum(np.float32(1.0) / np.sqrt(squares), np.float32(1.0 / epsilon()))
    return cast(Float32Array, vectors * inverse)


def huber(y_true: object, y_pred: object, delta: float = 1.0) -> Float32Array:
    """Squares of small differences and absolute values of large ones, over the last axis.

    The mean of ``d**2 / 2`` where ``|d| <= delta``, of ``delta * |d| - delta**2 / 2``
    elsewhere, with ``d = y_pred - y_true``.
    """
    true, pred = as_same_rank(y_true, y_pred)
    limit, half = np.float32(delta), np.float32(0.5)
    size = np.abs(pred - true)
    outer = limit * size - half * np.square(limit)
    return mean_over(np.where(size <= limit, half * np.square(size), outer))


def log_cosh(y_true: object, y_pred: object) -> Float32Array:
    """``mean(log(cosh(y_pred - y_true)))`` over the last axis."""
    true, pred = as_same_rank(y_true, y_pred)
    difference = pred - true
    softplus = np.logaddexp(difference * np.float32(-2.0), np.float32(0.0))
    return mean_over(difference + softplus - np.log(np.float32(2.0)))


class MeanSquaredError(LossFunctionWrapper):
    """See `mean_squared_error` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: object = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """See `mean_absolute_error` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: object = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """See `mean_absolute_percentage_error` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: object = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """See `mean_squared_logarithmic_error` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: object = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """See `cosine_similarity` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: object = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(LossFunctionWrapper):
    """See `huber` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: object = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """See `log_cosh` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: object = None,
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)
