"""Metrics with Keras' names, arguments and numbers, as `Model.evaluate` reports them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnfast.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from cnnfast.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from cnnfast.metrics.auc import AUC
from cnnfast.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from cnnfast.metrics.correlation import (
    ConcordanceCorrelation,
    PearsonCorrelation,
    concordance_correlation,
    pearson_correlation,
)
from cnnfast.metrics.f_score import (
    F1Score,
    FBetaScore,
)
from cnnfast.metrics.functions import (
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from cnnfast.metrics.iou import (
    BinaryIoU,
    IoU,
    MeanIoU,
    OneHotIoU,
    OneHotMeanIoU,
)
from cnnfast.metrics.means import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from cnnfast.metrics.metric import (
    Mean,
    MeanMetricWrapper,
    Metric,
    MetricFunction,
    Sum,
)
from cnnfast.metrics.operating_points import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from cnnfast.metrics.r2 import R2Score
from cnnfast.utils.identifiers import (
    JUDGES,
    build,
    handed_over_for,
    parse_serialized,
    resolve,
    serialize_object,
)
from cnnfast.utils.naming import to_snake_case
from cnnfast.utils.registry import Registry

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

_PUBLIC = [globals()[name] for name in __all__ if name not in ("deserialize", "get", "serialize")]
_CLASSES = [
    item for item in _PUBLIC if isinstance(item, type) and item not in (MeanMetricWrapper, Metric)
]
KNOWN: Registry[type[Metric]] = Registry("metric", JUDGES)
"""What a name or a file may stand for."""

KNOWN.register(_CLASSES, **{to_snake_case(cls.__name__): cls for cls in _CLASSES})
KNOWN.register(
    **dict.fromkeys(("bce", "BCE"), BinaryCrossentropy),
    **dict.fromkeys(("mae", "MAE"), MeanAbsoluteError),
    **dict.fromkeys(("mape", "MAPE"), MeanAbsolutePercentageError),
    **dict.fromkeys(("mse", "MSE"), MeanSquaredError),
    **dict.fromkeys(("msle", "MSLE"), MeanSquaredLogarithmicError),
)
KNOWN.seal()
# What a function of Keras is read as: of cosine_similarity the loss, which Keras exports.
_FUNCTIONS: Registry[MetricFunction] = Registry("metric function")
_FUNCTIONS.register(item for item in (*_PUBLIC, cosine_similarity) if not isinstance(item, type))
_FUNCTIONS.seal()


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
    return resolve(identifier, KNOWN, deserialize)


def deserialize(config: Mapping[str, Any]) -> Any:
    """Make a metric from what Keras or `serialize` wrote; see `get` for the errors."""
    given = handed_over_for(config, "metric")
    if given is not None:
        return given
    name, arguments = parse_serialized(config, "metric")
    if arguments is None:
        return _FUNCTIONS[name] if name in _FUNCTIONS else get(name)
    if name == MeanMetricWrapper.__name__:
        return build(_wrapper_from_config, arguments, name)
    return build(KNOWN.lookup(name).from_config, arguments, name)


def _wrapper_from_config(config: Mapping[str, Any]) -> Metric:
    """Make the metric of a wrapped function, as Keras 2 wrote ``metrics=["accuracy"]``."""
    arguments = dict(config)
    function = arguments.pop("fn", "")
    name = parse_serialized(function, "metric")[0] if isinstance(function, Mapping) else function
    return KNOWN.lookup(str(name))(**arguments)


def serialize(metric: Any) -> Any:
    """Describe a metric so that `deserialize` and Keras make it again; a function by its name."""
    return serialize_object("keras.metrics", metric)
