"""From the configuration in a file to a built model that has no weights yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cnnfast.errors import ModelFileError, UnsupportedError

if TYPE_CHECKING:
    from cnnfast.layers.layer import Layer
    from cnnfast.models.model import Model

_KERAS_3 = 3
# What a layer may raise when its config holds anything at all.
_IMPOSSIBLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
# Keras 3 changed the formula and kept the name (tf_keras/src/backend.py, `hard_sigmoid`).
_ACTIVATION_FIELDS = ("activation", "recurrent_activation")
_RENAMED_ACTIVATIONS = {"hard_sigmoid": "hard_sigmoid_keras2"}


def build_model(config: Any, name: str, keras_version: str | None) -> Model:
    """Make and build the model that `config` describes.

    Parameters
    ----------
    config
        The root object: ``{"class_name", "config", …}``.
    name
        The file, for error messages.
    keras_version
        The version that wrote it, such as ``"2.9.0"``; None counts as the first.

    Raises
    ------
    UnsupportedError
        Layers or options that are not supported, all of them in one message.
    ModelFileError
        The configuration is not that of a model, or a layer in it is impossible.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("class_name"), str):
        raise ModelFileError(
            f"{name}: a model's configuration must be an object with `class_name` and `config`. "
            f"Received: {_short(config)}"
        )
    if _major(keras_version) < _KERAS_3:
        config = _renamed(config)
    try:
        model = _deserialize(config, name)
        _build(model, config)
    except (ModelFileError, UnsupportedError):
        raise
    except _IMPOSSIBLE as error:
        raise ModelFileError(f"{name}: the model cannot be built: {error}") from error
    return model


def _deserialize(config: Mapping[str, Any], name: str) -> Model:
    from cnnfast.layers import deserialize
    from cnnfast.models.model import Model

    try:
        model = deserialize(config)
    except UnsupportedError as error:
        found = list(dict.fromkeys(_unsupported(config))) or [str(error)]
        raise UnsupportedError("\n".join([f"{name}: not supported:", *found])) from error
    if not isinstance(model, Model):
        raise ModelFileError(
            f"{name}: expected a model. Received: a layer of class {type(model).__name__}."
        )
    return model


def _unsupported(config: Any) -> Iterator[str]:
    """Say why each layer cannot be made, models inside the model taken apart."""
    from cnnfast.layers import deserialize

    layers = _layers(config)
    if layers:
        for layer in layers:
            yield from _unsupported(layer)
        return
    try:
        deserialize(config)
    except UnsupportedError as error:
        yield f"- {error}"
    except _IMPOSSIBLE:
        return  # another kind of error, which making the whole model reports


def _layers(config: Any) -> list[Any]:
    inner = config.get("config") if isinstance(config, Mapping) else None
    layers = inner.get("layers") if isinstance(inner, Mapping) else inner
    return layers if isinstance(layers, list) else []


def _build(model: Layer, config: Mapping[str, Any]) -> None:
    """Build a model whose layers do not say what comes in, from the shape it was saved with."""
    if model.built:
        return
    inner, saved = config.get("config"), config.get("build_config")
    shape = saved.get("input_shape") if isinstance(saved, Mapping) else None
    if shape is None and isinstance(inner, Mapping):
        shape = inner.get("build_input_shape")
    if isinstance(shape, list):
        model.build(shape)


def _renamed(value: Any) -> Any:
    """Copy a configuration of Keras 1 or 2, with names for what Keras 3 computes otherwise."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    copy = {key: _renamed(item) for key, item in value.items()}
    for field in _ACTIVATION_FIELDS:
        activation = copy.get(field)
        if isinstance(activation, Mapping) and activation.get("class_name") == "function":
            activation = activation.get("config")
        if isinstance(activation, str) and activation in _RENAMED_ACTIVATIONS:
            copy[field] = _RENAMED_ACTIVATIONS[activation]
    return copy


def _major(keras_version: str | None) -> int:
    digits = (keras_version or "").split(".")[0]
    return int(digits) if re.fullmatch("[0-9]{1,3}", digits) else 1


def _short(value: Any) -> str:
    return repr(value)[:200]
