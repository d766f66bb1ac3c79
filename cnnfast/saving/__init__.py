"""Reading what Keras saved, and writing what Keras loads."""

from __future__ import annotations

from cnnfast.models.storage import storage
from cnnfast.saving.cloning import clone_model, model_from_config, model_from_json
from cnnfast.saving.live import from_keras
from cnnfast.saving.model import load_model
from cnnfast.saving.weights import load_weights
from cnnfast.saving.writing import save_model, save_weights

__all__ = ["from_keras", "load_model", "load_weights", "save_model", "save_weights"]

storage.fill(
    clone_model=clone_model,
    load_model=load_model,
    load_weights=load_weights,
    model_from_config=model_from_config,
    model_from_json=model_from_json,
    save_model=save_model,
    save_weights=save_weights,
)
