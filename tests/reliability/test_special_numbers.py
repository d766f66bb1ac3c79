"""NaN and infinity go through a model as they go through Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import from_keras

keras = pytest.importorskip("keras")
L = keras.layers

LAYERS: dict[str, Any] = {
    "conv": lambda: L.Conv2D(8, 3, padding="same"),
    "pointwise": lambda: L.Conv2D(8, 1, activation="relu"),
    "depthwise": lambda: L.DepthwiseConv2D(3),
    "dense": lambda: L.Dense(5),
    "max pool": lambda: L.MaxPooling2D(2),
    "average pool": lambda: L.AveragePooling2D(2),
    "global max": L.GlobalMaxPooling2D,
    "global average": L.GlobalAveragePooling2D,
    "softmax": L.Softmax,
    "batch normalization": L.BatchNormalization,
    "layer normalization": L.LayerNormalization,
    **{
        name: lambda name=name: L.Activation(name)
        for name in ("relu", "relu6", "sigmoid", "tanh", "elu", "selu", "silu", "hard_sigmoid")
    },
    "leaky relu": L.LeakyReLU,
    "flat": lambda: keras.Sequential([L.Flatten(), L.Dense(4)]),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=["nan", "inf", "-inf"])
@pytest.mark.parametrize("name", LAYERS)
def test_special_numbers_come_out_where_they_do_in_keras(
    rng: np.random.Generator, name: str, value: float
) -> None:
    theirs = keras.Sequential([keras.Input((12, 12, 6)), LAYERS[name]()])
    theirs.set_weights([rng.random(w.shape, np.float32) for w in theirs.get_weights()])
    x = rng.standard_normal((3, 12, 12, 6), np.float32)
    x[1, 5, 5, 2] = value
    want = np.asarray(theirs(x))
    got = from_keras(theirs).predict(x, verbose=0)
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4, equal_nan=True)
