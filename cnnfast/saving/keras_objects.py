"""Objects of every kind as configs, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnfast import (
    activations,
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
from cnnfast.symbolic.dtypes import DTypePolicy, policy
from cnnfast.utils import handed_over
from cnnfast.utils.registered import get_registered_name, get_registered_object

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

    Functions are activations or registered ones, as are objects of other classes. Arrays, slices
    and bytes are described in Keras' way.

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
        items = [serialize_keras_object(item) for item in obj]
        return items if isinstance(obj, list) else tuple(items)
    if isinstance(obj, Mapping):
        return {key: serialize_keras_object(item) for key, item in obj.items()}
    for cls, serialize in _CLASSES:
        if isinstance(obj, cls):
            return serialize(obj)
    described = _plain(obj) or _of_users(obj)
    if described is None:
        raise ValueError(
            "Only layers, models, losses, metrics, optimizers, initializers, regularizers, "
            "constraints, activations, and what is registered are described by a config. "
            f"Received: {obj!r:.200}"
        )
    return described["value"]


def _plain(obj: Any) -> dict[str, Any] | None:
    """Return the description of numbers and the like, as a value; None of something else."""
    if isinstance(obj, np.ndarray) and obj.ndim:
        config = {"value": obj.tolist(), "dtype": obj.dtype.name}
        return {"value": {"class_name": "__numpy__", "config": config}}
    if isinstance(obj, np.generic | np.ndarray):
        return {"value": obj.item()}
    if isinstance(obj, slice):
        parts = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"value": {"class_name": "__slice__", "config": serialize_keras_object(parts)}}
    if isinstance(obj, bytes):
        return {"value": {"class_name": "__bytes__", "config": {"value": obj.decode()}}}
    if isinstance(obj, DTypePolicy):
        return {"value": obj.get_config()}
    return None


def _of_users(obj: Any) -> dict[str, Any] | None:
    """Return the description of a function or object that can be found again by its name."""
    function = callable(obj) and hasattr(obj, "__name__") and not inspect.isclass(obj)
    name = get_registered_name(obj if function else type(obj))
    found = get_registered_object(name)
    if function:
        if found is not obj and getattr(activations, name, None) is not obj:
            return None
        written = {"module": "builtins", "class_name": "function", "config": name}
        return {"value": {**written, "registered_name": "function"}}
    if found is not type(obj):
        return None
    config = serialize_keras_object(obj.get_config())
    named = {"module": None, "class_name": type(obj).__name__, "config": config}
    return {"value": {**named, "registered_name": name}}


def deserialize_keras_object(config: Any, custom_objects: Any = None, **kwargs: Any) -> Any:
    """Make what `serialize_keras_object`, or Keras 3, described.

    Parameters
    ----------
    config
        With the module that Keras has the class in; also in lists and dicts.
    custom_objects
        What you hand over, by name.
    **kwargs
        Kept for Keras' sake.

    Raises
    ------
    ValueError
        If the config does not say of what kind it is, or names what is neither handed over nor
        registered.

    Examples
    --------
    >>> config = cnnfast.saving.serialize_keras_object(cnnfast.layers.Dense(3))
    >>> cnnfast.saving.deserialize_keras_object(config).units
    3
    """
    with handed_over.scope(custom_objects):
        return _made(config)


def _made(config: Any) -> Any:
    if isinstance(config, list | tuple):
        return [_made(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    if "class_name" not in config:
        return {key: _made(item) for key, item in config.items()}
    return _made_of_class(config, config.get("config"))


def _made_of_class(config: Mapping[str, Any], inner: Any) -> Any:
    if config["class_name"] in _PLAIN:
        return _PLAIN[config["class_name"]](inner)
    if config["class_name"] == "function":
        own = get_registered_object(str(inner))
        return activations.deserialize(inner) if own is None else own
    found = get_registered_object(str(config.get("registered_name")))
    if inspect.isclass(found) and not issubclass(found, tuple(cls for cls, _ in _CLASSES)):
        made = getattr(found, "from_config", None)
        arguments = _made(inner)
        return found(**arguments) if made is None else made(arguments)
    module = str(config.get("module") or "keras.layers")
    kind = module.removeprefix("keras.src.").removeprefix("keras.")
    if kind == "keras" and config["class_name"] == "DTypePolicy":
        return policy(config)
    if kind == "keras" or kind.startswith("models"):
        kind = "layers"
    if kind not in _KINDS:
        raise ValueError(
            f"The config of {config['class_name']!r} must say its module, one of "
            f"{sorted(_KINDS)}. Received: module={config.get('module')!r}"
        )
    return _KINDS[kind](config)


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "__numpy__": lambda config: np.asarray(config["value"], config["dtype"]),
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__bytes__": lambda config: config["value"].encode(),
}
