"""Reading what Keras saved, and writing what Keras loads."""

from __future__ import annotations

from cnnfast.models.storage import storage
from cnnfast.saving.cloning import clone_model, model_from_config, model_from_json
from cnnfast.saving.live import from_keras
from cnnfast.saving.model import load_model
from cnnfast.saving.scope import CustomObjectScope, custom_object_scope
from cnnfast.saving.weights import load_weights
from cnnfast.saving.writing import save_model, save_weights
from cnnfast.utils.registered import (
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "from_keras",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
]

storage.fill(
    clone_model=clone_model,
    load_model=load_model,
    load_weights=load_weights,
    model_from_config=model_from_config,
    model_from_json=model_from_json,
    save_model=save_model,
    save_weights=save_weights,
)
