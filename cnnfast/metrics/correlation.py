"""Correlations of labels and predictions along an axis."""

from __future__ import annotations

import numpy as np

from cnnfast.losses.arrays import Float32Array, as_same_rank, mean_over
from cnnfast.metrics.metric import MeanMetricWrapper
from cnnfast.utils.defaults import epsilon


def pearson_correlation(y_true: object, y_pred: object, axis: int = -1) -> Float32Array:
    """Pearson's coefficient over `axis`, from -1 to 1; NaN where either does not vary."""
    true, pred = (y - y.mean(axis=axis, keepdims=True) for y in as_same_rank(y_true, y_pred))
    true, pred = (y / y.std(axis=axis, keepdims=True) for y in (true, pred))
    return mean_over(true * pred, axis)


def concordance_correlation(y_true: object, y_pred: object, axis: int = -1) -> Float32Array:
    """Lin's coefficient over `axis`: 1 where the values are the same, not only in proportion.

    ``2 * covariance / (both variances + (difference of the means)**2 + 1e-7)``.
    """
    true, pred = as_same_rank(y_true, y_pred)
    true_mean, pred_mean = (y.mean(axis=axis, keepdims=True) for y in (true, pred))
    variances = (np.var(y, axis=axis, keepdims=True) for y in (true - true_mean, pred - pred_mean))
    norm = sum(variances) + np.square(true_mean - pred_mean) + np.float32(epsilon())
    covariance = (true - pred_mean) * (pred - pred_mean)
    return mean_over(2 * covariance / norm, axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of `pearson_correlation`."""

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: object = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of `concordance_correlation`."""

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: object = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
