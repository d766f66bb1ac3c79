"""Counting right and wrong decisions at many thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cnnfast.losses.arrays import Array, Float32Array, as_float32, as_matched

# What a prediction counts as that is not among the `top_k`; no threshold is below.
REJECTED = -1e10


class Counts(NamedTuple):
    """Sums of weights, of shape ``(thresholds,)``, or ``(thresholds, labels)``."""

    true_positives: Float32Array
    false_positives: Float32Array
    true_negatives: Float32Array
    false_negatives: Float32Array


def count_decisions(
    y_true: object,
    y_pred: object,
    thresholds: Sequence[float],
    evenly: bool,
    sample_weight: object = None,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: Float32Array | None = None,
    multi_label: bool = False,
) -> Counts:
    """Count decisions ``y_pred > threshold`` at each of `thresholds`.

    Parameters
    ----------
    y_true, y_pred
        Labels (0 or not) and predictions of as many values.
    thresholds, evenly
        See `cnnfast.metrics.confusion.ThresholdMetric`. Where they stand evenly, predictions
        are rounded up to a multiple of their distance, which may differ from comparing in the
        last bit of a prediction; Keras does so too.
    sample_weight
        One weight per sample, or of a shape that broadcasts to that of `y_pred`.
    top_k, class_id
        See `cnnfast.metrics.confusion.ThresholdMetric`.
    label_weights
        A factor for each place of the last axis.
    multi_label
        Whether to count for each place of the last axis by itself.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `top_k` or `class_id` is not within the last axis.
    """
    true, pred = as_matched(y_true, y_pred)
    weight = as_float32(1.0 if sample_weight is None else sample_weight, "sample_weight")
    weight = weight if weight.ndim == true.ndim else weight[..., None]
    if true.size != pred.size or (multi_label and true.shape != pred.shape):
        raise ValueError(
            "`y_true` must hold one label per prediction. "
            f"Received: y_true.shape={true.shape}, y_pred.shape={pred.shape}"
        )
    if top_k is not None:
        pred = _keep_top(pred, top_k)
    if class_id is not None:
        true, pred = _select_class(true, class_id), _select_class(pred, class_id)
    weights = _broadcast(weight, pred)
    if label_weights is not None:
        weights = weights * label_weights
    columns = pred.shape[-1] if multi_label else 1
    positive, pred, weights = (a.reshape(-1, columns) for a in (true != 0, pred, weights))
    count = _count_in_buckets if evenly else _count_at_each
    counted = count(positive, pred, weights, np.asarray(thresholds, np.float32))
    shape = (-1, columns) if multi_label else (-1,)
    return Counts(*(values.astype(np.float32).reshape(shape) for values in counted))


def _broadcast(weight: Array, pred: Array) -> Array:
    try:
        return np.broadcast_to(weight, pred.shape)
    except ValueError:
        raise ValueError(
            "`sample_weight` must hold one weight per sample, or per prediction. "
            f"Received: sample_weight.shape={weight.shape}, y_pred.shape={pred.shape}"
        ) from None


def _keep_top(pred: Array, k: int) -> Array:
    """Reject all but the `k` highest of the last axis (of equal ones the first count)."""
    if pred.ndim < 2 or not 0 < k <= pred.shape[-1]:
        raise ValueError(
            "`top_k` must be from 1 to the number of classes, the last axis of `y_pred`. "
            f"Received: top_k={k}, y_pred.shape={pred.shape}"
        )
    ranked = np.argsort(-np.where(np.isnan(pred), np.inf, pred), axis=-1, kind="stable")
    chosen = np.zeros(pred.shape, bool)
    np.put_along_axis(chosen, ranked[..., :k], True, axis=-1)
    return np.where(chosen, pred, np.float32(REJECTED))


def _select_class(values: Array, class_id: int) -> Array:
    if values.ndim < 2 or not -values.shape[-1] <= class_id < values.shape[-1]:
        raise ValueError(
            "With `class_id`, `y_true` and `y_pred` must have the shape (samples, classes), with "
            f"that class. Received: class_id={class_id}, shape {values.shape}"
        )
    return values[..., class_id, None]


def _count_at_each(
    positive: Array, pred: Array, weights: Array, thresholds: Float32Array
) -> tuple[Array, ...]:
    """Compare with one threshold after the other; arrays are ``(predictions, labels)``."""
    rows = []
    for threshold in thresholds:
        above = pred > threshold
        cases = (positive & above, ~positive & above, ~positive & ~above, positive & ~above)
        rows.append([np.where(case, weights, 0).sum(axis=0, dtype=np.float64) for case in cases])
    return tuple(np.array(case) for case in zip(*rows, strict=True))


def _count_in_buckets(
    positive: Array, pred: Array, weights: Array, thresholds: Float32Array
) -> tuple[Array, ...]:
    """Sort predictions into the gaps between thresholds, and sum from the last one down."""
    count, columns = len(thresholds), pred.shape[-1]
    bucket = np.ceil(np.clip(pred, 0, 1) * np.float32(count - 1)) - 1
    if thresholds[0] < 0:
        bucket = np.maximum(bucket, 0)
    bucket = np.where(np.isnan(bucket), 0, bucket).astype(np.int64)
    place = (bucket * columns + np.arange(columns)).ravel()
    inside = (bucket >= 0).ravel()  # of a 0, which is above no threshold, the bucket is -1
    found = []
    for case in (positive, ~positive):
        weight = np.where(case, weights, 0)
        sums = np.bincount(place[inside], weight.ravel()[inside], minlength=count * columns)
        above = sums.reshape(count, columns)[::-1].cumsum(axis=0)[::-1]
        found.append((above, weight.sum(axis=0, dtype=np.float64) - above))
    (true_positives, false_negatives), (false_positives, true_negatives) = found
    return true_positives, false_positives, true_negatives, false_negatives
