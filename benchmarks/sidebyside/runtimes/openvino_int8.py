"""OpenVINO on the CPU in 8 bits, quantized by NNCF after training.

What is not in 8 bits is in the type that OpenVINO takes by itself.
"""

from __future__ import annotations

from pathlib import Path

from sidebyside.runtimes import Predict, calibration_images, package_versions
from sidebyside.runtimes.openvino_cpu import for_each_batch

NAME = "OpenVINO int8"


def versions() -> dict[str, str]:
    """Name the versions of the runtime and of what quantized its file."""
    return package_versions("openvino", "nncf")


def convert(source: Path, directory: Path) -> Path:
    """Write the file with 8-bit weights; activations have zero points where it is no ReLU network.

    That is what NNCF's guide says of its presets.
    """
    import nncf
    import openvino

    from sidebyside.exports import onnx_file

    model = openvino.Core().read_model(onnx_file(source, source.parent))
    images = calibration_images(directory)
    kinds = [operation.get_type_name() for operation in model.get_ordered_ops()]
    rectified = "Relu" in kinds or "Clamp" in kinds
    preset = nncf.QuantizationPreset.PERFORMANCE if rectified else nncf.QuantizationPreset.MIXED
    quantized = nncf.quantize(
        model,
        nncf.Dataset([image[None] for image in images]),
        preset=preset,
        subset_size=len(images),
        target_device=nncf.TargetDevice.CPU,
    )
    path = directory / f"{source.stem}_int8.xml"
    openvino.save_model(quantized, path, compress_to_fp16=False)
    return path


def load(path: Path, threads: int) -> Predict:
    """Compile for each batch."""
    return for_each_batch(path, threads, {})
