"""The project itself, through its public face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sidebyside.runtimes import Predict

NAME = "cnnfast"


def versions() -> dict[str, str]:
    """Name version and instruction set."""
    from cnnfast import _core

    return {"cnnfast": f"{_core.__version__} ({_core.isa()})"}


def convert(source: Path, directory: Path) -> Path:
    """Nothing to convert: the file Keras saved is the file that is loaded."""
    return source


def load(path: Path, threads: int) -> Predict:
    """Load the Keras file; a call is `predict_on_batch`."""
    predict: Predict = _model(path, threads).predict_on_batch
    return predict


def load_for_any_size(path: Path, threads: int) -> Predict:
    """Load the Keras file and pack its weights, for a size of its own, as other runtimes do."""
    model = _model(path, threads)
    model.warm_up([(232, 232, 3)])
    predict: Predict = model.predict_on_batch
    return predict


def _model(path: Path, threads: int) -> Any:
    from cnnfast.saving import load_model
    from cnnfast.utils.system.threads import set_num_threads

    set_num_threads(threads)
    return load_model(path, compile=False)
