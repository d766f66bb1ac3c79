"""What all dialects share: a list of layers, each with its config and its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast.models.wiring import TensorRef
from cnnfast.utils.records import record


@record(frozen=True)
class Entry:
    """One layer or operation of a config, not yet made.

    Attributes
    ----------
    name
        By which calls refer to it.
    config
        The whole object, ``{"class_name", "config", …}``.
    calls
        What stands under ``inbound_nodes``.
    """

    name: str
    config: Mapping[str, Any]
    calls: Sequence[Any]


def entries(config: Mapping[str, Any]) -> list[Entry]:
    """Return the layers of a functional model's config.

    Raises
    ------
    ValueError
        If it does not have the form of one, or two layers have the same name.
    """
    layers = config.get("layers")
    if not isinstance(layers, list | tuple):
        raise ValueError(
            "The config of a functional model must hold a list `layers`. Received: the fields "
            f"{sorted(map(str, config))}"
        )
    found = [_entry(layer) for layer in layers]
    names = [entry.name for entry in found]
    if len(set(names)) != len(names):
        raise ValueError(f"All layers of a model must have unique names. Received: {names}")
    return found


def _entry(layer: Any) -> Entry:
    inner = layer.get("config") if isinstance(layer, Mapping) else None
    name = layer.get("name") if isinstance(layer, Mapping) else None
    if name is None and isinstance(inner, Mapping):
        name = inner.get("name")
    calls = layer.get("inbound_nodes", []) if isinstance(layer, Mapping) else None
    if not isinstance(name, str) or not isinstance(calls, list | tuple):
        raise ValueError(
            "A layer of a functional model must have a `name` and a list `inbound_nodes`. "
            f"Received: {layer!r:.200}"
        )
    return Entry(name, layer, calls)


def reference(triple: Any) -> TensorRef:
    """Return the tensor that ``[layer, call, output]`` names.

    Raises
    ------
    ValueError
        If it has another form.
    """
    if not is_reference(triple):
        raise ValueError(
            "A tensor in the config of a model must be written as [layer, call, output]. "
            f"Received: {triple!r:.200}"
        )
    name, call, index = triple[:3]
    return TensorRef(name, call, index)


def is_reference(value: Any) -> bool:
    """Whether `value` is ``[layer, call, output]``."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(isinstance(number, int) and not isinstance(number, bool) for number in value[1:])
    )


def references(structure: Any) -> Any:
    """Return a structure of references, as ``input_layers`` and ``output_layers`` hold them."""
    if is_reference(structure):
        return reference(structure)
    if isinstance(structure, Mapping):
        return {key: references(item) for key, item in structure.items()}
    if isinstance(structure, list | tuple):
        items = [references(item) for item in structure]
        return items if isinstance(structure, list) else tuple(items)
    return reference(structure)
