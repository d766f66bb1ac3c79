"""Calls of the user's layers in a live model: what a model without their classes cannot say."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError


def classes(package: ModuleType) -> tuple[type, type]:
    """Return two classes of the user's: one that trains inside, one that adds losses."""

    class Trains(package.layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.normalize = package.layers.BatchNormalization()

        def call(self, x: Any) -> Any:
            return self.normalize(x, training=True)

    class Loses(package.layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.dense = package.layers.Dense(3)

        def call(self, x: Any) -> Any:
            self.add_loss(package.ops.mean(x))
            return self.dense(x)

    return Trains, Loses


def test_a_call_in_training_is_refused_and_the_class_handed_over_runs(
    rng: np.random.Generator,
) -> None:
    x = rng.normal(2, 3, (8, 4)).astype(np.float32)
    image = keras.Input((4,))
    model = keras.Model(image, classes(keras)[0]()(image))
    with pytest.raises(UnsupportedError, match=r"BatchNormalization.*training.*custom_objects"):
        cnnfast.from_keras(model)
    ours = cnnfast.from_keras(model, custom_objects={"Trains": classes(cnnfast)[0]})
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, atol=1e-5)


def test_what_a_functional_model_was_drawn_with_does_not_count_in_predict() -> None:
    image = keras.Input((4,))
    model = keras.Model(image, classes(keras)[1]()(keras.layers.Dropout(0.5)(image, training=True)))
    x = np.ones((8, 4), np.float32)
    ours = cnnfast.from_keras(model).predict(x, verbose=0)
    np.testing.assert_allclose(ours, model.predict(x, verbose=0), atol=1e-5)


def test_losses_that_a_call_adds_are_left_to_training_and_still_added_by_keras() -> None:
    image = keras.Input((4,))
    layer = classes(keras)[1]()
    model = keras.Model(image, layer(image))
    x = np.ones((2, 4), np.float32)
    ours = cnnfast.from_keras(model).predict(x, verbose=0)
    np.testing.assert_allclose(ours, model.predict(x, verbose=0), atol=1e-5)
    model(x)
    assert len(layer.losses) == 1


def test_an_operation_that_keras_cannot_write_is_refused_by_name() -> None:
    class Loops(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return keras.ops.fori_loop(0, 3, lambda _, y: y * 2, x)

    image = keras.Input((4,))
    with pytest.raises(UnsupportedError, match=r"ForiLoop.*without a configuration"):
        cnnfast.from_keras(keras.Model(image, Loops()(image)))


def test_activations_called_in_a_call_are_drawn(rng: np.random.Generator) -> None:
    class Own(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.activation = keras.activations.get("relu")

        def call(self, x: Any) -> Any:
            y = keras.activations.relu(x, negative_slope=0.1, max_value=0.8, threshold=0.05)
            return keras.ops.concatenate([self.activation(x), y, keras.activations.gelu(x)], -1)

    image = keras.Input((4,))
    model = keras.Model(image, Own()(image))
    x = rng.normal(size=(8, 4)).astype(np.float32)
    ours = cnnfast.from_keras(model).predict(x, verbose=0)
    np.testing.assert_allclose(ours, model.predict(x, verbose=0), atol=1e-5)


def test_an_operation_as_an_activation_is_not_the_activation_of_its_name() -> None:
    class Own(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inside = keras.layers.Dense(4, activation=keras.ops.gelu)

        def call(self, x: Any) -> Any:
            return self.inside(x) * 1.0

    inputs = keras.Input((8,))
    x = keras.layers.Dense(8, activation=keras.ops.gelu)(Own()(inputs))
    model = keras.Model(inputs, keras.layers.Activation(keras.ops.gelu)(x))
    images = np.random.default_rng(0).normal(0, 2, (64, 8)).astype(np.float32)
    expected = np.asarray(model(images))
    made = cnnfast.from_keras(model).predict(images, verbose=0)
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=2e-6)
