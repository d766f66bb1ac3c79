"""Keras on TensorFlow: `model.predict`, what most programs call."""

from __future__ import annotations

from pathlib import Path

from sidebyside.runtimes import Predict
from sidebyside.runtimes.keras_function import convert, keras_model, versions

__all__ = ["NAME", "convert", "load", "versions"]

NAME = "Keras predict"


def load(path: Path, threads: int) -> Predict:
    """Load the model; a call is one batch."""
    model = keras_model(path, threads)
    return lambda images: model.predict(images, batch_size=len(images), verbose=0)
