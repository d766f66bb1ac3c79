"""Metrics that are the mean of a loss."""

from __future__ import annotations

import numpy as np

from cnnfast import losses
from cnnfast.losses.arrays import Float32Array, as_float32, as_same_rank
from cnnfast.losses.loss import apply_mask
from cnnfast.metrics.metric import MeanMetricWrapper, RunningMean, by_mask


class MeanSquaredError(MeanMetricWrapper):
    """The mean of `cnnfast.losses.mean_squared_error`."""

    def __init__(self, name: str | None = "mean_squared_error", dtype: object = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of `cnnfast.losses.mean_absolute_error`."""

    def __init__(self, name: str | None = "mean_absolute_error", dtype: object = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class RootMeanSquaredError(RunningMean):
    """The square root of the mean squared difference."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: object = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch of labels and predictions."""
        true, pred = as_same_rank(y_true, y_pred)
        self.accumulate(np.square(pred - true), sample_weight)

    def result(self) -> np.float32:
        """Return the root of the mean."""
        return np.float32(np.sqrt(super().result()))


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `cnnfast.losses.binary_crossentropy`."""

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: object = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            losses.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `cnnfast.losses.categorical_crossentropy`."""

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: object = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `cnnfast.losses.sparse_categorical_crossentropy`.

    As in Keras, places of `ignore_class` count as 0, and are left out of the mean only where
    there are sample weights.
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: object = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.ignore_class = ignore_class
        self.axis = axis

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch of labels and predictions."""
        sample_weight = by_mask(y_pred, sample_weight)
        if sample_weight is not None and self.ignore_class is not None:
            labels = np.asarray(y_true)
            if labels.ndim == np.ndim(y_pred):  # type: ignore[arg-type]
                labels = labels.squeeze(self.axis)
            weight = as_float32(sample_weight, "sample_weight")
            sample_weight = apply_mask(weight, labels != self.ignore_class, "sum")
        super().update_state(y_true, np.asarray(y_pred), sample_weight)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of `cnnfast.losses.mean_absolute_percentage_error`."""

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: object = None
    ) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of `cnnfast.losses.mean_squared_logarithmic_error`."""

    def __init__(
        self, name: str | None = "mean_squared_logarithmic_error", dtype: object = None
    ) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of `cnnfast.losses.log_cosh`."""

    def __init__(self, name: str | None = "logcosh", dtype: object = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


class Hinge(MeanMetricWrapper):
    """The mean of `cnnfast.losses.hinge`."""

    def __init__(self, name: str | None = "hinge", dtype: object = None) -> None:
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of `cnnfast.losses.squared_hinge`."""

    def __init__(self, name: str | None = "squared_hinge", dtype: object = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of `cnnfast.losses.categorical_hinge`."""

    def __init__(self, name: str | None = "categorical_hinge", dtype: object = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """The mean of `cnnfast.losses.kl_divergence`."""

    def __init__(self, name: str | None = "kl_divergence", dtype: object = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of `cnnfast.losses.poisson`."""

    def __init__(self, name: str | None = "poisson", dtype: object = None) -> None:
        super().__init__(losses.poisson, name, dtype)


def _cosine(y_true: object, y_pred: object, axis: int = -1) -> Float32Array:
    return -losses.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between `y_true` and `y_pred` along `axis`.

    1 where they point the same way; the loss of this name has the other sign.
    """

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: object = None, axis: int = -1
    ) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)
