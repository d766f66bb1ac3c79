"""From the configuration in a file to a built model that has no weights yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from cnnfast.errors import ModelFileError, Refusal, UnsupportedError
from cnnfast.files.versions import KERAS_3, major
from cnnfast.layers.serialization.configs import deserialize_stored
from cnnfast.layers.serialization.foreign import nothing_stored
from cnnfast.saving.limits import check_calls, check_sizes
from cnnfast.symbolic.registry import is_operation
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer
    from cnnfast.layers.serialization.foreign import Stored
    from cnnfast.models.model import Model

CustomObjects: TypeAlias = Mapping[str, Any] | None

# What a layer may raise when its config holds anything at all.
_IMPOSSIBLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
# Keras 3 changed the formula and kept the name (tf_keras/src/backend.py, `hard_sigmoid`).
_ACTIVATION_FIELDS = ("activation", "recurrent_activation")
# How `.keras` files of TensorFlow 2.12 write a number such as the limit of a ReLU.
_CONSTANTS = ("__numpy__", "__tensor__")
_RENAMED_ACTIVATIONS = {"hard_sigmoid": "hard_sigmoid_keras2"}


def build_model(
    config: Any,
    name: str,
    keras_version: str | None,
    stored: Callable[[Mapping[str, Any]], Stored] | None = None,
) -> Model:
    """Make and build the model that `config` describes.

    What the user hands over for names in it is that of `cnnfast.utils.handed_over`.

    Parameters
    ----------
    config
        The root object: ``{"class_name", "config", …}``.
    name
        The file, for error messages.
    keras_version
        The version that wrote it, such as ``"2.9.0"``; None counts as the first.
    stored
        Given the root object, returns what tells which weights there are for a layer in it; see
        `cnnfast.saving.stored`. None where there is no file.

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
    check_calls(config, name)
    if major(keras_version) < KERAS_3:
        config = _renamed(config)
    try:
        model = _deserialize(config, name, stored(config) if stored else nothing_stored)
        _build(model, config)
        check_sizes(model, name)
    except (ModelFileError, UnsupportedError):
        raise
    except _IMPOSSIBLE as error:
        raise ModelFileError(f"{name}: the model cannot be built: {error}") from error
    return model


def _deserialize(config: Mapping[str, Any], name: str, stored: Stored) -> Model:
    from cnnfast.models.model import Model

    try:
        model = deserialize_stored(config, stored)
    except UnsupportedError as error:
        found = list(_refusals(config, stored)) or error.items
        raise UnsupportedError(map(_advised, found), source=name) from None
    if not isinstance(model, Model):
        raise ModelFileError(
            f"{name}: expected a model. Received: a layer of class {type(model).__name__}."
        )
    return model


def _refusals(config: Any, stored: Stored, root: bool = True) -> Iterator[Refusal]:
    """Say why each layer cannot be made, models inside the model taken apart."""
    from cnnfast.layers.serialization import refused
    from cnnfast.layers.serialization.configs import known_class

    layers = _layers(config)
    for layer in layers:
        yield from _refusals(layer, stored, root=False)
    if layers and known_class(config, str(config.get("class_name"))):
        return
    try:
        _make_alone(config, stored)
    except UnsupportedError as error:
        for item in error.items:
            yield refused.model(config) if root and item.kind == "layer" else item
    except _IMPOSSIBLE:
        return  # another kind of error, which making the whole model reports


def _advised(item: Refusal) -> Refusal:
    """Return `item` with what works for whatever is in a file, where it says nothing better."""
    advice = item.advice or "Make it so in Keras, and save the model again."
    return replace(item, advice=advice)


def _make_alone(config: Any, stored: Stored) -> None:
    """Make one layer or operation, without what it is called on."""
    from cnnfast.models import dialects
    from cnnfast.models.dialects import tensorflow

    if is_operation(config) or tensorflow.is_operation(config):
        dialects.read({"layers": [config], "input_layers": [], "output_layers": []})
    else:
        deserialize_stored(config, stored)


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
    """Copy a configuration of Keras 1 or 2, with names for what Keras 3 computes otherwise.

    Numbers that are objects become plain.
    """
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if type(value) in tree.PLAIN or not isinstance(value, Mapping):
        return value
    copy = {key: _renamed(item) for key, item in value.items()}
    if copy.get("class_name") in _CONSTANTS and isinstance(copy.get("config"), Mapping):
        return copy["config"].get("value")
    for field in _ACTIVATION_FIELDS:
        activation = copy.get(field)
        if isinstance(activation, Mapping) and activation.get("class_name") == "function":
            activation = activation.get("config")
        if isinstance(activation, str) and activation in _RENAMED_ACTIVATIONS:
            copy[field] = _RENAMED_ACTIVATIONS[activation]
    return copy


def _short(value: Any) -> str:
    return repr(value)[:200]
