"""LiteRT in 8 bits, written by the full integer converter, with its default delegate, XNNPACK.

Images go in and answers come out in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sidebyside.runtimes import Images, calibration_images
from sidebyside.runtimes.litert_xnnpack import for_each_batch, load, versions

__all__ = ["NAME", "convert", "load", "versions"]

NAME = "LiteRT int8"


def convert(source: Path, directory: Path) -> Path:
    """Write a file for each batch; return where, with `{batch}` in the name."""
    images = calibration_images(directory)

    def eight_bits(converter: Any, batch: int) -> None:
        import tensorflow as tf

        def batches() -> Iterator[list[Images]]:
            for first in range(0, len(images), batch):
                yield [images[first : first + batch]]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = batches
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]

    return for_each_batch(source, directory / f"{source.stem}_int8_{{batch}}.tflite", eight_bits)
