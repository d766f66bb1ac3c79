"""Cross-entropies for labels that are unbalanced or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from cnnfast.losses.arrays import (
    Float32Array,
    as_float32,
    as_same_shape,
    mean_over,
    sigmoid,
    sum_over,
)
from cnnfast.losses.loss import LossFunctionWrapper
from cnnfast.losses.probabilistic import binary_values, normalize_probabilities, smooth_labels


def binary_focal_crossentropy(
    y_true: object,
    y_pred: object,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float32Array:
    """Mean of the binary cross-entropy times ``(1 - q)**gamma`` over `axis`.

    ``q`` is what the prediction gives the label: ``p`` for 1, ``1 - p`` for 0 (Lin et al.,
    2017, "Focal Loss for Dense Object Detection").

    Parameters
    ----------
    y_true, y_pred
        Arrays of the same shape; `y_pred` holds probabilities, or logits with `from_logits`.
    apply_class_balancing
        Whether labels of 1 weigh `alpha` and those of 0 ``1 - alpha``.
    alpha, gamma
        The weight of the label 1, and the power.
    label_smoothing
        Moves the labels towards 0.5: ``y * (1 - s) + s / 2``.
    """
    true, pred = as_same_shape(y_true, y_pred)
    true = smooth_labels(true, label_smoothing, 2)
    if from_logits:
        pred = sigmoid(pred)
    given = true * pred + (1 - true) * (1 - pred)
    values = np.power(1 - given, np.float32(gamma)) * binary_values(true, pred)
    if apply_class_balancing:
        values = values * (true * np.float32(alpha) + (1 - true) * np.float32(1 - alpha))
    return mean_over(values, axis)


def categorical_focal_crossentropy(
    y_true: object,
    y_pred: object,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Float32Array:
    """``-sum(alpha * (1 - p)**gamma * y log p)`` over the class `axis`.

    Parameters
    ----------
    y_true, y_pred
        Arrays of the same shape, one-hot labels and class probabilities (rescaled to sum 1),
        or logits with `from_logits`.
    alpha
        A factor, or one for each class.
    gamma
        The power.
    label_smoothing
        Moves the labels towards ``1 / classes``.
    """
    true, pred = as_same_shape(y_true, y_pred)
    true = smooth_labels(true, label_smoothing, true.shape[-1])
    if from_logits:
        pred = np.exp(pred - pred.max(axis=axis, keepdims=True))
    probability = normalize_probabilities(pred, axis)
    factor = np.power(1 - probability, np.float32(gamma)) * as_float32(alpha, "alpha")
    return sum_over(factor * -true * np.log(probability), axis)


def categorical_generalized_cross_entropy(y_true: object, y_pred: object, q: float) -> Float32Array:
    """``(1 - p**q) / q`` of what `y_pred` gives the label.

    Between a cross-entropy (`q` near 0) and the absolute error (near 1), for labels of which
    some are wrong (Zhang and Sabuncu, 2018).

    Parameters
    ----------
    y_true
        Integer labels, of the shape of `y_pred` without the last axis. One that is no class
        has the probability 0.
    y_pred
        Class probabilities.
    q
        The power.
    """
    labels, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
    if labels.shape != pred.shape[:-1]:
        raise ValueError(
            "`y_true` must hold one integer label per prediction. "
            f"Received: y_true.shape={labels.shape}, y_pred.shape={pred.shape}"
        )
    matches = labels.astype(np.int64)[..., None] == np.arange(pred.shape[-1])
    power = np.float32(q)
    picked = sum_over(np.where(matches, pred, np.float32(0.0)))
    return cast(Float32Array, (1 - np.power(picked, power)) / power)


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """See `binary_focal_crossentropy` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: object = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """See `categorical_focal_crossentropy` and, for the other arguments, `Loss`."""

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: object = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """See `categorical_generalized_cross_entropy`, and for the other arguments `Loss`.

    Raises
    ------
    ValueError
        If `q` is not between 0 and 1.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: object = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"`q` must be in the interval (0, 1). Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
