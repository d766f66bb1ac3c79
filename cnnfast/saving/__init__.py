"""Reading what Keras saved, and writing what Keras loads."""

from __future__ import annotations

from cnnfast.saving.live import from_keras
from cnnfast.saving.model import load_model
from cnnfast.saving.weights import load_weights
from cnnfast.saving.writing import save_model, save_weights

__all__ = ["from_keras", "load_model", "load_weights", "save_model", "save_weights"]
