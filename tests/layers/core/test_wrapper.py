"""Layers around others that users write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.saving import load_model
from parity import keras


def made_in(package: Any) -> Any:
    """Return a class of the user's in Keras or here."""

    class Residual(package.layers.Wrapper):  # type: ignore[misc, name-defined]
        def __init__(self, layer: Any, factor: float = 2.0, **kwargs: Any) -> None:
            super().__init__(layer, **kwargs)
            self.factor = factor

        def call(self, x: Any) -> Any:
            return x + self.factor * self.layer(x)

        def get_config(self) -> Any:
            return {**super().get_config(), "factor": self.factor}

    return Residual


def test_a_wrapper_does_what_its_class_says(tmp_path: Any, rng: np.random.Generator) -> None:
    theirs = keras.Sequential(
        [keras.Input((4,)), made_in(keras)(keras.layers.Dense(4, name="inner"), name="around")]
    )
    theirs.set_weights([rng.normal(size=w.shape) for w in theirs.weights])
    x = rng.normal(size=(3, 4)).astype(np.float32)
    theirs.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras", custom_objects={"Residual": made_in(cnnfast)})
    np.testing.assert_allclose(loaded.predict(x, verbose=0), theirs(x), atol=1e-6)
    assert loaded.weights[0].path == "around/inner/kernel"


def test_a_wrapper_that_says_nothing_cannot_run() -> None:
    class Silent(layers.Wrapper):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    with pytest.raises(NotImplementedError, match="Silent does not have a `call"):
        Silent(layers.ReLU())(np.ones((2, 3)))


def test_a_wrapper_needs_a_layer() -> None:
    with pytest.raises(ValueError, match="Please initialize `Residual` layer with a `Layer`"):
        made_in(cnnfast)("dense")
