"""ONNX Runtime in 8 bits: the QDQ form of its static quantization, weights for each channel."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sidebyside.machine import instruction_sets
from sidebyside.runtimes import Images, calibration_images
from sidebyside.runtimes import onnx_runtime as float32
from sidebyside.runtimes.onnx_runtime import load

__all__ = ["NAME", "convert", "load", "versions"]

NAME = "ONNX Runtime int8"


def versions() -> dict[str, str]:
    """Name the versions, and the bits of a weight."""
    return {**float32.versions(), "onnxruntime's weights": "7 bits" if saturates() else "8 bits"}


def saturates() -> bool:
    """Tell whether its products of two 8-bit numbers may overflow: those without VNNI.

    Its guide then says to take 7 bits for weights.
    """
    return not {"avx512_vnni", "avx_vnni", "asimddp"} & set(instruction_sets())


def convert(source: Path, directory: Path) -> Path:
    """Write the file, from the float32 one prepared as its guide says.

    A softmax stays in float32: in 8 bits a step would be 1 / 256, whatever the probabilities are.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from sidebyside.exports import onnx_file

    path = directory / f"{source.stem}_int8.onnx"
    with TemporaryDirectory(dir=directory) as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(onnx_file(source, source.parent), prepared)
        nodes = onnx.load(prepared, load_external_data=False).graph.node
        quantize_static(
            prepared,
            path,
            reader(prepared, calibration_images(directory)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=saturates(),
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[node.name for node in nodes if node.op_type == "Softmax"],
        )
    return path


def reader(path: Path, images: Images) -> Any:
    """Hand the images over one at a time, as `quantize_static` asks for them."""
    from onnxruntime import InferenceSession
    from onnxruntime.quantization import CalibrationDataReader

    name = InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """An iterator under the name that is called."""

        def __init__(self) -> None:
            self._images = iter(images)

        def get_next(self) -> dict[str, Images] | None:
            """Give the next image, or none."""
            image = next(self._images, None)
            return None if image is None else {name: image[None]}

    return Reader()
