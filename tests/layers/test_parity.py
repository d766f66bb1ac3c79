"""Each layer against the layer of real Keras: config, shapes, weights and numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from layer_parity import LayerParity, Shape
from parity import both, keras, plain, randomize
from reference import tolerance

IMAGE = (None, 9, 11, 6)

CASES: list[tuple[str, dict[str, Any], Shape]] = [
    ("Activation", {"activation": "relu"}, IMAGE),
    ("Activation", {"activation": "softmax"}, (None, 5)),
    ("Activation", {"activation": None}, (None, 5)),
    ("BatchNormalization", {}, IMAGE),
    ("BatchNormalization", {"axis": 1, "epsilon": 1e-5}, IMAGE),
    ("BatchNormalization", {"axis": -2, "scale": False}, IMAGE),
    ("BatchNormalization", {"center": False, "momentum": 0.9}, (None, 7)),
    ("BatchNormalization", {"center": False, "scale": False}, IMAGE),
    ("BatchNormalization", {"renorm": True, "gamma_regularizer": "l2"}, IMAGE),
    ("Conv2D", {"filters": 5, "kernel_size": 3}, IMAGE),
    ("Conv2D", {"filters": 5, "kernel_size": (2, 3), "padding": "same", "use_bias": False}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "SAME"}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 4, "strides": (3, 1), "padding": "same"}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": (2, 3), "groups": 2}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": 2, "padding": "same"}, IMAGE),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 6, "activation": "relu6"}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 1, "activation": "softmax"}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "dtype": "mixed_float16"}, IMAGE),
    (
        "Conv2D",
        {
            "filters": 4,
            "kernel_size": 3,
            "kernel_initializer": "he_normal",
            "kernel_regularizer": "l2",
            "activity_regularizer": "l2",
            "kernel_constraint": "max_norm",
            "trainable": False,
        },
        IMAGE,
    ),
    ("Dense", {"units": 4}, (None, 7)),
    ("Dense", {"units": 4, "activation": "sigmoid", "use_bias": False}, (None, 3, 7)),
    ("Dense", {"units": 4, "activation": "softmax", "bias_initializer": "ones"}, (None, 3, 5, 7)),
    ("Dense", {"units": 4, "activation": "swish"}, (None, 2, 3, 5, 7)),
    ("Dropout", {"rate": 0.5, "noise_shape": (None, 1), "seed": 3}, (None, 5)),
    ("Flatten", {}, IMAGE),
    ("Flatten", {}, (None, 5)),
    ("Flatten", {"data_format": "channels_first"}, IMAGE),
    ("MaxPooling2D", {}, IMAGE),
    ("MaxPooling2D", {"pool_size": (2, 3), "strides": (1, 2)}, IMAGE),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    ("MaxPooling2D", {"pool_size": 1, "strides": 2}, IMAGE),
    ("MaxPooling2D", {"data_format": "channels_first", "padding": "same"}, IMAGE),
    ("ReLU", {}, IMAGE),
    ("ReLU", {"max_value": 0.5, "negative_slope": 0.25, "threshold": 0.125}, IMAGE),
    ("ReLU", {"negative_slope": 0.1}, (None, 5)),
    ("ReLU", {"max_value": 0.7}, (None, 5)),
    ("ReLU", {"max_value": 0.7, "threshold": 0.2}, (None, 5)),
    ("Softmax", {}, IMAGE),
    ("Softmax", {"axis": 1}, IMAGE),
    ("Softmax", {"axis": [1, 2]}, IMAGE),
    ("Softmax", {"axis": [-1, 1]}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "data_format": "channels_first"}, IMAGE),
    (
        "Conv2D",
        {
            "filters": 3,
            "kernel_size": (3, 2),
            "data_format": "channels_first",
            "padding": "same",
            "activation": "softmax",
        },
        IMAGE,
    ),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    def test_outputs(
        self,
        class_name: str,
        kwargs: dict[str, Any],
        shape: Shape,
        rng: np.random.Generator,
    ) -> None:
        # Whatever Keras' policy, the core computes in float32.
        theirs, ours = both(class_name, **{**kwargs, "dtype": "float32"})
        theirs.build(shape)
        ours.build(shape)
        randomize(theirs, ours, rng)
        x = rng.normal(size=(3, *shape[1:])).astype(np.float32)
        expected = np.asarray(theirs(x))
        depth = max([1, *(math.prod(w.shape[:-1]) for w in ours.weights)])
        # Weights and inputs stay below 5 sigma: |w| < 1.5, |x| < 5; both sides round.
        bound = 2 * tolerance(depth, depth * 7.5)
        np.testing.assert_allclose(ours(x), expected, rtol=0, atol=bound)


def test_channels_first_convolution_applies_softmax_to_the_last_axis(
    rng: np.random.Generator,
) -> None:
    layer = layers.Conv2D(3, 1, data_format="channels_first", activation="softmax")
    y = layer(rng.normal(size=(1, 2, 4, 5)).astype(np.float32))
    assert y.shape == (1, 3, 4, 5)
    np.testing.assert_allclose(y.sum(axis=-1), 1, atol=tolerance(5, 1))


def test_dropout_passes_its_input_on(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_array_equal(layers.Dropout(0.9)(x), x)


def test_relu_as_activation_is_the_relu_layer(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 6)).astype(np.float32)
    there = keras.layers.Dense(3, activation=keras.layers.ReLU(max_value=0.3), name="layer")
    there.build((None, 6))
    here = layers.deserialize(plain(keras.saving.serialize_keras_object(there)))
    here.build((None, 6))
    randomize(there, here, rng)
    np.testing.assert_allclose(here(x), np.asarray(there(x)), atol=2 * tolerance(6, 6 * 7.5))
    assert plain(here.get_config()) == plain(there.get_config())
