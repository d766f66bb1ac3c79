"""Losses with Keras' names, arguments and numbers, as `Model.evaluate` reports them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnfast.errors import UnsupportedError
from cnnfast.losses.hinge import hinge as hinge  # before its module could take its name
from cnnfast.losses.loss import (
    AUTO_REDUCTION,
    Loss as Loss,
    LossFunction,
    LossFunctionWrapper as LossFunctionWrapper,
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
from cnnfast.utils.registry import Registry

if TYPE_CHECKING:
    from cnnfast.losses.focal import (
        BinaryFocalCrossentropy as BinaryFocalCrossentropy,
        CategoricalFocalCrossentropy as CategoricalFocalCrossentropy,
        CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy,
        binary_focal_crossentropy as binary_focal_crossentropy,
        categorical_focal_crossentropy as categorical_focal_crossentropy,
        categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
    )
    from cnnfast.losses.hinge import (
        CategoricalHinge as CategoricalHinge,
        Hinge as Hinge,
        SquaredHinge as SquaredHinge,
        categorical_hinge as categorical_hinge,
        hinge as hinge,
        squared_hinge as squared_hinge,
    )
    from cnnfast.losses.probabilistic import (
        BinaryCrossentropy as BinaryCrossentropy,
        CategoricalCrossentropy as CategoricalCrossentropy,
        KLDivergence as KLDivergence,
        Poisson as Poisson,
        SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
        binary_crossentropy as binary_crossentropy,
        categorical_crossentropy as categorical_crossentropy,
        kl_divergence as kl_divergence,
        poisson as poisson,
        sparse_categorical_crossentropy as sparse_categorical_crossentropy,
    )
    from cnnfast.losses.regression import (
        CosineSimilarity as CosineSimilarity,
        Huber as Huber,
        LogCosh as LogCosh,
        MeanAbsoluteError as MeanAbsoluteError,
        MeanAbsolutePercentageError as MeanAbsolutePercentageError,
        MeanSquaredError as MeanSquaredError,
        MeanSquaredLogarithmicError as MeanSquaredLogarithmicError,
        cosine_similarity as cosine_similarity,
        huber as huber,
        log_cosh as log_cosh,
        mean_absolute_error as mean_absolute_error,
        mean_absolute_percentage_error as mean_absolute_percentage_error,
        mean_squared_error as mean_squared_error,
        mean_squared_logarithmic_error as mean_squared_logarithmic_error,
    )
    from cnnfast.losses.segmentation import (
        Dice as Dice,
        Tversky as Tversky,
        dice as dice,
        tversky as tversky,
    )
    from cnnfast.losses.similarity import Circle as Circle, circle as circle
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "focal": [
                "BinaryFocalCrossentropy",
                "CategoricalFocalCrossentropy",
                "CategoricalGeneralizedCrossEntropy",
                "binary_focal_crossentropy",
                "categorical_focal_crossentropy",
                "categorical_generalized_cross_entropy",
            ],
            "hinge": [
                "CategoricalHinge",
                "Hinge",
                "SquaredHinge",
                "categorical_hinge",
                "hinge",
                "squared_hinge",
            ],
            "loss": ["Loss", "LossFunctionWrapper"],
            "probabilistic": [
                "BinaryCrossentropy",
                "CategoricalCrossentropy",
                "KLDivergence",
                "Poisson",
                "SparseCategoricalCrossentropy",
                "binary_crossentropy",
                "categorical_crossentropy",
                "kl_divergence",
                "poisson",
                "sparse_categorical_crossentropy",
            ],
            "regression": [
                "CosineSimilarity",
                "Huber",
                "LogCosh",
                "MeanAbsoluteError",
                "MeanAbsolutePercentageError",
                "MeanSquaredError",
                "MeanSquaredLogarithmicError",
                "cosine_similarity",
                "huber",
                "log_cosh",
                "mean_absolute_error",
                "mean_absolute_percentage_error",
                "mean_squared_error",
                "mean_squared_logarithmic_error",
            ],
            "segmentation": ["Dice", "Tversky", "dice", "tversky"],
            "similarity": ["Circle", "circle"],
        },
    )
    __all__ += ["deserialize", "get", "serialize"]

KNOWN: Registry[Any] = Registry("loss", JUDGES)
"""What a name or a file may stand for: a class of losses, or a function."""

# Keras has no function of these names, and bases are no losses.
_UNNAMED = (
    *("Loss", "LossFunctionWrapper", "categorical_generalized_cross_entropy"),
    *("deserialize", "get", "serialize"),
)
_SHORT = {
    "binary_crossentropy": "bce",
    "kl_divergence": "kld",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_error": "mse",
    "mean_squared_logarithmic_error": "msle",
}
if not TYPE_CHECKING:
    KNOWN.postpone({name: name for name in __all__ if name not in _UNNAMED}, __getattr__)
    KNOWN.postpone({short: name for name, short in _SHORT.items()}, __getattr__)
    KNOWN.postpone({short.upper(): name for name, short in _SHORT.items()}, __getattr__)
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
    if getattr(function, "__name__", "") == "circle" and function is KNOWN["circle"]:
        circle: Loss = KNOWN["Circle"](name=name)
        return circle
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
    """Describe a loss so that `deserialize` and Keras make it again; a function by its name.

    What Keras 2 wrote of one is described as Keras 3 does.
    """
    return serialize_object("keras.losses", get(loss) if isinstance(loss, Mapping) else loss)
