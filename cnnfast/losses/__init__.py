"""Losses with Keras' names, arguments and numbers, as `Model.evaluate` reports them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnfast.errors import UnsupportedError
from cnnfast.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from cnnfast.losses.hinge import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from cnnfast.losses.loss import AUTO_REDUCTION, Loss, LossFunction, LossFunctionWrapper
from cnnfast.losses.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from cnnfast.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from cnnfast.losses.segmentation import (
    Dice,
    Tversky,
    dice,
    tversky,
)
from cnnfast.losses.similarity import (
    Circle,
    circle,
)
from cnnfast.utils.identifiers import (
    JUDGES,
    build,
    handed_over_for,
    parse_serialized,
    resolve,
    serialize_object,
)
from cnnfast.utils.registry import Registry

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

KNOWN: Registry[Any] = Registry("loss", JUDGES)
"""What a name or a file may stand for: a class of losses, or a function."""

_FUNCTIONS_OF_THIS_MODULE = ("deserialize", "get", "serialize")
# Keras has no function of these names, and bases are no losses.
_UNNAMED = ("Loss", "LossFunctionWrapper", "categorical_generalized_cross_entropy")
KNOWN.register(
    globals()[name] for name in __all__ if name not in (*_FUNCTIONS_OF_THIS_MODULE, *_UNNAMED)
)
KNOWN.register(
    **dict.fromkeys(("bce", "BCE"), binary_crossentropy),
    **dict.fromkeys(("kld", "KLD"), kl_divergence),
    **dict.fromkeys(("mae", "MAE"), mean_absolute_error),
    **dict.fromkeys(("mape", "MAPE"), mean_absolute_percentage_error),
    **dict.fromkeys(("mse", "MSE"), mean_squared_error),
    **dict.fromkeys(("msle", "MSLE"), mean_squared_logarithmic_error),
)
KNOWN.seal()


def get(identifier: Any) -> Any:
    """Find a loss by name, serialized dict, or object of Keras.

    Parameters
    ----------
    identifier
        A name (``"mse"``, ``"SparseCategoricalCrossentropy"``), a dict ``{"class_name": ...,
        "config": ...}``, a loss of this module or of Keras, or any function
        ``(y_true, y_pred) -> one value per sample``. None gives None.

    Returns
    -------
    Loss or function
        A `Loss` for a class, the function itself for a function.

    Raises
    ------
    ValueError
        If the name is unknown (the known ones are listed) or `identifier` cannot be called.
    UnsupportedError
        If it is the CTC loss.
    """
    _require_supported(identifier)
    return resolve(identifier, KNOWN, deserialize)


def _require_supported(name: Any) -> None:
    if name in ("CTC", "ctc"):
        raise UnsupportedError(
            "The CTC loss is not supported: give a function `(y_true, y_pred)` of NumPy arrays in "
            f"its place. Received: {name!r}"
        )


def as_loss(function: LossFunction, name: str) -> Loss:
    """Make a `Loss` of a function, which reduces what it gives."""
    if function is circle:
        return Circle(name=name)
    return LossFunctionWrapper(function, name=name)


def deserialize(config: Mapping[str, Any]) -> Any:
    """Make a loss from what Keras or `serialize` wrote; see `get` for the errors."""
    given = handed_over_for(config, "loss")
    if given is not None:
        return given
    name, arguments = parse_serialized(config, "loss")
    _require_supported(name)
    if name == LossFunctionWrapper.__name__ and arguments is not None:
        return build(_wrapper_from_config, arguments, name)
    cls = KNOWN.get(name)
    if arguments is None or not (isinstance(cls, type) and issubclass(cls, Loss)):
        return get(name)
    return build(cls.from_config, arguments, name)


def _wrapper_from_config(config: Mapping[str, Any]) -> Loss:
    arguments = dict(config)
    function = get(arguments.pop("fn", ""))
    if arguments.get("reduction") == "auto":
        arguments["reduction"] = AUTO_REDUCTION
    return LossFunctionWrapper(function, **arguments)


def serialize(loss: Any) -> Any:
    """Describe a loss so that `deserialize` and Keras make it again; a function by its name."""
    return serialize_object("keras.losses", loss)
