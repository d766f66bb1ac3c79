"""Models, under Keras' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.models.functional import Functional
from cnnfast.models.model import Model
from cnnfast.models.sequential import Sequential
from cnnfast.models.storage import storage
from cnnfast.symbolic.registry import LAYERS

if TYPE_CHECKING:
    from cnnfast.saving import load_model, save_model
    from cnnfast.saving.cloning import clone_model, model_from_config, model_from_json

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

LAYERS.register((Functional, Sequential), Model=Functional)
LAYERS.seal()


def __getattr__(name: str) -> Any:
    # The file readers, which predicting does not need.
    if name in __all__:
        return getattr(storage, name)
    raise AttributeError(f"module 'cnnfast.models' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
