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
        *("_training_engines", "_random", "_supports_masking", "_of_keras_2", "_held"),
        *("_penalties", "_apart"),
    }
)


_ANOTHER = "Make a new layer with another one inside"


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
    elif name in layer._arguments():
        assign_together({layer: value}, name)
    elif name == "call":
        raise AttributeError(
            f"Attribute `call` of {layer._described()} cannot be set, as nothing runs it. A "
            f"`Lambda` layer runs a function. {received}"
        )
    elif name in layer._user_attributes or not (hasattr(type(layer), name) or name in vars(layer)):
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


def assign_together(values: Mapping[Layer, Any], name: str) -> None:
    """Set an argument of several layers, which may each need that of the others.

    Raises
    ------
    ValueError
        If a value is illegal, or does not fit the weights, graphs or layers around; none is set.
    """
    with state_guard.lock:
        new = {layer: _remade(layer, name, value) for layer, value in values.items()}
        before = {layer: dict(vars(layer)) for layer in values}
        for layer, attributes in new.items():
            for key in vars(layer).keys() - attributes.keys() - _HISTORY:
                if hasattr(type(layer), key):  # else it is the user's own
                    del vars(layer)[key]
            vars(layer).update({key: attributes[key] for key in attributes.keys() - _HISTORY})
        try:
            for layer, value in values.items():
                _check_fits(layer, name, value)
        except ValueError:
            for layer, attributes in before.items():
                for key in vars(layer).keys() - attributes.keys():
                    del vars(layer)[key]
                vars(layer).update(attributes)
            raise
        finally:
            for layer in values:
                layer._changed()


def _remade(layer: Layer, name: str, value: Any) -> dict[str, Any]:
    """Return the attributes of `layer` made with another argument, but with its own weights."""
    twin = type(layer).from_config(layer._arguments() | {name: value})
    if layer._build_shape is not None:
        twin.build(layer._build_shape)
    same = _counterparts(layer, twin)
    if same is None:
        raise ValueError(
            f"The weights of {layer._described()}, or layers inside, would have to be others: make "
            f"another layer. Received: {name}={value!r:.200}"
        )
    return {key: _with(same, item) for key, item in vars(twin).items()}


def _check_fits(layer: Layer, name: str, value: Any) -> None:
    """Refuse what `layer` has become where a graph or a layer around it does not allow it."""
    _check_around(layer, name, value)
    try:
        retrace(layer)
    except ValueError as error:
        raise fallen_apart(layer, error, f"Received: {name}={value!r:.200}") from error


def _check_around(layer: Layer, name: str, value: Any) -> None:
    """Refuse what `layer` has become where a layer around it could not be made of it."""
    for reference in layer._holders:
        holder = cast("Layer | None", reference())
        if holder is None:
            continue
        try:
            if not holder.is_users:  # whose class makes what is inside as it likes
                type(holder).from_config(holder._arguments())
        except ValueError as error:
            of_all = isinstance(getattr(type(holder), name, None), property)
            works = f"Set `{name}` of '{holder.name}', for all inside" if of_all else _ANOTHER
            raise ValueError(
                f"Layer '{layer.name}' must stay what the layer around it can be made of: {error}. "
                f"{works}. Received: {name}={value!r:.200}"
            ) from error
        _check_around(holder, name, value)


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
