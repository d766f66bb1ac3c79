"""The runtimes that can be compared: one module each, with the functions of `Runtime`.

Adding one is a module here and its name in `MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

Images: TypeAlias = npt.NDArray[np.float32]
Predict: TypeAlias = Callable[[Images], Images]

MODULES = {
    "cnnfast": "sidebyside.runtimes.cnnfast_plan",
    "onnxruntime": "sidebyside.runtimes.onnx_runtime",
}
"""Command-line name -> module. The first is the one that the others are compared with."""


class Runtime(Protocol):
    """What the module of a runtime offers."""

    NAME: str
    """The name in the tables."""

    def versions(self) -> dict[str, str]:
        """Name what the result depends on: packages and their versions, instruction set."""
        ...

    def convert(self, model: Any, source: Path, directory: Path) -> Path:
        """Write the file that `load` wants into `directory`, or return `source` itself.

        `model` is the Keras model, `source` the file Keras saved it in. Runs before any
        worker is started, in a process that has Keras.
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
