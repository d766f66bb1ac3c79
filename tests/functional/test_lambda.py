"""A user's functions of NumPy arrays, as layers and in place of what a file cannot hold."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras


def _clipped(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -0.5, 0.5)


def _joined(xs: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(xs, axis=-1)


def test_a_function_runs_between_layers(rng: np.random.Generator) -> None:
    inputs = cnnfast.Input((4,))
    outputs = layers.ReLU()(layers.Lambda(_clipped)(layers.Rescaling(2.0)(inputs)))
    model = cnnfast.Model(inputs, outputs)
    x = rng.normal(size=(40, 4)).astype(np.float32)
    expected = np.clip(2 * x, 0, 0.5)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(x), expected)


def test_a_function_takes_a_list(rng: np.random.Generator) -> None:
    one, two = cnnfast.Input((4,)), cnnfast.Input((3,))
    layer = layers.Lambda(_joined)
    model = cnnfast.Model([one, two], layer([one, two]))
    x, y = rng.normal(size=(2, 4)).astype(np.float32), rng.normal(size=(2, 3)).astype(np.float32)
    expected = np.concatenate([x, y], -1)
    np.testing.assert_array_equal(model.predict([x, y], verbose=0), expected)
    np.testing.assert_array_equal(layer([x, y]), expected)


def test_the_shape_follows_from_a_trial() -> None:
    tensor = cnnfast.Input((None, 8, 3))
    assert layers.Lambda(lambda x: x[:, :, ::2].mean(-1))(tensor).shape == (None, None, 4)
    assert layers.Lambda(lambda x: x.mean(1), output_shape=(8, 3))(tensor).shape == (None, 8, 3)


def test_a_function_that_fails_or_loses_the_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'broken'.*ZeroDivisionError"):
        layers.Lambda(lambda x: x / (1 // 0), name="broken")(cnnfast.Input((4,)))
    with pytest.raises(ValueError, match=r"'flat'.*same batch"):
        layers.Lambda(lambda x: x.sum(), name="flat")(cnnfast.Input((4,)))


class Halved(keras.layers.Layer):
    """A layer that only its author knows."""

    def call(self, x: Any) -> Any:
        return x / 2.0


def _config() -> Any:
    inputs = keras.Input((4,), name="x")
    x = Halved(name="first")(inputs)
    x = keras.layers.Lambda(lambda v: v + 1, name="second", output_shape=(4,))(x)
    model = keras.Model(inputs, keras.layers.ReLU(name="last")(x))
    return json.loads(model.to_json())


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_custom_objects_stand_in_by_name_of_layer_or_class(rng: np.random.Generator) -> None:
    custom = {"Halved": lambda x: x / 2, "second": lambda x: x + 1}
    model = layers.deserialize(_config(), custom)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(model(x), np.maximum(x / 2 + 1, 0), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_without_custom_objects_the_layer_is_named() -> None:
    with pytest.raises(UnsupportedError, match=r"'first'.*custom_objects=\{'Halved'"):
        layers.deserialize(_config())
    with pytest.raises(UnsupportedError, match=r"'second'.*never taken.*custom_objects=\{'second'"):
        layers.deserialize(_config(), {"Halved": _clipped})
