"""Reading what Keras saved, and writing weights that Keras loads."""

from __future__ import annotations

from cnnfast.saving.model import load_model
from cnnfast.saving.weights import load_weights, save_weights

__all__ = ["load_model", "load_weights", "save_weights"]
