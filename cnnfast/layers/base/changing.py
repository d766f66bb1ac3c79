"""What setting an attribute of a layer means once the layer is made.

An argument of the constructor becomes what it would be had the layer been made with it, with all
that follows from it. What does not fit the layer's weights, or the graphs drawn with the layer, is
refused, and so is what no argument says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from cnnfast.layers.base.calling import state_guard
from cnnfast.symbolic.arguments import layer_name
from cnnfast.symbolic.retracing import models_of, retrace

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer

# What is a layer's own history, and not its constructor's work.
_HISTORY = frozenset(
    {
        *("_trainable", "_trainable_variables", "_non_trainable_variables", "_built"),
        *("_build_shape", "_path", "_first_shape", "_fitting", "_engine", "_version"),
        *("_calls", "_holders", "_integers", "_user_attributes", "_adapter_scale"),
    }
)


def assign(layer: Layer, name: str, value: Any) -> None:
    """Set the public attribute `name` of a layer that is made.

    Raises
    ------
    AttributeError
        If it is neither an argument of the constructor nor the user's own attribute.
    ValueError
        If the value is illegal, or does not fit the weights or graphs that there are.
    """
    received = f"Received: {name}={value!r:.200}"
    kind = getattr(type(layer), name, None)
    if isinstance(kind, property) and kind.fset is not None:
        object.__setattr__(layer, name, value)
    elif name == "name":
        _rename(layer, layer_name(value))
    elif name in (arguments := layer._arguments()):
        with state_guard.lock:
            _remake(layer, arguments | {name: value}, received)
    elif name == "call":
        raise AttributeError(
            f"Attribute `call` of {layer._described()} cannot be set, as nothing runs it. A "
            f"`Lambda` layer runs a function. {received}"
        )
    elif name in layer._user_attributes or (kind is None and name not in vars(layer)):
        layer._user_attributes = tuple(dict.fromkeys((*layer._user_attributes, name)))
        vars(layer)[name] = value
    else:
        raise AttributeError(
            f"Attribute `{name}` of {layer._described()} cannot be set, as it is no argument that "
            f"the layer was made with. Weights are set by `assign`. {received}"
        )


def _rename(layer: Layer, name: str) -> None:
    for model in models_of(layer):
        inside = getattr(model, "operations", model.layers)
        taken = {other.name for other in inside if other is not layer}
        if layer in inside and name in taken:
            raise ValueError(
                f"The layers of a model must have unique names. Received: name={name!r}, which is "
                f"that of another layer in model '{model.name}'"
            )
    vars(layer)["name"] = name
    layer._changed()  # plans name their steps after layers


def _remake(layer: Layer, arguments: Mapping[str, Any], received: str) -> None:
    """Let `layer` be as if made with `arguments`, but for its weights and the layers inside."""
    twin = type(layer).from_config(arguments)
    if layer._build_shape is not None:
        twin.build(layer._build_shape)
    same = _counterparts(layer, twin)
    if same is None:
        raise ValueError(
            f"The weights of {layer._described()}, or layers inside, would have to be others: make "
            f"another layer. {received}"
        )
    new = {key: _with(same, value) for key, value in vars(twin).items()}
    before = dict(vars(layer))
    for name in vars(layer).keys() - new.keys() - _HISTORY:
        if hasattr(type(layer), name):  # else it is the user's own
            del vars(layer)[name]
    vars(layer).update({name: new[name] for name in new.keys() - _HISTORY})
    try:
        _check_around(layer, received)
        try:
            retrace(layer)
        except ValueError as error:
            raise fallen_apart(layer, error, received) from error
    except ValueError:
        for name in vars(layer).keys() - before.keys():
            del vars(layer)[name]
        vars(layer).update(before)
        raise
    finally:
        layer._changed()


def _check_around(layer: Layer, received: str) -> None:
    """Refuse what `layer` has become where a layer around it could not be made of it."""
    for reference in layer._holders:
        holder = cast("Layer | None", reference())
        if holder is None:
            continue
        try:
            type(holder).from_config(holder._arguments())
        except ValueError as error:
            raise ValueError(
                f"Layer '{layer.name}' must stay what the layer around it can be made of: {error}. "
                f"Make a new layer with another one inside. {received}"
            ) from error
        _check_around(holder, received)


def fallen_apart(layer: Layer, error: ValueError, received: str) -> ValueError:
    """Return the error for a change that a graph, which `error` is about, does not allow."""
    return ValueError(
        f"A graph that was drawn with {layer._described()} would fall apart: {error}. {received}"
    )


def _with(same: Mapping[int, Any], value: Any) -> Any:
    """Return what takes the place of `value`, or `value` with it inside."""
    if isinstance(value, list):
        return [same.get(id(item), item) for item in value]
    if isinstance(value, dict):
        return {key: same.get(id(item), item) for key, item in value.items()}
    return same.get(id(value), value)


def _counterparts(layer: Layer, twin: Layer) -> dict[int, Any] | None:
    """Return what `layer` has for each weight and layer inside of `twin`, by identity.

    None if that is something else.
    """
    parts = list(zip(twin._sublayers(), layer._sublayers(), strict=False))
    weights = list(zip(twin.weights, layer.weights, strict=False))
    alike = (
        len(twin._sublayers()) == len(layer._sublayers())
        and len(twin.weights) == len(layer.weights)
        and all(made is own or made.get_config() == own.get_config() for made, own in parts)
        and all((made.name, made.shape) == (own.name, own.shape) for made, own in weights)
    )
    return {id(made): own for made, own in (*parts, *weights)} if alike else None
