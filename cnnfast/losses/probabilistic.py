"""Losses of predictions that are probabilities, of classes or of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from cnnfast.losses.arrays import (
    Array,
    Float32Array,
    as_float32,
    as_pair,
    as_same_shape,
    mean_over,
    sum_over,
)
from cnnfast.losses.loss import LossFunctionWrapper
from cnnfast.utils.defaults import epsilon

if TYPE_CHECKING:
    import numpy.typing as npt


def clip_probabilities(probabilities: Float32Array) -> Float32Array:
    """Move 0 and 1, of which a logarithm is taken, to 1e-7 and ``1 - 1e-7``."""
    return np.clip(probabilities, np.float32(epsilon()), np.float32(1.0 - epsilon()))


def normalize_probabilities(probabilities: Float32Array, axis: int) -> Float32Array:
    """Scale to the sum 1 over `axis`, and do `clip_probabilities`."""
    return clip_probabilities(probabilities / probabilities.sum(axis=axis, keepdims=True))


def smooth_labels(labels: Float32Array, amount: float, classes: int) -> Float32Array:
    """Move `labels` towards ``1 / classes``: ``y * (1 - amount) + amount / classes``."""
    if not amount:
        return labels
    return labels * np.float32(1.0 - amount) + np.float32(amount) / np.float32(classes)


def _log_probabilities(y_pred: Float32Array, from_logits: bool, axis: int) -> Float32Array:
    if from_logits:
        shifted = y_pred - y_pred.max(axis=axis, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
        return cast(Float32Array, shifted - log_sum)
    return np.log(normalize_probabilities(y_pred, axis))


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
    true, pred = as_same_shape(y_true, y_pred)
    true = smooth_labels(true, label_smoothing, 2)
    if from_logits:
        zero = np.float32(0.0)
        values = true * np.logaddexp(-pred, zero) + (1 - true) * np.logaddexp(pred, zero)
    else:
        values = binary_values(true, pred)
    return mean_over(values, axis)


def binary_values(true: Float32Array, probability: Float32Array) -> Float32Array:
    """``-(y log p + (1 - y) log(1 - p))`` of each place."""
    p = clip_probabilities(probability)
    return -(true * np.log(p) + (1 - true) * np.log(1 - p))


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
    true, pred = as_same_shape(y_true, y_pred)
    true = smooth_labels(true, label_smoothing, true.shape[-1])
    return -sum_over(true * _log_probabilities(pred, from_logits, axis), axis)


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


def kl_divergence(y_true: object, y_pred: object) -> Float32Array:
    """``sum(y_true * log(y_true / y_pred))`` over the last axis, of values within [1e-7, 1]."""
    true, pred = (np.clip(y, np.float32(epsilon()), 1) for y in as_pair(y_true, y_pred))
    return sum_over(true * np.log(true / pred))


def poisson(y_true: object, y_pred: object) -> Float32Array:
    """``mean(y_pred - y_true * log(y_pred + 1e-7))`` over the last axis."""
    true, pred = as_pair(y_true, y_pred)
    return mean_over(pred - true * np.log(pred + np.float32(epsilon())))


class BinaryCrossentropy(LossFunctionWrapper):
    """See `binary_crossentropy` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: object = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """See `categorical_crossentropy` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: object = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """See `sparse_categorical_crossentropy` and, for the other arguments, `Loss`.

    Places of `ignore_class` do not count in the mean.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: object = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.ignore_class = ignore_class
        self.axis = axis

    def compute_mask(
        self, y_true: Float32Array, y_pred: Float32Array, values: Float32Array
    ) -> Array | None:
        """Return where the label is not `ignore_class`."""
        del values
        if self.ignore_class is None:
            return None
        if y_true.ndim == y_pred.ndim:
            y_true = y_true.squeeze(self.axis)
        return np.not_equal(y_true, self.ignore_class)


class KLDivergence(LossFunctionWrapper):
    """See `kl_divergence` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: object = None,
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """See `poisson` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: object = None,
    ) -> None:
        super().__init__(poisson, reduction, name, dtype)
