"""What users write and type checkers pass, with the types that come out. It is not run."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import cnnfast
from cnnfast import Input, KerasTensor, Model, Sequential, activations, initializers, layers, ops

Float32Array = npt.NDArray[np.float32]
images: Float32Array = np.ones((1, 8, 8, 3), np.float32)
rows: npt.NDArray[np.float64] = np.ones((1, 8))

# Arguments in each form that Keras takes.
layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")
layers.Conv2D(8, kernel_size=[3, 3], strides=(2, 1), activation=None, name="first")
layers.Conv2D(8, (3, 3), input_shape=(8, 8, 3), kernel_initializer=initializers.HeNormal())
layers.Conv2D(8, 3, activation=ops.relu, dtype="float32", trainable=False)
layers.Conv2D(8, 3, activation=activations.relu, data_format="channels_first")
layers.Conv2D(8, 3, activation=layers.ReLU(max_value=6.0), kernel_regularizer="l2")
layers.Conv1D(8, 3, padding="causal")
layers.Dense(3, activation=np.tanh, use_bias=False)
layers.Dense(3, activation=lambda x: np.maximum(x, 0))
layers.MaxPooling2D(2, name="pool")
layers.ZeroPadding2D(((1, 2), (3, 4)))
layers.ZeroPadding2D((1, 2))
layers.RandomFlip("horizontal", seed=3)
layers.LSTM(4, return_sequences=True, dropout=0.5, name="lstm")
layers.LeakyReLU(alpha=0.1)
layers.LayerNormalization(axis=[1, 2])
layers.Embedding(5, 3, name="table")
layers.Lambda(lambda x: 2 * x, output_shape=(3,))

# Layers: an array of an array, a symbolic tensor of a symbolic tensor.
x = Input((8, 8, 3))
assert_type(x, KerasTensor)
assert_type(layers.Conv2D(8, 3)(x), KerasTensor)
assert_type(layers.Conv2D(8, 3)(images), Float32Array)
assert_type(layers.Dense(8)([[1.0, 2.0]]), Float32Array)
assert_type(layers.Add()([x, x]), KerasTensor)
assert_type(layers.Add()([images, images]), Float32Array)
assert_type(layers.add([x, x]), KerasTensor)
assert_type(layers.concatenate([x, x], axis=1), KerasTensor)
assert_type(layers.MultiHeadAttention(2, 3)(x, x), KerasTensor)

# Operations.
assert_type(ops.relu(x), KerasTensor)
assert_type(ops.relu(rows), npt.NDArray[Any])
assert_type(ops.softmax(x, axis=[1, 2]), KerasTensor)
assert_type(ops.mean(x, axis=(1, 2), keepdims=True), KerasTensor)
assert_type(ops.add(x, 1.0), KerasTensor)
assert_type(ops.add(1.0, x), KerasTensor)
assert_type(ops.multiply(x, images), KerasTensor)
assert_type(ops.multiply(images, [1.0, 2.0, 3.0]), Float32Array)
assert_type(ops.matmul(x, np.ones((3, 4))), KerasTensor)
assert_type(ops.split(x, 2, axis=-1), list[KerasTensor])
assert_type(ops.concatenate([x, x], axis=-1), KerasTensor)
assert_type(ops.image.resize(x, (4, 4)), KerasTensor)
assert_type(ops.nn.gelu(x, approximate=False), KerasTensor)
assert_type(-2 * x + x**2 / 3.0, KerasTensor)
assert_type(x[:, 1:, ..., None], KerasTensor)

# Activations.
assert_type(activations.relu(x, max_value=1.0), KerasTensor)
assert_type(activations.relu(rows, negative_slope=0.1), npt.NDArray[Any])
assert_type(activations.softmax(x, axis=1), KerasTensor)
assert_type(layers.Dense(3, activation="relu").activation.__name__, str)

# Models.
model = Model(inputs=x, outputs=layers.Flatten()(x))
stack = Sequential([Input((8,)), layers.Dense(3, activation="softmax")], name="stack")
stack.add(layers.Dropout(0.5))
classes: npt.NDArray[np.int64] = stack.predict(rows, verbose=0).argmax(axis=-1)
assert_type(cnnfast.load_model("model.keras"), Model)
assert_type(cnnfast.models.load_model(Path("model.keras")), Model)
assert_type(cnnfast.saving.load_model(io.BytesIO(b"a file")), Model)
assert_type(model.get_layer("flatten"), layers.Layer)


def block(
    inputs: KerasTensor, filters: int, activation: Callable[..., Any] = ops.relu
) -> KerasTensor:
    y = layers.Conv2D(filters, 3, padding="same", activation=activation)(inputs)
    y = layers.BatchNormalization()(y)
    return ops.relu(inputs + y)
