"""The formulas: one float32 value per sample (or per place in it), not yet reduced.

The order of operations is Keras', so that scores agree to the last digits.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Float32Array: TypeAlias = npt.NDArray[np.float32]

EPSILON = 1e-7


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
        _require_same_shape(y_true, y_pred)


def _require_same_shape(y_true: Array, y_pred: Array) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(
            "Arguments `y_true` and `y_pred` must have the same shape. "
            f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
        )


def _difference(y_true: object, y_pred: object) -> Float32Array:
    true, pred = match_ranks(as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred"))
    require_broadcastable(true, pred)
    return cast(Float32Array, true - pred)


def _clip_probabilities(probabilities: Float32Array) -> Float32Array:
    return np.clip(probabilities, np.float32(EPSILON), np.float32(1.0 - EPSILON))


def _log_probabilities(y_pred: Float32Array, from_logits: bool, axis: int) -> Float32Array:
    if from_logits:
        shifted = y_pred - y_pred.max(axis=axis, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
        return cast(Float32Array, shifted - log_sum)
    normalized = y_pred / y_pred.sum(axis=axis, keepdims=True)
    return cast(Float32Array, np.log(_clip_probabilities(normalized)))


def mean_squared_error(y_true: object, y_pred: object) -> Float32Array:
    """``mean((y_true - y_pred)**2)`` over the last axis."""
    return cast(Float32Array, np.mean(np.square(_difference(y_true, y_pred)), axis=-1))


def mean_absolute_error(y_true: object, y_pred: object) -> Float32Array:
    """``mean(|y_true - y_pred|)`` over the last axis."""
    return cast(Float32Array, np.mean(np.abs(_difference(y_true, y_pred)), axis=-1))


def binary_crossentropy(
    y_true: object,
    y_pred: object,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float32Array:
    """``-mean(y log p + (1 - y) log(1 - p))`` over `axis`.

    Parameters
    ----------
    y_true, y_pred
        Arrays of the same shape; `y_pred` holds probabilities, or logits with `from_logits`.
    label_smoothing
        Moves the labels towards 0.5: ``y * (1 - s) + s / 2``.
    """
    true, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
    _require_same_shape(true, pred)
    if label_smoothing:
        true = true * np.float32(1.0 - label_smoothing) + np.float32(0.5 * label_smoothing)
    if from_logits:
        zero = np.float32(0.0)
        values = true * np.logaddexp(-pred, zero) + (1 - true) * np.logaddexp(pred, zero)
    else:
        probability = _clip_probabilities(pred)
        values = -(true * np.log(probability) + (1 - true) * np.log(1 - probability))
    return cast(Float32Array, np.mean(values, axis=axis))


def categorical_crossentropy(
    y_true: object,
    y_pred: object,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float32Array:
    """``-sum(y log p)`` over the class `axis`.

    Parameters
    ----------
    y_true, y_pred
        Arrays of the same shape, one-hot labels and class probabilities (rescaled to sum 1),
        or logits with `from_logits`.
    label_smoothing
        Moves the labels towards ``1 / classes``.
    """
    true, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
    if label_smoothing:
        share = np.float32(label_smoothing) / np.float32(true.shape[-1])
        true = true * np.float32(1.0 - label_smoothing) + share
    _require_same_shape(true, pred)
    return cast(Float32Array, -np.sum(true * _log_probabilities(pred, from_logits, axis), axis))


def sparse_categorical_crossentropy(
    y_true: object,
    y_pred: object,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Float32Array:
    """``-log p[label]`` over the class `axis`.

    Parameters
    ----------
    y_true
        Integer labels, of the shape of `y_pred` without the class axis, or with size 1 there.
    y_pred
        Class probabilities (rescaled to sum 1), or logits with `from_logits`.
    ignore_class
        A label whose places get the value 0.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a label is not in ``[0, classes)``.
    """
    labels, pred = np.asarray(y_true), as_float32(y_pred, "y_pred")
    if labels.ndim == pred.ndim and labels.shape[axis] == 1:
        labels = labels.squeeze(axis)
    rest = np.moveaxis(pred, axis, -1)
    if labels.shape != rest.shape[:-1]:
        raise ValueError(
            "`y_true` must hold one integer label per prediction: the shape of `y_pred` without "
            f"its class axis. Received: y_true.shape={labels.shape}, "
            f"y_pred.shape={pred.shape}"
        )
    valid = np.ones(labels.shape, bool) if ignore_class is None else labels != ignore_class
    places = _check_labels(np.where(valid, labels, 0), rest.shape[-1])
    log_probabilities = _log_probabilities(rest, from_logits, -1)
    picked = np.take_along_axis(log_probabilities, places[..., None], axis=-1)[..., 0]
    return cast(Float32Array, np.where(valid, -picked, np.float32(0.0)))


def _check_labels(labels: Array, classes: int) -> npt.NDArray[np.int64]:
    """Return `labels` as integers; they must stand in ``[0, classes)``."""
    outside = ~((labels >= 0) & (labels < classes))
    if outside.any():
        raise ValueError(
            f"Each label of `y_true` must be an integer in the range [0, {classes}). "
            f"Received a label of {labels[outside].flat[0]:g}"
        )
    return labels.astype(np.int64)
