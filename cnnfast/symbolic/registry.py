"""The tables of layers and operations, which the rooms above fill: what files and rules name."""

from __future__ import annotations

from typing import Any

from cnnfast.utils.registry import Registry
from cnnfast.utils.rooms import Slot

LAYERS: Registry[type[Any]] = Registry("layer", "a layer")
"""Layers and models by their classes' names in Keras."""

OPERATIONS: Registry[type[Any]] = Registry("operation")
"""Operations by their classes' names in Keras."""

configs = Slot("layer")
"""`serialize` and `deserialize` of layers."""
