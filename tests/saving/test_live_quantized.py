"""`from_keras` of models that Keras has quantized: users' classes, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras
from quantized_networks import assert_alike, exact, randomized

L = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")


class Block(L.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.inner = L.Dense(6, activation=doubled)
        self.heads = L.MultiHeadAttention(2, 4)

    def call(self, x: Any) -> Any:
        y = self.inner(x)
        return self.heads(y, y) + 1.0


def doubled(x: Any) -> Any:
    return keras.ops.relu(x) * 2.0


def test_classes_of_the_users_around_quantized_layers_are_drawn() -> None:
    x = exact((2, 5, 8), 16)
    inputs = keras.Input((5, 8))
    model = keras.Model(inputs, Block()(inputs))
    randomized(model).quantize("int8")
    ours = cnnfast.from_keras(model)
    modes = [part.quantization_mode for layer in ours.layers for part in layer._flatten_layers()]
    assert modes.count("int8") == 5
    assert_alike(ours.predict(x, verbose=0), model.predict(x, verbose=0), 0.03)


class Mine(L.Dense):
    def call(self, inputs: Any, training: Any = None) -> Any:
        return super().call(inputs) * 2.0


def refused(layer: Any, rule: str) -> None:
    model = keras.Sequential([keras.Input((3, 4)), layer])
    with pytest.raises(UnsupportedError, match=rule) as caught:
        cnnfast.from_keras(model)
    assert "Received" in str(caught.value)
    assert caught.value.items[0].advice


def test_what_keras_passes_over_or_merges_first_is_refused() -> None:
    refused(Mine(2, dtype="int8_from_float32"), "passes over the `call` of its class")
    refused(L.TimeDistributed(L.Dense(2, dtype="int8_from_float32")), "without their scales")
    refused(L.SpectralNormalization(L.Dense(2, dtype="float8_from_float32")), "kernel of floats")
    adapted = L.Dense(2, dtype="int8_from_float32")
    adapted.build((None, 4))
    adapted.enable_lora(2)
    refused(adapted, "one kernel and no adapter")
    layer = layers.SpectralNormalization(layers.Dense(2, dtype="int8_from_float32"))
    with pytest.raises(UnsupportedError, match="kernel of floats"):
        layer(np.ones((1, 4)))
