"""Models from their configurations, without the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnfast.layers.layer import Layer
from cnnfast.layers.registry import serialize
from cnnfast.models.model import Model


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Make the model that the text of `Model.to_json` describes, of Keras of any age.

    Parameters
    ----------
    json_string
        The text.
    custom_objects
        As `load_model` takes it.

    Raises
    ------
    ModelFileError
        If the text is not JSON, or not the configuration of a model.
    UnsupportedError
        If it has layers or options that are not supported; all are listed.
    """
    from cnnfast.saving import json

    return model_from_config(json.loads(json_string, "JSON"), custom_objects)


def model_from_config(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Model:
    """Make the model of a configuration object; see `model_from_json`."""
    from cnnfast.saving.config import build_model
    from cnnfast.saving.versions import version_of

    return build_model(config, "configuration", version_of(config), custom_objects)


def clone_model(model: Model, clone_function: Callable[[Layer], Layer] | None = None) -> Model:
    """Make a model of the same architecture, with weights of its own, drawn anew.

    Parameters
    ----------
    model
        The model to copy.
    clone_function
        Called with each of `model.layers`, but for input layers; returns the layer to stand in
        its place, whose config is copied. None keeps them all.

    Raises
    ------
    ValueError
        If `model` is no model.
    """
    if not isinstance(model, Model):
        raise ValueError(f"Expected a model. Received: {model!r} (of type {type(model)})")
    config = serialize(model)
    if clone_function is not None:
        layers = {layer.name: layer for layer in model.layers}
        for entry in config["config"]["layers"]:
            layer = layers.get(entry["config"]["name"])
            if layer is not None and entry["class_name"] != "InputLayer":
                entry.update(serialize(clone_function(layer)))
    return model_from_config(config)
