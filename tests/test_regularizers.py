"""What regularization adds to the loss that `evaluate` returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import Input, Sequential, layers, regularizers
from cnnfast.errors import UnsupportedError
from parity import keras


def test_evaluate_adds_the_penalties_on_weights_that_are_trainable(
    rng: np.random.Generator,
) -> None:
    kl = keras.layers
    frozen = kl.Dense(3, kernel_regularizer="l2", trainable=False)
    recurrent = kl.LSTM(3, recurrent_regularizer="l2", bias_regularizer=keras.regularizers.L1(0.3))
    backbone = keras.Sequential(
        [
            kl.SeparableConv1D(4, 2, depthwise_regularizer="l1", pointwise_regularizer="l2"),
            kl.BatchNormalization(
                beta_regularizer="l1", gamma_regularizer=keras.regularizers.L1L2(0.1)
            ),
        ]
    )
    theirs = keras.Sequential(
        [
            keras.Input((6, 2)),
            kl.Conv1D(4, 2, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)),
            backbone,
            kl.LayerNormalization(gamma_regularizer="l2"),
            kl.PReLU(alpha_regularizer="l1"),
            recurrent,
            frozen,
            kl.Dense(
                2, kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.7, "columns")
            ),
        ]
    )
    theirs.set_weights([rng.normal(0, 0.5, w.shape) ** 2 for w in theirs.get_weights()])
    theirs.compile(loss="mse", metrics=["mae"])
    x, y = rng.normal(size=(40, 6, 2)).astype("f4"), rng.normal(size=(40, 2)).astype("f4")
    ours = cnnfast.from_keras(theirs)
    expected = theirs.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), expected, rtol=1e-5)
    without = Sequential(ours.layers)
    without.trainable = False
    without.compile(loss="mse")
    assert without.evaluate(x, y, verbose=0) < expected[0] - 0.1


@pytest.mark.parametrize(
    "arguments", [{"factor": 0.4}, {"factor": 2.0, "mode": "columns"}], ids=["rows", "columns"]
)
def test_orthogonal_penalties_are_those_of_keras(
    arguments: dict[str, Any], rng: np.random.Generator
) -> None:
    x = rng.normal(size=(5, 4)).astype(np.float32)
    expected = keras.regularizers.OrthogonalRegularizer(**arguments)(
        keras.ops.convert_to_tensor(x)  # what Keras makes of an array has another shape
    )
    actual = regularizers.OrthogonalRegularizer(**arguments)(x)
    np.testing.assert_allclose(actual, float(expected), rtol=1e-5)


def test_a_penalty_on_an_output_is_refused_unless_it_is_zero() -> None:
    x, y = np.ones((1, 2), np.float32), np.ones((1, 2), np.float32)
    model = Sequential([Input((2,)), layers.ActivityRegularization(name="zero")])
    model.compile(loss="mse")
    assert model.evaluate(x, y, verbose=0) == 0.0
    model.add(layers.ActivityRegularization(l2=0.1, name="penalty"))
    with pytest.raises(UnsupportedError, match="layer 'penalty' with activity_regularizer=L1L2"):
        model.evaluate(x, y, verbose=0)


def test_a_penalty_of_an_unknown_class_is_refused_by_name() -> None:
    config = {"module": "my", "class_name": "Mine", "config": {}, "registered_name": "my>Mine"}
    model = Sequential([Input((2,)), layers.Dense(2, kernel_regularizer=config)])
    model.compile(loss="mse")
    with pytest.raises(UnsupportedError, match="regularizer 'Mine'"):
        model.evaluate(np.ones((1, 2)), np.ones((1, 2)), verbose=0)
