"""Losses of classifiers with a margin."""

from __future__ import annotations

import numpy as np

from cnnfast.losses.arrays import Float32Array, as_pair, mean_over, positive_part, sum_over
from cnnfast.losses.loss import LossFunctionWrapper


def hinge(y_true: object, y_pred: object) -> Float32Array:
    """``mean(max(1 - y_true * y_pred, 0))`` over the last axis.

    Parameters
    ----------
    y_true
        Labels -1 and 1; where all are 0 or 1, a 0 counts as -1.
    y_pred
        Scores of the shape of `y_true`.
    """
    return mean_over(_shortfall(y_true, y_pred))


def squared_hinge(y_true: object, y_pred: object) -> Float32Array:
    """``mean(max(1 - y_true * y_pred, 0)**2)`` over the last axis; labels as for `hinge`."""
    return mean_over(np.square(_shortfall(y_true, y_pred)))


def _shortfall(y_true: object, y_pred: object) -> Float32Array:
    true, pred = as_pair(y_true, y_pred)
    if np.all((true == 0) | (true == 1)):
        true = np.float32(2.0) * true - np.float32(1.0)
    return positive_part(np.float32(1.0) - true * pred)


def categorical_hinge(y_true: object, y_pred: object) -> Float32Array:
    """``max(1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred), 0)`` over the last axis.

    `y_true` holds one-hot labels.
    """
    true, pred = as_pair(y_true, y_pred)
    one = np.float32(1.0)
    wrong = np.max((one - true) * pred, axis=-1)
    return positive_part(wrong - sum_over(true * pred) + one)


class Hinge(LossFunctionWrapper):
    """See `hinge` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: object = None,
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """See `squared_hinge` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: object = None,
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """See `categorical_hinge` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: object = None,
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
