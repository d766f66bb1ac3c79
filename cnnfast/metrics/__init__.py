"""Metrics with Keras' names, arguments and numbers, as `Model.evaluate` reports them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnfast import losses
from cnnfast.metrics.metric import (
    MeanMetricWrapper as MeanMetricWrapper,
    Metric as Metric,
    MetricFunction,
)
from cnnfast.utils import rooms
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

if TYPE_CHECKING:
    from cnnfast.losses import (
        binary_crossentropy as binary_crossentropy,
        binary_focal_crossentropy as binary_focal_crossentropy,
        categorical_crossentropy as categorical_crossentropy,
        categorical_focal_crossentropy as categorical_focal_crossentropy,
        categorical_hinge as categorical_hinge,
        hinge as hinge,
        huber as huber,
        kl_divergence as kl_divergence,
        log_cosh as log_cosh,
        mean_absolute_error as mean_absolute_error,
        mean_absolute_percentage_error as mean_absolute_percentage_error,
        mean_squared_error as mean_squared_error,
        mean_squared_logarithmic_error as mean_squared_logarithmic_error,
        poisson as poisson,
        sparse_categorical_crossentropy as sparse_categorical_crossentropy,
        squared_hinge as squared_hinge,
    )
    from cnnfast.metrics.accuracy import (
        Accuracy as Accuracy,
        BinaryAccuracy as BinaryAccuracy,
        CategoricalAccuracy as CategoricalAccuracy,
        SparseCategoricalAccuracy as SparseCategoricalAccuracy,
        SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy,
        TopKCategoricalAccuracy as TopKCategoricalAccuracy,
    )
    from cnnfast.metrics.auc import AUC as AUC
    from cnnfast.metrics.confusion import (
        FalseNegatives as FalseNegatives,
        FalsePositives as FalsePositives,
        Precision as Precision,
        Recall as Recall,
        TrueNegatives as TrueNegatives,
        TruePositives as TruePositives,
    )
    from cnnfast.metrics.correlation import (
        ConcordanceCorrelation as ConcordanceCorrelation,
        PearsonCorrelation as PearsonCorrelation,
        concordance_correlation as concordance_correlation,
        pearson_correlation as pearson_correlation,
    )
    from cnnfast.metrics.f_score import F1Score as F1Score, FBetaScore as FBetaScore
    from cnnfast.metrics.functions import (
        binary_accuracy as binary_accuracy,
        categorical_accuracy as categorical_accuracy,
        sparse_categorical_accuracy as sparse_categorical_accuracy,
        sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy,
        top_k_categorical_accuracy as top_k_categorical_accuracy,
    )
    from cnnfast.metrics.iou import (
        BinaryIoU as BinaryIoU,
        IoU as IoU,
        MeanIoU as MeanIoU,
        OneHotIoU as OneHotIoU,
        OneHotMeanIoU as OneHotMeanIoU,
    )
    from cnnfast.metrics.means import (
        BinaryCrossentropy as BinaryCrossentropy,
        CategoricalCrossentropy as CategoricalCrossentropy,
        CategoricalHinge as CategoricalHinge,
        CosineSimilarity as CosineSimilarity,
        Hinge as Hinge,
        KLDivergence as KLDivergence,
        LogCoshError as LogCoshError,
        MeanAbsoluteError as MeanAbsoluteError,
        MeanAbsolutePercentageError as MeanAbsolutePercentageError,
        MeanSquaredError as MeanSquaredError,
        MeanSquaredLogarithmicError as MeanSquaredLogarithmicError,
        Poisson as Poisson,
        RootMeanSquaredError as RootMeanSquaredError,
        SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
        SquaredHinge as SquaredHinge,
    )
    from cnnfast.metrics.metric import Mean as Mean, Sum as Sum
    from cnnfast.metrics.operating_points import (
        PrecisionAtRecall as PrecisionAtRecall,
        RecallAtPrecision as RecallAtPrecision,
        SensitivityAtSpecificity as SensitivityAtSpecificity,
        SpecificityAtSensitivity as SpecificityAtSensitivity,
    )
    from cnnfast.metrics.r2 import R2Score as R2Score
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "cnnfast.losses": [
                "binary_crossentropy",
                "binary_focal_crossentropy",
                "categorical_crossentropy",
                "categorical_focal_crossentropy",
                "categorical_hinge",
                "hinge",
                "huber",
                "kl_divergence",
                "log_cosh",
                "mean_absolute_error",
                "mean_absolute_percentage_error",
                "mean_squared_error",
                "mean_squared_logarithmic_error",
                "poisson",
                "sparse_categorical_crossentropy",
                "squared_hinge",
            ],
            "accuracy": [
                "Accuracy",
                "BinaryAccuracy",
                "CategoricalAccuracy",
                "SparseCategoricalAccuracy",
                "SparseTopKCategoricalAccuracy",
                "TopKCategoricalAccuracy",
            ],
            "auc": ["AUC"],
            "confusion": [
                "FalseNegatives",
                "FalsePositives",
                "Precision",
                "Recall",
                "TrueNegatives",
                "TruePositives",
            ],
            "correlation": [
                "ConcordanceCorrelation",
                "PearsonCorrelation",
                "concordance_correlation",
                "pearson_correlation",
            ],
            "f_score": ["F1Score", "FBetaScore"],
            "functions": [
                "binary_accuracy",
                "categorical_accuracy",
                "sparse_categorical_accuracy",
                "sparse_top_k_categorical_accuracy",
                "top_k_categorical_accuracy",
            ],
            "iou": ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"],
            "means": [
                "BinaryCrossentropy",
                "CategoricalCrossentropy",
                "CategoricalHinge",
                "CosineSimilarity",
                "Hinge",
                "KLDivergence",
                "LogCoshError",
                "MeanAbsoluteError",
                "MeanAbsolutePercentageError",
                "MeanSquaredError",
                "MeanSquaredLogarithmicError",
                "Poisson",
                "RootMeanSquaredError",
                "SparseCategoricalCrossentropy",
                "SquaredHinge",
            ],
            "metric": ["Mean", "MeanMetricWrapper", "Metric", "Sum"],
            "operating_points": [
                "PrecisionAtRecall",
                "RecallAtPrecision",
                "SensitivityAtSpecificity",
                "SpecificityAtSensitivity",
            ],
            "r2": ["R2Score"],
        },
    )
    __all__ += ["deserialize", "get", "serialize"]

KNOWN: Registry[type[Metric]] = Registry("metric", JUDGES)
"""What a name or a file may stand for."""

_FUNCTIONS: Registry[MetricFunction] = Registry("metric function")
"""What a function of Keras is read as: of cosine_similarity the loss, which Keras exports."""

_SHORT = {
    "BinaryCrossentropy": "bce",
    "MeanAbsoluteError": "mae",
    "MeanAbsolutePercentageError": "mape",
    "MeanSquaredError": "mse",
    "MeanSquaredLogarithmicError": "msle",
}
if not TYPE_CHECKING:
    _BASES = ("MeanMetricWrapper", "Metric")
    _CLASSES = [name for name in __all__ if name[0].isupper() and name not in _BASES]
    KNOWN.postpone({name: name for name in _CLASSES}, __getattr__)
    KNOWN.postpone({to_snake_case(name): name for name in _CLASSES}, __getattr__)
    KNOWN.postpone({short: name for name, short in _SHORT.items()}, __getattr__)
    KNOWN.postpone({short.upper(): name for name, short in _SHORT.items()}, __getattr__)
    _OTHERS = ("deserialize", "get", "serialize")
    _NAMES = (name for name in __all__ if name[0].islower() and name not in _OTHERS)
    _FUNCTIONS.postpone({name: name for name in _NAMES}, __getattr__)
    _FUNCTIONS.postpone({"cosine_similarity": "cosine_similarity"}, partial(getattr, losses))
KNOWN.seal()
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
    """Describe a metric so that `deserialize` and Keras make it again; a function by its name.

    What Keras 2 wrote of one is described as Keras 3 does.
    """
    return serialize_object("keras.metrics", get(metric) if isinstance(metric, Mapping) else metric)
