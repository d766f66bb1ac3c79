"""Penalties on outputs, as Keras' layers have them in `losses` after a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from layer_samples import SAMPLES
from parity import keras

X = np.arange(12, dtype=np.float32).reshape(3, 4) - 5


def _losses(k: Any) -> list[list[float]]:
    """Return the losses of layers before and after calls."""

    class Same(k.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    dense = k.layers.Dense(
        2, kernel_initializer="ones", kernel_regularizer="l2", activity_regularizer="l1"
    )
    made = [
        dense,
        k.layers.ActivityRegularization(l1=0.5, l2=0.25),
        k.layers.Embedding(9, 2, embeddings_initializer="ones", activity_regularizer="l1"),
        k.layers.Lambda(lambda x: x, activity_regularizer="l2"),
        Same(activity_regularizer="l1"),
    ]
    found = [layer.losses for layer in made]
    for layer in made:
        layer(abs(X))
        layer(abs(X[:2]))
        found.append(layer.losses)
    dense.activity_regularizer = None
    dense(X)
    return [[float(loss) for loss in one] for one in (*found, dense.losses)]


def test_losses_have_the_penalty_on_the_last_output() -> None:
    theirs, ours = _losses(keras), _losses(cnnfast)
    assert [len(one) for one in ours] == [len(one) for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    none = layers.ActivityRegularization(l1=None, l2=0.25)
    none(X)
    assert none.losses[0] == np.float32(0.25 * np.sum(X * X) / 3)


def test_a_penalty_on_the_output_stands_in_every_config(tmp_path: Path) -> None:
    own = {"CustomScaleLayer", "LayerScale", "StochasticDepth", "ThresholdedReLU", "RandomHeight"}
    own |= {"RandomWidth", "IntegerLookup", "RandomPosterization"}  # which Keras does not read,
    own |= {"Hashing", "HashedCrossing"}  # or only beside TensorFlow
    for name in sorted(SAMPLES.keys() - own):
        ours = SAMPLES[name].make()
        theirs = keras.saving.deserialize_keras_object(layers.serialize(ours))
        theirs.activity_regularizer = keras.regularizers.L2(0.5)
        ours.activity_regularizer = cnnfast.regularizers.L2(0.5)
        written = keras.saving.serialize_keras_object(theirs)["config"]
        assert ("activity_regularizer" in ours.get_config()) == (
            "activity_regularizer" in written
        ), name
    model = cnnfast.Sequential([cnnfast.Input((4,)), layers.Dense(2, activity_regularizer="l2")])
    model.save(tmp_path / "m.keras")
    for package in (keras, cnnfast):
        again = package.saving.load_model(tmp_path / "m.keras").layers[-1]
        assert type(again.activity_regularizer).__name__ == "L2"


def test_losses_that_come_from_inside_are_refused_by_name() -> None:
    class Adds(layers.Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(cnnfast.ops.sum(x))
            return x

    adds = Adds()
    adds(X)
    with pytest.raises(UnsupportedError, match="`add_loss` adds"):
        _ = adds.losses
    model = cnnfast.Sequential([layers.Dense(2, name="inner", activity_regularizer="l1")])
    model(X)
    with pytest.raises(UnsupportedError, match="layer 'inner' with activity_regularizer"):
        _ = model.losses

    class Mine(cnnfast.regularizers.Regularizer):
        def __call__(self, x: Any) -> Any:
            return np.sum(x)

        def get_config(self) -> dict[str, Any]:
            return {}

    model = cnnfast.Sequential([layers.Dense(2, name="inner", activity_regularizer=Mine())])
    model(X)
    with pytest.raises(UnsupportedError, match="layer 'inner'"):
        _ = model.losses
