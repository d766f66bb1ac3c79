"""The tables of layers and operations, which the rooms above fill: what files and rules name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnfast.utils.registry import Registry
from cnnfast.utils.rooms import Slot

LAYERS: Registry[type[Any]] = Registry("layer", "a layer")
"""Layers and models by their classes' names in Keras."""

OPERATIONS: Registry[type[Any]] = Registry("operation")
"""Operations by their classes' names in Keras."""

configs = Slot("configs")
"""`serialize` and `deserialize` of layers."""


def of_keras2(module: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a family, where Keras 2 has layers of other families, too."""

    def find(name: str) -> Any:
        if not name.startswith("_") and name in LAYERS:
            return LAYERS[name]
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return find
