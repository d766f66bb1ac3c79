"""The project itself with 16-bit products."""

from __future__ import annotations

from pathlib import Path

from sidebyside.runtimes import Predict
from sidebyside.runtimes.cnnfast_plan import convert, versions

__all__ = ["NAME", "convert", "load", "versions"]

NAME = "cnnfast bfloat16"


def load(path: Path, threads: int) -> Predict:
    """Load the Keras file; a call is `predict_on_batch`."""
    from cnnfast.saving import load_model
    from cnnfast.utils.system.threads import set_num_threads

    set_num_threads(threads)
    model = load_model(path, compile=False, precision="bfloat16")
    predict: Predict = model.predict_on_batch
    return predict
