"""Configs of functional models, one module for each way in which Keras wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnfast.models.dialects import keras2, keras3
from cnnfast.models.dialects.entries import entries
from cnnfast.models.wiring import Wiring

__all__ = ["read", "write"]

write = keras3.write


def read(config: Mapping[str, Any]) -> Wiring:
    """Return the graph that the config of a functional model describes.

    Raises
    ------
    ValueError
        If it describes none, or a layer in it is impossible.
    UnsupportedError
        If it has something that this package does not have.
    """
    layers = entries(config)
    calls = [call for layer in layers for call in layer.calls]
    # A model that is nothing but inputs has no calls and reads the same in both.
    if all(_is_of_keras_3(call) for call in calls):
        return keras3.read(layers, config)
    return keras2.read(layers, config)


def _is_of_keras_3(call: Any) -> bool:
    return isinstance(call, Mapping) and "args" in call
