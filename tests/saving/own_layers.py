"""Layers and functions of a user's own: as Keras runs them, and as NumPy functions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

Array = np.ndarray


class LayerNormalization(keras.layers.Layer):
    """Goes by the name of one of Keras', with another formula and the same weights."""

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        return keras.ops.tanh(x) * self.gamma + self.beta

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def normalized(x: Array, gamma: Array, beta: Array) -> Array:
    return np.tanh(x) * gamma + beta


def normalized_by_names(x: Array, **weights: Array) -> Array:
    return normalized(x, weights["gamma"], weights["beta"])


def normalized_in_order(x: Array, *weights: Array) -> Array:
    return normalized(x, *weights)


class Attention(keras.layers.Layer):
    """Goes by the name of one of Keras', and has no weights."""

    def call(self, x: Any) -> Any:
        return x * keras.ops.sigmoid(x[..., ::-1])


def attended(x: Array) -> Array:
    return x / (1 + np.exp(-x[..., ::-1]))


class GroupNormalization(keras.layers.Layer):
    """Goes by the name of one of Keras', with arguments of its own."""

    def __init__(self, groups: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.groups = groups

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        return x / self.groups * self.gamma - self.beta

    def get_config(self) -> Any:
        return {**super().get_config(), "groups": self.groups}


def grouped(x: Array, gamma: Array, beta: Array) -> Array:
    return x / 2 * gamma - beta


def grouped_in_order(x: Array, *weights: Array) -> Array:
    return grouped(x, *weights)


@keras.saving.register_keras_serializable("mine")
class Halves(keras.layers.Layer):
    """Has two outputs."""

    def call(self, x: Any) -> Any:
        return x / 2.0, keras.ops.mean(x, axis=-1, keepdims=True)


def halves(x: Array) -> tuple[Array, Array]:
    return x / 2, x.mean(-1, keepdims=True)


class Excited(keras.layers.Layer):
    """Has layers of its own, under names whose order is not that in which they are made."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.squeeze = keras.layers.Dense(2, activation="relu")
        self.excite = keras.layers.Dense(4)
        self.steps = [keras.layers.Dense(4, use_bias=False) for _ in range(11)]

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        self.seeds = keras.random.SeedGenerator(1)
        self.squeeze.build(input_shape)
        self.excite.build((None, 2))
        for step in self.steps:
            step.build(input_shape)

    def call(self, x: Any) -> Any:
        y = x
        for number, step in enumerate(self.steps):
            y = y + step(x) * (number / 10.0)
        return y * self.scale * keras.ops.sigmoid(self.excite(self.squeeze(x)))


def excited(x: Array, *weights: Array) -> Array:
    """Take the weights as a `.keras` file has them: `excite`, `squeeze`, `steps`."""
    scale, excite, excite_bias, squeeze, squeeze_bias, *steps = weights
    return _excited(x, scale, squeeze, squeeze_bias, excite, excite_bias, steps)


def excited_as_made(x: Array, *weights: Array) -> Array:
    """Take the weights as an `.h5` file has them: in the order in which they were made."""
    scale, squeeze, squeeze_bias, excite, excite_bias, *steps = weights
    return _excited(x, scale, squeeze, squeeze_bias, excite, excite_bias, steps)


def _excited(
    x: Array, scale: Array, squeeze: Array, bias: Array, excite: Array, last: Array, steps: Any
) -> Array:
    y = x + sum(x @ step * (number / 10) for number, step in enumerate(steps))
    gate = np.maximum(x @ squeeze + bias, 0) @ excite + last
    return y * scale / (1 + np.exp(-gate))


def mymish(x: Any) -> Any:
    """Compute in Keras what `own_mish` does in NumPy; no function of Keras has the name."""
    return x * keras.ops.tanh(keras.ops.softplus(x)) + 0.25


def own_mish(x: Array) -> Array:
    return x * np.tanh(np.logaddexp(x, 0)) + 0.25


def with_excited(road: str) -> dict[str, Any]:
    return {"Excited": excited_as_made if road == ".h5" else excited}
