"""The tables of layers and operations, which the rooms above fill: what files and rules name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cnnfast.utils.registry import Registry
from cnnfast.utils.rooms import Slot

LAYERS: Registry[type[Any]] = Registry("layer", "a layer")
"""Layers and models by their classes' names in Keras."""

OPERATIONS: Registry[type[Any]] = Registry("operation")
"""Operations by their classes' names in Keras."""

configs = Slot("configs")
"""`serialize` and `deserialize` of layers."""

# What all layers have in their configs, and no operation but those that take a dtype.
_LAYER_FIELDS = ("trainable", "dtype")


def is_operation(config: Mapping[str, Any]) -> bool:
    """Whether `config` is an operation's: its module says so, or, without one, its fields do."""
    module = config.get("module")
    if module is not None:
        return isinstance(module, str) and module.startswith(("keras.src.ops.", "keras.ops."))
    inner = config.get("config")
    fields = inner if isinstance(inner, Mapping) else {}
    class_name = config.get("class_name")
    cls = OPERATIONS.get(class_name) if isinstance(class_name, str) else None
    if cls is None:
        return False
    taken = inspect.signature(cls).parameters
    return not any(field in fields and field not in taken for field in _LAYER_FIELDS)


def of_keras2(find: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a family in which Keras 2 has layers of other families, too."""

    def find_any(name: str) -> Any:
        try:
            return find(name)
        except AttributeError:
            if name.startswith("_") or name not in LAYERS:
                raise
            return LAYERS[name]

    return find_any
