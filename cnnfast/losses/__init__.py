"""Losses with Keras' names, arguments and numbers, as `Model.evaluate` reports them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from cnnfast.losses.functions import (
    Array,
    Float32Array,
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from cnnfast.losses.loss import AUTO_REDUCTION, Loss, LossFunction, LossFunctionWrapper
from cnnfast.utils.identifiers import (
    build,
    parse_serialized,
    resolve,
    serialize_object,
)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]


class MeanSquaredError(LossFunctionWrapper):
    """See `mean_squared_error` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: object = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """See `mean_absolute_error` and, for the arguments, `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: object = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


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

    def compute_mask(self, y_true: Float32Array, y_pred: Float32Array) -> Array | None:
        """Return where the label is not `ignore_class`."""
        if self.ignore_class is None:
            return None
        if y_true.ndim == y_pred.ndim:
            y_true = y_true.squeeze(self.axis)
        return np.not_equal(y_true, self.ignore_class)


_CLASSES_BY_NAME: dict[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (
        BinaryCrossentropy,
        CategoricalCrossentropy,
        MeanAbsoluteError,
        MeanSquaredError,
        SparseCategoricalCrossentropy,
    )
}
_FUNCTIONS: tuple[LossFunction, ...] = (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
KNOWN: Mapping[str, type[Loss] | LossFunction] = MappingProxyType(
    _CLASSES_BY_NAME
    | {function.__name__: function for function in _FUNCTIONS}
    | dict.fromkeys(("bce", "BCE"), binary_crossentropy)
    | dict.fromkeys(("mae", "MAE"), mean_absolute_error)
    | dict.fromkeys(("mse", "MSE"), mean_squared_error)
)


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
    """
    return resolve(identifier, KNOWN, deserialize, "loss")


def deserialize(config: Mapping[str, Any]) -> Any:
    """Make a loss from what Keras or `serialize` wrote; see `get` for the errors."""
    name, arguments = parse_serialized(config, "loss")
    if name == LossFunctionWrapper.__name__ and arguments is not None:
        return build(_wrapper_from_config, arguments, name)
    if arguments is None or name not in _CLASSES_BY_NAME:
        return get(name)
    return build(_CLASSES_BY_NAME[name].from_config, arguments, name)


def _wrapper_from_config(config: Mapping[str, Any]) -> Loss:
    arguments = dict(config)
    function = get(arguments.pop("fn", ""))
    if arguments.get("reduction") == "auto":
        arguments["reduction"] = AUTO_REDUCTION
    return LossFunctionWrapper(function, **arguments)


def serialize(loss: Any) -> Any:
    """Describe a loss so that `deserialize` and Keras make it again; a function by its name."""
    return serialize_object("keras.losses", loss)
