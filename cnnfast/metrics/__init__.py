"""Metrics with Keras' names, arguments and numbers, as `Model.evaluate` reports them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from cnnfast import losses
from cnnfast.losses.arrays import as_float32, match_ranks, require_broadcastable
from cnnfast.losses.loss import apply_mask
from cnnfast.metrics.functions import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from cnnfast.metrics.metric import Mean, MeanMetricWrapper, Metric, RunningMean
from cnnfast.utils.identifiers import (
    build,
    lookup,
    parse_serialized,
    resolve,
    serialize_object,
)
from cnnfast.utils.naming import to_snake_case

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "deserialize",
    "get",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels."""

    def __init__(self, name: str | None = "accuracy", dtype: object = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often ``y_pred > threshold`` equals the label 0 or 1."""

    def __init__(
        self,
        name: str | None = "binary_accuracy",
        dtype: object = None,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction stands where the one-hot label does."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: object = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction stands at the integer label."""

    def __init__(
        self, name: str | None = "sparse_categorical_accuracy", dtype: object = None
    ) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class of the one-hot label is among the `k` largest predictions."""

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: object = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label is among the `k` largest predictions."""

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: object = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )


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
        true, pred = match_ranks(as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred"))
        require_broadcastable(true, pred)
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
        if sample_weight is not None and self.ignore_class is not None:
            labels = np.asarray(y_true)
            if labels.ndim == np.ndim(y_pred):  # type: ignore[arg-type]
                labels = labels.squeeze(self.axis)
            weight = as_float32(sample_weight, "sample_weight")
            sample_weight = apply_mask(weight, labels != self.ignore_class, "sum")
        super().update_state(y_true, y_pred, sample_weight)


_CLASSES: tuple[type[Metric], ...] = (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    Mean,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
KNOWN: Mapping[str, type[Metric]] = MappingProxyType(
    {cls.__name__: cls for cls in _CLASSES}
    | {to_snake_case(cls.__name__): cls for cls in _CLASSES}
    | dict.fromkeys(("bce", "BCE"), BinaryCrossentropy)
    | dict.fromkeys(("mae", "MAE"), MeanAbsoluteError)
    | dict.fromkeys(("mse", "MSE"), MeanSquaredError)
)


def get(identifier: Any) -> Any:
    """Find a metric by name, serialized dict, or object of Keras.

    Parameters
    ----------
    identifier
        A name (``"mse"``, ``"SparseCategoricalAccuracy"``), a dict ``{"class_name": ...,
        "config": ...}``, a metric of this module or of Keras, or any function
        ``(y_true, y_pred) -> one value per sample``. None gives None.

    Returns
    -------
    Metric or function

    Raises
    ------
    ValueError
        If the name is unknown (the known ones are listed) or `identifier` cannot be called.
    """
    return resolve(identifier, KNOWN, deserialize, "metric")


def deserialize(config: Mapping[str, Any]) -> Any:
    """Make a metric from what Keras or `serialize` wrote; see `get` for the errors."""
    name, arguments = parse_serialized(config, "metric")
    if arguments is None:
        return get(name)
    if name == MeanMetricWrapper.__name__:
        return build(_wrapper_from_config, arguments, name)
    return build(lookup(KNOWN, name, "metric").from_config, arguments, name)


def _wrapper_from_config(config: Mapping[str, Any]) -> Metric:
    """Make the metric of a wrapped function, as Keras 2 wrote ``metrics=["accuracy"]``."""
    arguments = dict(config)
    function = arguments.pop("fn", "")
    name = parse_serialized(function, "metric")[0] if isinstance(function, Mapping) else function
    return lookup(KNOWN, str(name), "metric")(**arguments)


def serialize(metric: Any) -> Any:
    """Describe a metric so that `deserialize` and Keras make it again; a function by its name."""
    return serialize_object("keras.metrics", metric)
