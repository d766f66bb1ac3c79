"""The weights of a layer that Keras holds in memory, in the order that a file of it would have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from cnnfast.files import contents
from cnnfast.files.contents import VARIABLES
from cnnfast.layers.serialization.stand_in import StoredWeight, name_in
from cnnfast.utils.naming import to_snake_case

if TYPE_CHECKING:
    from cnnfast.layers.serialization.foreign import Stored

# What the base of all layers is called, in Keras 3 and in tf_keras.
_BASE = "Layer"
# Where tf_keras lists the layers that attributes hold, once more.
_OF_TENSORFLOW = "_self_unconditional_dependency_names"


def stored(config: Mapping[str, Any], model: Any) -> Stored:
    """Return what tells the weights in `model` of the layers in its `config`."""
    twins = {id(entry): twin for entry, twin in entries(config, model)}

    def of_layer(entry: Mapping[str, Any]) -> list[StoredWeight]:
        twin = twins.get(id(entry))
        if twin is None:
            return []
        return [
            StoredWeight(place, tuple(variable.shape), _name(variable), variable.trainable)
            for place, variable in in_order(twin)
        ]

    return of_layer


def entries(config: Any, model: Any) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Yield the config of each layer inside `config` with the layer of `model`."""
    inner = config.get("config") if isinstance(config, Mapping) else None
    fields = inner if isinstance(inner, Mapping) else {"layers": inner}
    by_name = {layer.name: layer for layer in getattr(model, "layers", ())}
    parts = [(part, by_name.get(name_in(part))) for part in fields.get("layers") or ()]
    if isinstance(fields.get("layer"), Mapping):
        parts.append((fields["layer"], getattr(model, "layer", None)))
    for part, twin in parts:
        if twin is not None:
            yield part, twin
            yield from entries(part, twin)


def _name(variable: Any) -> str:
    return str(variable.name).rsplit("/", 1)[-1].rsplit(":", 1)[0]


def in_order(twin: Any) -> list[tuple[str, Any]]:
    """Return where a file would have each weight of a layer of Keras, and the weight."""
    found = dict(_weights(twin, "", set()))
    return [(place, found[place]) for place in contents.in_order(found)]


def _weights(layer: Any, path: str, visited: set[int]) -> Iterator[tuple[str, Any]]:
    """Follow keras/src/saving/saving_lib.py, `_save_state`: attributes that hold layers."""
    visited.add(id(layer))
    for number, variable in enumerate(_own(layer)):
        yield f"{path}{VARIABLES}/{number}", variable
    if _is_model(layer):
        yield from _in_container(layer.layers, f"{path}layers/", visited)
    of_all = _of_base(next(base for base in type(layer).__mro__ if base.__name__ == _BASE))
    for name in sorted(dir(layer), key=_private_last):
        if name not in of_all and not name.startswith("__"):
            yield from _in_value(_attribute(layer, name), f"{path}{name}/", visited)


def _private_last(name: str) -> str:
    return f"~{name}" if name.startswith("_") else name


def _attribute(layer: Any, name: str) -> Any:
    """Return an attribute, also one that is computed; None where that fails."""
    try:
        return getattr(layer, name)
    except Exception:  # whatever a user's property may raise; Keras passes it over too
        return None


def _in_value(value: Any, path: str, visited: set[int]) -> Iterator[tuple[str, Any]]:
    if _is_layer(value):
        if id(value) not in visited:
            yield from _weights(value, path, visited)
    elif isinstance(value, list | tuple | Mapping):
        yield from _in_container(value, path, visited)


def _in_container(items: Any, path: str, visited: set[int]) -> Iterator[tuple[str, Any]]:
    counted: Counter[str] = Counter()
    for item in items.values() if isinstance(items, Mapping) else items:
        container = isinstance(item, list | tuple | Mapping)
        if not container and not _is_layer(item):
            continue
        name = "container" if container else to_snake_case(type(item).__name__)
        number = counted[name]
        counted[name] += 1
        yield from _in_value(
            item, f"{path}{name}_{number}/" if number else f"{path}{name}/", visited
        )


def _own(layer: Any) -> list[Any]:
    names = ("_trainable_variables", "_non_trainable_variables")
    if not hasattr(layer, names[0]):  # tf_keras
        names = ("_trainable_weights", "_non_trainable_weights")
    return [variable for name in names for variable in getattr(layer, name)]


def _is_layer(value: Any) -> bool:
    return any(base.__name__ == _BASE for base in type(value).__mro__)


def _is_model(layer: Any) -> bool:
    return any(base.__name__ in ("Functional", "Sequential") for base in type(layer).__mro__)


@cache
def _of_base(base: type) -> frozenset[str]:
    """Return the attributes that every layer has; they hold none of its own."""
    return frozenset((*dir(base(name="layer")), _OF_TENSORFLOW))
