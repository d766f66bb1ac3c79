"""OpenVINO on the CPU, in float32, one stream, from the ONNX file."""

from __future__ import annotations

from pathlib import Path

from sidebyside.runtimes import Images, Predict, latest_only, package_versions

NAME = "OpenVINO"


def versions() -> dict[str, str]:
    """Name the version of the runtime."""
    return package_versions("openvino")


def convert(source: Path, directory: Path) -> Path:
    """Write the ONNX file."""
    from sidebyside.exports import onnx_file

    return onnx_file(source, directory)


def load(path: Path, threads: int) -> Predict:
    """Compile for each batch: known shapes are faster than open ones."""
    import openvino

    core = openvino.Core()
    properties = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
    }

    def make(shape: tuple[int, ...]) -> Predict:
        model = core.read_model(path)
        model.reshape(list(shape))
        request = core.compile_model(model, "CPU", properties).create_infer_request()

        def predict(images: Images) -> Images:
            outputs: Images = request.infer([images], share_inputs=True, share_outputs=False)[0]
            return outputs

        return predict

    return latest_only(make)


def load_for_any_size(path: Path, threads: int) -> Predict:
    """Compile once, with height and width open: the way that OpenVINO's guide gives for it."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape([1, -1, -1, 3])
    properties = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(model, "CPU", properties).create_infer_request()

    def predict(images: Images) -> Images:
        outputs: Images = request.infer([images], share_inputs=True, share_outputs=False)[0]
        return outputs

    return predict
