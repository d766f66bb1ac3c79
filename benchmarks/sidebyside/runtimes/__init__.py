"""The runtimes that can be compared: one module each, with the functions of `Runtime`.

Adding one is a module here, its name in `MODULES` and in a row of `ROWS`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Images: TypeAlias = npt.NDArray[np.float32]
Predict: TypeAlias = Callable[[Images], Images]

MODULES = {
    "cnnfast": "sidebyside.runtimes.cnnfast_plan",
    "cnnfast_bfloat16": "sidebyside.runtimes.cnnfast_bfloat16",
    "cnnfast_int8": "sidebyside.runtimes.cnnfast_int8",
    "onnxruntime": "sidebyside.runtimes.onnx_runtime",
    "onnxruntime_int8": "sidebyside.runtimes.onnx_runtime_int8",
    "openvino": "sidebyside.runtimes.openvino_cpu",
    "openvino_bfloat16": "sidebyside.runtimes.openvino_bfloat16",
    "openvino_int8": "sidebyside.runtimes.openvino_int8",
    "litert": "sidebyside.runtimes.litert_xnnpack",
    "litert_int8": "sidebyside.runtimes.litert_int8",
    "ncnn": "sidebyside.runtimes.ncnn_pnnx",
    "mnn": "sidebyside.runtimes.mnn_session",
    "torch": "sidebyside.runtimes.keras_torch",
    "keras_openvino": "sidebyside.runtimes.keras_openvino",
    "keras_openvino_bfloat16": "sidebyside.runtimes.keras_openvino_bfloat16",
    "keras": "sidebyside.runtimes.keras_function",
    "keras_predict": "sidebyside.runtimes.keras_predict",
}
"""Command-line name -> module."""

ROWS = {
    "float32": (
        *("cnnfast", "onnxruntime", "openvino", "litert", "ncnn", "mnn", "torch"),
        *("keras_openvino", "keras", "keras_predict"),
    ),
    "bfloat16": ("cnnfast_bfloat16", "cnnfast", "openvino_bfloat16", "keras_openvino_bfloat16"),
    "int8": ("cnnfast_int8", "cnnfast", "onnxruntime_int8", "openvino_int8", "litert_int8"),
}
"""Precision -> the runtimes that are compared in it. The others are compared with the first."""

OWN = tuple(name for name in MODULES if name.startswith("cnnfast"))
"""The project itself, which is nobody's peer."""

CALIBRATION = "calibration.npy"


class Runtime(Protocol):
    """What the module of a runtime offers."""

    NAME: str
    """The name in the tables."""

    def versions(self) -> dict[str, str]:
        """Name what the result depends on: packages and their versions, instruction set."""
        ...

    def convert(self, source: Path, directory: Path) -> Path:
        """Write what `load` wants into `directory`, or return `source` itself.

        `source` is the file Keras saved. Runs in a process of its own, with Keras on TensorFlow.
        For 8 bits `directory` holds the images that `calibration_images` reads.
        """
        ...

    def load(self, path: Path, threads: int) -> Predict:
        """Give a function from images (n, height, width, channels) to outputs.

        Runs in a process that is already pinned to `threads` cores.
        """
        ...


def runtime(name: str) -> Runtime:
    """Import the runtime of that command-line name."""
    return cast(Runtime, import_module(MODULES[name]))


def package_versions(*packages: str) -> dict[str, str]:
    """Look up the versions of installed packages."""
    from importlib.metadata import version

    return {package: version(package) for package in packages}


def calibration_images(directory: Path) -> Images:
    """Read the images that every runtime calibrates on."""
    images: Images = np.load(directory / CALIBRATION)
    return images


def latest_only(make: Callable[[tuple[int, ...]], Predict]) -> Predict:
    """Predict with what `make` builds for a shape of images, and keep only the latest.

    For runtimes that are faster, or only right, when they know the batch beforehand.
    """
    built: dict[tuple[int, ...], Predict] = {}

    def predict(images: Images) -> Images:
        if images.shape not in built:
            built.clear()
            built[images.shape] = make(images.shape)
        return built[images.shape](images)

    return predict
