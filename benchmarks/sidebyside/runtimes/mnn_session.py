"""MNN on the CPU with precision "high" (float32), from the ONNX file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sidebyside.runtimes import Images, Predict, latest_only, package_versions

NAME = "MNN"


def versions() -> dict[str, str]:
    """Name the version of the runtime."""
    return package_versions("MNN")


def convert(source: Path, directory: Path) -> Path:
    """Write the MNN file.

    The converter is called without its script, which installs packages and sends statistics.
    """
    import _tools
    import MNN  # noqa: F401 loads what _tools needs

    from sidebyside.exports import onnx_file

    path = directory / f"{source.stem}.mnn"
    files = ["--modelFile", str(onnx_file(source, directory)), "--MNNModel", str(path)]
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--bizCode", "bench", *files])
    if not path.is_file():
        raise RuntimeError("mnnconvert wrote no file")
    return path


def load(path: Path, threads: int) -> Predict:
    """Open the file, and a session for each batch."""
    import MNN

    settings = {"backend": "CPU", "numThread": threads, "precision": "high"}
    # The array of an ONNX model goes in as it is only under the name of Caffe's layout.
    as_it_is = MNN.Tensor_DimensionType_Caffe

    def make(shape: tuple[int, ...]) -> Predict:
        net = MNN.Interpreter(str(path))
        session = net.createSession(settings)
        first = net.getSessionInput(session)
        net.resizeTensor(first, shape)
        net.resizeSession(session)
        last = net.getSessionOutput(session)

        def predict(images: Images) -> Images:
            first.copyFrom(MNN.Tensor(shape, MNN.Halide_Type_Float, images, as_it_is))
            net.runSession(session)
            outputs = np.empty(last.getShape(), np.float32)
            host = MNN.Tensor(outputs.shape, MNN.Halide_Type_Float, outputs, as_it_is)
            last.copyToHostTensor(host)
            return np.array(host.getNumpyData(), np.float32)

        return predict

    return latest_only(make)
