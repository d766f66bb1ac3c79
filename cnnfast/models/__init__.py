"""Models, under Keras' names."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from cnnfast.models.model import Model
from cnnfast.models.sequential import Sequential

__all__ = ["Model", "Sequential", "load_model"]


def load_model(
    filepath: str | PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Model:
    """Load a whole model that Keras saved; see `cnnfast.saving.load_model`."""
    from cnnfast import saving  # the file readers, which predicting does not need

    return saving.load_model(filepath, custom_objects, compile, safe_mode)
