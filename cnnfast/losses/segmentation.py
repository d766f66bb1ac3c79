"""Losses of segmentation, which compare regions by their overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np

from cnnfast.losses.arrays import Float32Array, as_pair, sum_over
from cnnfast.losses.loss import LossFunctionWrapper
from cnnfast.utils.defaults import epsilon

Axes: TypeAlias = int | Sequence[int] | None


def dice(y_true: object, y_pred: object, axis: Axes = None) -> Float32Array:
    """``1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))``.

    Parameters
    ----------
    y_true, y_pred
        Arrays of the same shape.
    axis
        What the sums go over; with None everything, which gives one number.
    """
    true, pred = as_pair(y_true, y_pred)
    total = sum_over(true, axis) + sum_over(pred, axis) + np.float32(epsilon())
    return cast(Float32Array, 1 - np.float32(2.0) * sum_over(true * pred, axis) / total)


def tversky(
    y_true: object, y_pred: object, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None
) -> Float32Array:
    """``1 - both / (both + alpha * only_true + beta * only_pred)``; `dice` with weights.

    Parameters
    ----------
    y_true, y_pred
        Arrays of the same shape.
    alpha, beta
        What ``sum((1 - y_pred) * y_true)`` and ``sum(y_pred * (1 - y_true))`` weigh.
    axis
        What the sums go over; with None everything, which gives one number.
    """
    true, pred = as_pair(y_true, y_pred)
    both = sum_over(true * pred, axis)
    only_true = sum_over((1 - pred) * true, axis) * np.float32(alpha)
    only_pred = sum_over(pred * (1 - true), axis) * np.float32(beta)
    union = both + only_true + only_pred + np.float32(epsilon())
    return cast(Float32Array, 1 - both / union)


class Dice(LossFunctionWrapper):
    """See `dice` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axes = None,
        dtype: object = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """See `tversky` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axes = None,
        dtype: object = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
