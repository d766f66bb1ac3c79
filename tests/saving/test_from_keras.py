"""`from_keras` makes a model of one that Keras holds in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError

keras = pytest.importorskip("keras")

TOLERANCE = 1e-5


def _sequential() -> Any:
    lay = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            lay.Conv2D(4, 3, activation="relu", trainable=False),
            lay.BatchNormalization(trainable=False),
            keras.Sequential([lay.Conv2D(4, 3), lay.BatchNormalization()]),
            lay.Flatten(),
            lay.Dense(3),
        ]
    )


def _recurrent() -> Any:
    lay = keras.layers
    return keras.Sequential(
        [
            keras.Input((5, 6)),
            lay.TimeDistributed(lay.Dense(4)),
            lay.Bidirectional(lay.LSTM(3, return_sequences=True)),
            lay.Bidirectional(lay.GRU(3)),
        ]
    )


def _functional() -> Any:
    lay = keras.layers
    inner = keras.Input((8, 8, 3))
    x = lay.BatchNormalization()(lay.Conv2D(4, 3)(inner))
    backbone = keras.Model(inner, lay.Add()([x, lay.Conv2D(4, 1)(x)]), name="backbone")
    backbone.trainable = False
    inputs = keras.Input((8, 8, 3))
    y = backbone(inputs) * 2.0 + 0.5
    y = lay.Concatenate()([y, backbone(keras.ops.flip(inputs, 1))])
    return keras.Model(inputs, lay.Dense(3)(lay.Flatten()(y)))


MODELS: dict[str, Callable[[], Any]] = {
    "sequential": _sequential,
    "recurrent": _recurrent,
    "functional": _functional,
}


@pytest.mark.parametrize("kind", MODELS)
def test_the_model_predicts_as_keras_does(kind: str, rng: np.random.Generator) -> None:
    theirs = MODELS[kind]()
    theirs.set_weights([rng.uniform(0.2, 1.0, w.shape) - 0.1 for w in theirs.get_weights()])
    ours = cnnfast.from_keras(theirs)
    x = rng.normal(size=(2, *theirs.input_shape[1:])).astype(np.float32)
    expected = theirs.predict(x, verbose=0)
    received = ours.predict(x, verbose=0)
    np.testing.assert_allclose(received, expected, atol=TOLERANCE * np.abs(expected).max())
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]


def test_later_changes_of_one_do_not_reach_the_other() -> None:
    theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    ours = cnnfast.from_keras(theirs)
    before = ours.get_weights()[0].copy()
    theirs.layers[0].kernel.assign(np.zeros((2, 2), np.float32))
    np.testing.assert_array_equal(ours.get_weights()[0], before)


def test_half_precision_weights_are_converted() -> None:
    for dtype in ("float16", "bfloat16"):
        theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype=dtype)])
        expected = np.asarray(theirs.layers[0].kernel).astype(np.float32)
        np.testing.assert_array_equal(cnnfast.from_keras(theirs).get_weights()[0], expected)


def test_the_model_is_compiled_as_keras_has_it(rng: np.random.Generator) -> None:
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert not cnnfast.from_keras(theirs).compiled
    theirs.compile("sgd", "mse", metrics=["mae"])
    assert not cnnfast.from_keras(theirs, compile=False).compiled
    x, y = rng.normal(size=(9, 3)).astype(np.float32), rng.normal(size=(9, 2)).astype(np.float32)
    expected = theirs.evaluate(x, y, verbose=0, return_dict=True)
    received = cnnfast.from_keras(theirs).evaluate(x, y, verbose=0, return_dict=True)
    assert received == pytest.approx(expected, rel=1e-5)


def test_a_model_that_is_not_built_is_refused() -> None:
    with pytest.raises(ValueError, match="not yet been built"):
        cnnfast.from_keras(keras.Sequential([keras.layers.Dense(2)]))


def test_unsupported_layers_are_named() -> None:
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x, name="mine")])
    with pytest.raises(UnsupportedError, match="'mine'"):
        cnnfast.from_keras(theirs)


def test_something_else_is_refused() -> None:
    for other in (None, "model.keras", np.zeros(3), cnnfast.Sequential):
        with pytest.raises(TypeError, match=r"Expected a Keras model. Received: "):
            cnnfast.from_keras(other)
