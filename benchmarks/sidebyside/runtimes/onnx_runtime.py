"""ONNX Runtime with its CPU provider and default optimizations."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from sidebyside.runtimes import Images, Predict

NAME = "ONNX Runtime"


def versions() -> dict[str, str]:
    """Name the versions of the runtime and of what wrote its file."""
    return {name: version(name) for name in ("onnxruntime", "onnx")}


def convert(model: Any, source: Path, directory: Path) -> Path:
    """Write the ONNX file of a Keras model."""
    import onnx

    from sidebyside.onnx_model import onnx_from_keras

    path = directory / f"{source.stem}.onnx"
    onnx.save(onnx_from_keras(model), path)
    return path


def load(path: Path, threads: int) -> Predict:
    """Open a session with `threads` threads inside one operation, one operation at a time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def predict(images: Images) -> Images:
        outputs: Images = session.run(None, {name: images})[0]
        return outputs

    return predict
