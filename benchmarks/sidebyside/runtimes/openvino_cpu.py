"""OpenVINO on the CPU, in float32, one stream, from the ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sidebyside.runtimes import Images, Predict, latest_only, package_versions

NAME = "OpenVINO"
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


def versions() -> dict[str, str]:
    """Name the version of the runtime."""
    return package_versions("openvino")


def convert(source: Path, directory: Path) -> Path:
    """Write the ONNX file."""
    from sidebyside.exports import onnx_file

    return onnx_file(source, directory)


def load(path: Path, threads: int) -> Predict:
    """Compile for each batch, in float32."""
    return for_each_batch(path, threads, FLOAT32)


def load_for_any_size(path: Path, threads: int) -> Predict:
    """Compile once, with height and width open: the way that OpenVINO's guide gives for it."""
    return compiled(path, [1, -1, -1, 3], settings(threads) | FLOAT32)


def for_each_batch(path: Path, threads: int, more: Mapping[str, str]) -> Predict:
    """Compile for each batch: known shapes are faster than open ones."""
    properties = settings(threads) | dict(more)
    return latest_only(lambda shape: compiled(path, list(shape), properties))


def settings(threads: int) -> dict[str, str | int]:
    """Ask for the shortest time of one call on that many threads."""
    return {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": "1", "PERFORMANCE_HINT": "LATENCY"}


def compiled(path: Path, shape: Sequence[int], properties: Mapping[str, str | int]) -> Predict:
    """Compile the file for images of that shape."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape(list(shape))
    request = core.compile_model(model, "CPU", dict(properties)).create_infer_request()

    def predict(images: Images) -> Images:
        outputs: Images = request.infer([images], share_inputs=True, share_outputs=False)[0]
        return outputs

    return predict
