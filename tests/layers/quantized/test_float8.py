"""Layers under float8, of which Keras computes with rounded inputs, kernels and biases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras
from quantized_networks import assert_roads, attention, cnn, products, randomized

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")


@pytest.mark.parametrize("make", [cnn, products, attention])
def test_networks_are_those_of_keras(make: Any, tmp_path: Path) -> None:
    model, x = make()
    randomized(model).quantize("float8")
    for number, weight in enumerate(model.weights):
        if weight.name in ("inputs_scale", "kernel_scale"):
            weight.assign(0.003 * (1 + number % 3))
    assert_roads(model, x, tmp_path, step=0.1)


def test_a_history_of_another_length_and_an_embedding() -> None:
    policy = keras.dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32", 16)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, dtype=policy)])
    ours = cnnfast.from_keras(model)
    assert ours.layers[0].inputs_amax_history.shape == (16,)
    assert ours.layers[0].dtype_policy.get_config()["config"] == policy.get_config()
    with pytest.raises(UnsupportedError, match=r"\['int8', 'int4'\] alone"):
        layers.Embedding(3, 2, dtype="float8_from_float32")


def test_bits_do_not_depend_on_the_batch(rng: np.random.Generator) -> None:
    layer = layers.Dense(3, dtype="float8_from_float32")
    x = rng.normal(size=(5, 9)).astype(np.float32)
    layer.build(x.shape)
    layer.weights[-2].assign(rng.normal(size=(9, 3)))
    each = [layer(row[None]) for row in x]
    np.testing.assert_array_equal(np.concatenate(each), layer(x))
    assert layer.kernel is layer.weights[-2]
