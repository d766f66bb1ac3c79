"""OpenVINO on the CPU as it comes: in bfloat16 where the processor multiplies that."""

from __future__ import annotations

from pathlib import Path

from sidebyside.exports import onnx_file
from sidebyside.runtimes import Predict
from sidebyside.runtimes.openvino_cpu import for_each_batch, versions

__all__ = ["NAME", "convert", "load", "versions"]

NAME = "OpenVINO's default"


def convert(source: Path, directory: Path) -> Path:
    """Write the ONNX file."""
    return onnx_file(source, source.parent)


def load(path: Path, threads: int) -> Predict:
    """Compile for each batch without a word about precision."""
    return for_each_batch(path, threads, {})
