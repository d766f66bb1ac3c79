"""Models, under Keras' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnfast.models.copying import clone_model, model_from_config, model_from_json
from cnnfast.models.functional import Functional
from cnnfast.models.model import Model
from cnnfast.models.sequential import Sequential

if TYPE_CHECKING:
    from cnnfast.files.source import Readable
    from cnnfast.saving.writing import Writable

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_config",
    "model_from_json",
    "save_model",
]


def load_model(
    filepath: Readable,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    weight_dtype: str | None = None,
    in_memory: bool = False,
) -> Model:
    """Load a whole model that Keras saved; see `cnnfast.saving.load_model`."""
    from cnnfast import saving  # the file readers, which predicting does not need

    return saving.load_model(
        filepath,
        custom_objects,
        compile,
        safe_mode,
        weight_dtype=weight_dtype,
        in_memory=in_memory,
    )


def save_model(model: Model, filepath: Writable, overwrite: bool = True) -> None:
    """Save `model` to a `.keras` or `.h5` file; see `cnnfast.saving.save_model`."""
    from cnnfast import saving

    saving.save_model(model, filepath, overwrite)
