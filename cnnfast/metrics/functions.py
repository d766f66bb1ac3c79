"""The formulas: 1.0 where a prediction is right, 0.0 where it is not, one per sample."""

from __future__ import annotations

import numpy as np

from cnnfast.losses.arrays import (
    Array,
    Float32Array,
    as_float32,
    as_same_rank,
)


def _hits(matches: Array) -> Float32Array:
    return matches.astype(np.float32)


def _compare_labels(labels: Array, y_pred: Float32Array) -> Float32Array:
    """1.0 where the largest prediction stands at the label (of equal ones, the first)."""
    best = y_pred.argmax(axis=-1)
    if labels.shape != best.shape:
        raise ValueError(
            "`y_true` must hold one label, or one row of class scores, per prediction. "
            f"Received: labels of shape {labels.shape}, y_pred.shape={y_pred.shape}"
        )
    return _hits(labels == best)


def accuracy(y_true: object, y_pred: object) -> Float32Array:
    """1.0 where `y_pred` equals `y_true`."""
    true, pred = as_same_rank(y_true, y_pred)
    return _hits(true == pred)


def binary_accuracy(y_true: object, y_pred: object, threshold: float = 0.5) -> Float32Array:
    """1.0 where ``y_pred > threshold`` equals `y_true`, which holds 0 and 1."""
    true, pred = as_same_rank(y_true, y_pred)
    return _hits(true == (pred > np.float32(threshold)))


def categorical_accuracy(y_true: object, y_pred: object) -> Float32Array:
    """1.0 where the largest score of `y_true` (one-hot labels) and of `y_pred` agree."""
    return _compare_labels(
        as_float32(y_true, "y_true").argmax(axis=-1), as_float32(y_pred, "y_pred")
    )


def sparse_categorical_accuracy(y_true: object, y_pred: object) -> Float32Array:
    """1.0 where the largest score of `y_pred` stands at the integer label `y_true`."""
    labels, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
    if labels.ndim == pred.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    return _compare_labels(labels, pred)


def top_k_categorical_accuracy(y_true: object, y_pred: object, k: int = 5) -> Float32Array:
    """1.0 where the class of the one-hot `y_true` is among the `k` largest scores."""
    labels = as_float32(y_true, "y_true").argmax(axis=-1)
    return sparse_top_k_categorical_accuracy(labels, y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: object, y_pred: object, k: int = 5, from_sorted_ids: bool = False
) -> Float32Array:
    """1.0 where the label `y_true` is among the `k` largest scores.

    A label is among them if fewer than `k` scores are larger than its own; a NaN score is the
    smallest, and a label outside of the classes is never among them.

    Parameters
    ----------
    y_true
        Integer labels, of the shape of `y_pred` without the class axis.
    y_pred
        Class scores; with `from_sorted_ids` the classes themselves, best first.
    k
        How many of the best classes count.
    """
    pred = as_float32(y_pred, "y_pred")
    labels = as_float32(y_true, "y_true")
    if labels.shape != pred.shape[:-1] and labels.size == pred[..., 0].size:
        labels = labels.reshape(pred.shape[:-1])
    if labels.shape != pred.shape[:-1]:
        raise ValueError(
            "`y_true` must hold one label per prediction. "
            f"Received: y_true.shape={labels.shape}, y_pred.shape={pred.shape}"
        )
    if from_sorted_ids:
        return _hits((labels[..., None] == pred[..., :k]).any(axis=-1))
    inside = (labels >= 0) & (labels < pred.shape[-1])
    places = np.where(inside, labels, 0).astype(np.int64)
    own = np.take_along_axis(pred, places[..., None], axis=-1)
    own = np.where(np.isnan(own), np.float32(-np.inf), own)
    return _hits(inside & ((pred > own).sum(axis=-1) < k))
