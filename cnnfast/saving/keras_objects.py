"""Objects of every kind as configs, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnfast import (
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from cnnfast.layers import Layer
from cnnfast.optimizers import schedules
from cnnfast.utils import handed_over

_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "constraints": constraints.deserialize,
    "initializers": initializers.deserialize,
    "layers": layers.deserialize,
    "losses": losses.deserialize,
    "metrics": metrics.deserialize,
    "optimizers": optimizers.deserialize,
    "optimizers.schedules": schedules.deserialize,
    "regularizers": regularizers.deserialize,
}
_CLASSES: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Layer, layers.serialize),
    (optimizers.Optimizer, optimizers.serialize),
    (schedules.LearningRateSchedule, schedules.serialize),
    (losses.Loss, losses.serialize),
    (metrics.Metric, metrics.serialize),
    (initializers.Initializer, initializers.serialize),
    (regularizers.Regularizer, regularizers.serialize),
    (constraints.Constraint, constraints.serialize),
)


def serialize_keras_object(obj: Any) -> Any:
    """Describe a layer, loss, metric, optimizer or the like, or a container of them.

    Raises
    ------
    ValueError
        If it is something else.

    Examples
    --------
    >>> cnnfast.saving.serialize_keras_object(cnnfast.layers.Dense(3))["class_name"]
    'Dense'
    """
    if obj is None or isinstance(obj, str | int | float | bool):
        return obj
    if isinstance(obj, list | tuple):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(item) for key, item in obj.items()}
    for cls, serialize in _CLASSES:
        if isinstance(obj, cls):
            return serialize(obj)
    raise ValueError(
        "Only layers, models, losses, metrics, optimizers, initializers, regularizers and "
        f"constraints are described by a config. Received: {obj!r}"
    )


def deserialize_keras_object(config: Any, custom_objects: Any = None, **kwargs: Any) -> Any:
    """Make what `serialize_keras_object`, or Keras 3, described.

    Parameters
    ----------
    config
        With the module that Keras has the class in.
    custom_objects
        What you hand over, by name.
    **kwargs
        Kept for Keras' sake.

    Raises
    ------
    ValueError
        If the config does not say of what kind it is.

    Examples
    --------
    >>> config = cnnfast.saving.serialize_keras_object(cnnfast.layers.Dense(3))
    >>> cnnfast.saving.deserialize_keras_object(config).units
    3
    """
    if isinstance(config, list):
        return [deserialize_keras_object(item, custom_objects) for item in config]
    if not (isinstance(config, Mapping) and "class_name" in config):
        return config
    module = str(config.get("module") or "keras.layers")
    kind = module.removeprefix("keras.src.").removeprefix("keras.")
    if kind == "keras" or kind.startswith("models"):
        kind = "layers"
    if kind not in _KINDS:
        raise ValueError(
            f"The config of {config['class_name']!r} must say its module, one of "
            f"{sorted(_KINDS)}. Received: module={config.get('module')!r}"
        )
    with handed_over.scope(custom_objects):
        return _KINDS[kind](config)
