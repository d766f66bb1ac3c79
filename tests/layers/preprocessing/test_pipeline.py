"""Layers one after the other, against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras, plain


def made(k: Any) -> Any:
    return k.layers.Pipeline(
        [
            k.layers.Rescaling(0.5),
            k.layers.RandomFlip(),
            k.layers.Conv2D(3, 2, activation="relu"),
            k.layers.BatchNormalization(),
            k.layers.Dropout(0.5),
        ]
    )


def test_files_go_both_ways(tmp_path: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    inputs = keras.Input((5, 6, 3))
    theirs = keras.Model(inputs, keras.layers.Flatten()(made(keras)(inputs)))
    theirs.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in theirs.get_weights()])
    expected = theirs.predict(x, verbose=0)
    theirs.save(tmp_path / "theirs.keras")
    for ours in (
        cnnfast.saving.load_model(tmp_path / "theirs.keras"),
        cnnfast.from_keras(theirs),
    ):
        np.testing.assert_allclose(ours.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
        assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
        ours.save(tmp_path / "ours.keras")
        again = keras.saving.load_model(tmp_path / "ours.keras")
        np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_the_config_is_that_of_keras() -> None:
    keras.backend.clear_session()
    cnnfast.backend.clear_session()
    theirs, ours = made(keras), made(cnnfast)
    assert plain(layers.serialize(ours)) == plain(keras.saving.serialize_keras_object(theirs))
    assert [type(layer).__name__ for layer in ours.layers] == [
        type(layer).__name__ for layer in theirs.layers
    ]


def test_a_call_that_says_nothing_is_one_in_training(rng: np.random.Generator) -> None:
    x = rng.normal(3, 2, size=(8, 4)).astype(np.float32)
    theirs, ours = (k.layers.Pipeline([k.layers.BatchNormalization()]) for k in (keras, cnnfast))
    for said in ({}, {"training": True}):
        expected = np.asarray(theirs(x, **said))
        np.testing.assert_allclose(ours(x, **said), expected, atol=1e-5)
    still = cnnfast.layers.Pipeline([cnnfast.layers.BatchNormalization()])
    np.testing.assert_allclose(still(x, training=False), x / np.sqrt(1.001), rtol=1e-5)


def test_random_changes_are_refused_where_a_call_says_nothing() -> None:
    x = np.ones((1, 4, 4, 3), np.float32)
    layer = layers.Pipeline([layers.RandomFlip(), layers.Rescaling(2.0)])
    np.testing.assert_array_equal(layer(x, training=False), 2 * x)
    with pytest.raises(UnsupportedError, match=r"in training"):
        layer(x)


def test_what_is_no_layer_is_refused() -> None:
    for wrong in ([], ["Dense"], [layers.ReLU(), None]):
        with pytest.raises(ValueError, match=r"made of layers.*Received: "):
            layers.Pipeline(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must contain a `layers` key"):
        layers.Pipeline.from_config({"name": "p"})
