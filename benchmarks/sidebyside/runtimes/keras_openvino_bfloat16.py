"""Keras on its OpenVINO backend as it comes: bfloat16 where the processor multiplies that."""

from __future__ import annotations

from pathlib import Path

from sidebyside.runtimes import Predict
from sidebyside.runtimes.keras_openvino import convert, keras_model, versions

__all__ = ["NAME", "convert", "load", "versions"]

NAME = "Keras on OpenVINO's default"


def load(path: Path, threads: int) -> Predict:
    """Load the model; its backend takes as many threads as there are cores to run on."""
    predict: Predict = keras_model(path).predict_on_batch
    return predict
