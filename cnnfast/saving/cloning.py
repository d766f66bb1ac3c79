"""Models from their configurations, without the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnnfast import activations
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.input_layer import InputLayer
from cnnfast.layers.serialization.configs import serialize
from cnnfast.layers.serialization.stand_in import StandIn
from cnnfast.models.functional import Functional
from cnnfast.models.model import Model
from cnnfast.models.sequential import Sequential
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import handed_over, tree


def model_from_json(
    json_string: str | bytes | bytearray, custom_objects: Mapping[str, Any] | None = None
) -> Model:
    """Make the model that the text of `Model.to_json` describes, of Keras of any age.

    Parameters
    ----------
    json_string
        The text, or the bytes of it in UTF-8.
    custom_objects
        As `load_model` takes it.

    Raises
    ------
    TypeError
        If `json_string` is something else.
    ModelFileError
        If the text is not JSON, or not the configuration of a model.
    UnsupportedError
        If it has layers or options that are not supported; all are listed.
    """
    from cnnfast.files import json

    if not isinstance(json_string, str | bytes | bytearray):
        raise TypeError(
            "`json_string` must be the text of `Model.to_json`, or its bytes. Received: "
            f"{json_string!r:.200} (of type {type(json_string)})"
        )
    return model_from_config(json.loads(json_string, "JSON"), custom_objects)


def model_from_config(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Model:
    """Make the model of a configuration object; see `model_from_json`."""
    with handed_over.scope(custom_objects) as given:
        model = _built(config)
    given.warn_of_unused()
    return model


def _built(config: Mapping[str, Any], stored: Any = None) -> Model:
    from cnnfast.files.versions import version_of
    from cnnfast.saving.config import build_model

    return build_model(config, "configuration", version_of(config), stored)


def _remade(
    config: Mapping[str, Any], like: Model, activations_by_name: Mapping[str, Any]
) -> Model:
    """Make the model of a config that was made of `like`, with the user's functions in it."""
    layers = {id(layer): layer for layer in like._flatten_layers()}.values()
    stand_ins = [layer for layer in layers if isinstance(layer, StandIn)]
    functions = {layer.name: layer.function for layer in stand_ins}
    if len(functions) != len(stand_ins):
        raise UnsupportedError(
            "a model with functions in place of layers can be cloned where their names differ. "
            f"Received: {[layer.name for layer in stand_ins]}"
        )
    functions |= activations_by_name
    stored = {layer.name: layer.stored for layer in stand_ins}

    def of_layer(entry: Mapping[str, Any]) -> Any:
        return stored.get(entry["config"].get("name"), ())

    with handed_over.scope(functions):
        return _built(config, lambda _: of_layer)


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """Make a model of the same architecture, with weights of its own, drawn anew.

    Parameters
    ----------
    model
        The model to copy.
    input_tensors
        Symbolic tensors of `Input` that take the place of the model's own inputs, alone or in
        their structure; they may have other sizes.
    clone_function
        Called with each of `model.layers`, but for input layers; returns the layer to stand in
        its place, whose config is copied. None keeps them all.
    call_function
        Must be None.
    recursive
        Whether `clone_function` is called with the layers of models inside, not with these.

    Raises
    ------
    ValueError
        If `model` is no model, or `input_tensors` do not fit it.
    UnsupportedError
        If there is a `call_function`, or functions of the user's share a name.
    """
    if not isinstance(model, Model):
        raise ValueError(f"Expected a model. Received: {model!r} (of type {type(model)})")
    if call_function is not None:
        raise UnsupportedError(
            "`call_function` is not supported: change layers by `clone_function`, or draw the "
            f"model anew. Received: call_function={call_function!r}"
        )
    with activations.one_config() as functions:  # and classes of the user's
        config = serialize(model)
        if clone_function is not None:
            _replace_layers(config, model, _remembering(clone_function), recursive)
    if input_tensors is None:
        return _remade(config, model, functions)
    tensors = _checked_inputs(model, input_tensors)
    _resize_inputs(config, model, tensors)
    return _redrawn(_remade(config, model, functions), tensors)


def _remembering(clone_function: Callable[[Layer], Layer]) -> Callable[[Layer], Layer]:
    """Call `clone_function` once for a layer that stands in several places."""
    known: dict[int, Layer] = {}

    def clone(layer: Layer) -> Layer:
        if id(layer) not in known:
            known[id(layer)] = clone_function(layer)
        return known[id(layer)]

    return clone


def _replace_layers(
    config: dict[str, Any], model: Model, clone: Callable[[Layer], Layer], recursive: bool
) -> None:
    layers = {layer.name: layer for layer in model.layers}
    for entry in config["config"]["layers"]:
        layer = layers.get(entry["config"]["name"])
        if layer is None or isinstance(layer, InputLayer):
            continue
        if recursive and isinstance(layer, Model):
            _replace_layers(entry, layer, clone, recursive)
        else:
            entry.update(serialize(clone(layer)))


def _checked_inputs(model: Model, input_tensors: Any) -> list[KerasTensor]:
    """Return the tensors flat, in the order of the model's inputs."""
    tensors = tree.flatten(input_tensors)
    if isinstance(model, Functional):
        tensors = model._flat(input_tensors)
    fits = all(
        isinstance(t, KerasTensor) and t.node is not None and t.node.is_input for t in tensors
    )
    if not fits or len(tensors) != len(model.inputs):
        raise ValueError(
            f"`input_tensors` must be {len(model.inputs)} tensor(s) that `Input` returned, for the "
            f"inputs of model '{model.name}'. Received: input_tensors={input_tensors}"
        )
    return tensors


def _resize_inputs(config: dict[str, Any], model: Model, tensors: Sequence[KerasTensor]) -> None:
    """Let the inputs in `config` be like `tensors`."""
    like = {
        own.node.operation.name: t for own, t in zip(model.inputs, tensors, strict=True) if own.node
    }
    for entry in config["config"]["layers"]:
        if entry["class_name"] == "InputLayer":
            tensor = like[entry["config"]["name"]]
            entry["config"] |= {"batch_shape": tensor.shape, "dtype": tensor.dtype}


def _redrawn(clone: Model, tensors: Sequence[KerasTensor]) -> Model:
    """Return `clone` over `tensors` in place of its own inputs."""
    if not isinstance(clone, Functional):
        for layer in clone.layers:
            layer._calls = ()
        return Sequential([*tensors, *clone.layers], name=clone.name)
    for operation in clone.operations:
        operation._calls = ()
    outputs = clone._walk(tensors, lambda node, args, kwargs: node.operation.connect(args, kwargs))
    return Functional(
        tree.pack(clone.input, tensors), tree.pack(clone.output, outputs), name=clone.name
    )
