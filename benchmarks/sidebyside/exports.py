"""Keras models in the forms that converters read; needs Keras on its TensorFlow backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

OPSET = 17
INPUT = "images"
LARGE_WEIGHT_BYTES = 32 << 20


def load_keras(source: Path) -> Any:
    """Load a Keras file for inference."""
    import keras

    return keras.saving.load_model(source, compile=False)


def frozen_function(model: Any, batch: int | None, arguments: Sequence[Any] = ()) -> Any:
    """Trace a model with its weights as constants; the batch is open where it is `None`.

    The variables in `arguments` become inputs behind the images. With variables instead of
    constants LiteRT's converter writes a file without weights, and an ONNX graph of a model
    with a `Normalization` layer gets inputs that nobody can feed.
    """
    import keras
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    @tf.function
    def call(images: Any, *values: Any) -> Any:
        state = list(zip(arguments, values, strict=True))
        with keras.StatelessScope(state_mapping=state):
            return model(images, training=False)

    shapes = [(batch, *model.input_shape[1:]), *(variable.shape for variable in arguments)]
    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    return convert_variables_to_constants_v2(call.get_concrete_function(*specs))


def onnx_file(source: Path, directory: Path) -> Path:
    """Write the ONNX file of a Keras file unless it is there: channels last, the batch open.

    Large weights go past tf2onnx, which holds some twenty copies of every constant at its peak.
    """
    path = directory / f"{source.stem}.onnx"
    if path.is_file():
        return path
    import onnx
    import tf2onnx

    model = load_keras(source)
    large = [v for v in model.variables if 4 * np.prod(v.shape) > LARGE_WEIGHT_BYTES]
    function = frozen_function(model, None, large)
    converted, _ = tf2onnx.convert.from_graph_def(
        function.graph.as_graph_def(),
        input_names=[tensor.name for tensor in function.inputs],
        output_names=[tensor.name for tensor in function.outputs],
        opset=OPSET,
    )
    graph = converted.graph
    images, *inputs = graph.input
    for name, variable in zip([each.name for each in inputs], large, strict=True):
        graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(variable), name))
    del graph.input[1:]
    rename(graph, images.name, INPUT)
    onnx.save(converted, path)
    return path


def rename(graph: Any, old: str, new: str) -> None:
    """Rename an input of an ONNX graph: some converters stumble over the colon of TensorFlow."""
    for value in graph.input:
        value.name = new if value.name == old else value.name
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = new if name == old else name
