"""Keras on its OpenVINO backend, in float32: nothing is converted, `predict_on_batch` is called."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from sidebyside.runtimes import Predict, package_versions

NAME = "Keras on OpenVINO"


def versions() -> dict[str, str]:
    """Name the versions of Keras and its backend."""
    return package_versions("keras", "openvino")


def convert(source: Path, directory: Path) -> Path:
    """Nothing to convert."""
    return source


def load(path: Path, threads: int) -> Predict:
    """Load the model, and have its backend compile it with the settings that it has no word for."""
    import openvino

    from sidebyside.runtimes.openvino_cpu import FLOAT32, settings

    openvino.compile_model = partial(openvino.compile_model, config=settings(threads) | FLOAT32)
    predict: Predict = keras_model(path).predict_on_batch
    return predict


def keras_model(path: Path) -> Any:
    """Load the model into Keras on OpenVINO."""
    os.environ["KERAS_BACKEND"] = "openvino"
    import keras

    return keras.saving.load_model(path, compile=False)
