"""ONNX Runtime with its CPU provider and default optimizations."""

from __future__ import annotations

from pathlib import Path

from sidebyside.runtimes import Images, Predict, package_versions

NAME = "ONNX Runtime"


def versions() -> dict[str, str]:
    """Name the versions of the runtime and of what wrote its file."""
    return package_versions("onnxruntime", "tf2onnx", "onnx")


def convert(source: Path, directory: Path) -> Path:
    """Write the ONNX file."""
    from sidebyside.exports import onnx_file

    return onnx_file(source, directory)


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
