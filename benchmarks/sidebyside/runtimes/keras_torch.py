"""Keras on its PyTorch backend: exported, then compiled with the weights as constants.

Compiled without the export, Keras' own Python code runs in each call. Images with channels last are
what oneDNN wants.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from sidebyside.runtimes import Images, Predict, latest_only, package_versions

NAME = "torch.compile"


def versions() -> dict[str, str]:
    """Name the versions of Keras and its backend."""
    return package_versions("keras", "torch")


def convert(source: Path, directory: Path) -> Path:
    """Nothing to convert."""
    return source


def load(path: Path, threads: int) -> Predict:
    """Load the model and compile it for each batch."""
    os.environ["KERAS_BACKEND"] = "torch"
    import torch

    torch.set_num_threads(threads)
    torch._inductor.config.freezing = True
    import keras

    model = keras.saving.load_model(path, compile=False)
    model.eval()

    def make(shape: tuple[int, ...]) -> Predict:
        torch.compiler.reset()
        with torch.no_grad():
            exported = torch.export.export(model, (torch.zeros(shape),), strict=False)
        compiled = torch.compile(exported.module(), dynamic=False)

        def predict(images: Images) -> Images:
            with torch.no_grad():
                outputs: Images = np.asarray(compiled(torch.from_numpy(images)))
            return outputs

        return predict

    return latest_only(make)
