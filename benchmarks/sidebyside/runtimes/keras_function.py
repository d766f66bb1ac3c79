"""Keras on TensorFlow: the model called inside one `tf.function`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from sidebyside.runtimes import Images, Predict, latest_only, package_versions

NAME = "Keras model(x)"


def versions() -> dict[str, str]:
    """Name the versions of Keras and its backend."""
    return package_versions("keras", "tensorflow")


def convert(source: Path, directory: Path) -> Path:
    """Nothing to convert."""
    return source


def load(path: Path, threads: int) -> Predict:
    """Load the model and trace it for each batch."""
    model = keras_model(path, threads)
    import tensorflow as tf

    def make(shape: tuple[int, ...]) -> Predict:
        function = tf.function(lambda x: model(x, training=False))
        traced = function.get_concrete_function(tf.TensorSpec(shape, tf.float32))

        def predict(images: Images) -> Images:
            return np.asarray(traced(tf.constant(images)))

        return predict

    return latest_only(make)


def keras_model(path: Path, threads: int) -> Any:
    """Load the model into a TensorFlow that has `threads` threads."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import keras

    return keras.saving.load_model(path, compile=False)
