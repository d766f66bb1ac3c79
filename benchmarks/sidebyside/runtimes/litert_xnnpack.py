"""LiteRT (TensorFlow Lite) with its default delegate, XNNPACK.

Each batch has a file of its own: the delegate refuses to resize models with Flatten.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sidebyside.runtimes import Images, Predict, latest_only, package_versions

NAME = "LiteRT"

BATCHES = (1, 32)


def versions() -> dict[str, str]:
    """Name the versions of the runtime and of what wrote its file."""
    return package_versions("ai-edge-litert", "tensorflow")


def convert(source: Path, directory: Path) -> Path:
    """Write a file for each batch; return where, with `{batch}` in the name."""
    return for_each_batch(source, directory / f"{source.stem}_{{batch}}.tflite", as_it_is)


def as_it_is(converter: Any, batch: int) -> None:
    """Leave the converter's settings alone: float32."""


def for_each_batch(source: Path, pattern: Path, choose: Callable[[Any, int], None]) -> Path:
    """Write a file for each batch, by a converter whose settings `choose` sets."""
    from sidebyside.exports import load_keras

    model = load_keras(source)
    for batch in BATCHES:
        write(model, batch, Path(str(pattern).format(batch=batch)), choose)
    return pattern


def write(model: Any, batch: int, path: Path, choose: Callable[[Any, int], None]) -> None:
    """Write the file of one batch; what the converter held is free behind it."""
    import tensorflow as tf

    from sidebyside.exports import frozen_function

    function = frozen_function(model, batch)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    choose(converter, batch)
    path.write_bytes(converter.convert())


def load(path: Path, threads: int) -> Predict:
    """Open the interpreter of each batch when it is first asked for."""
    from ai_edge_litert.interpreter import Interpreter

    def make(shape: tuple[int, ...]) -> Predict:
        file = str(path).format(batch=shape[0])
        interpreter = Interpreter(model_path=file, num_threads=threads)
        interpreter.allocate_tensors()
        first = interpreter.get_input_details()[0]["index"]
        last = interpreter.get_output_details()[0]["index"]

        def predict(images: Images) -> Images:
            interpreter.set_tensor(first, images)
            interpreter.invoke()
            outputs: Images = interpreter.get_tensor(last)
            return outputs

        return predict

    return latest_only(make)
