"""`from_keras` of recurrent layers over cells of the user's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError
from layers.rnn.own import cells
from layers.rnn.packages import assert_same, numbers
from parity import keras

X = numbers(3, 5, 3)
NAMES = pytest.mark.parametrize("name", ["Plain", "Starting", "Two", "Doubled"])


def _model(layer: Any, shape: tuple[int | None, ...] = (5, 3), **kwargs: Any) -> Any:
    x = keras.layers.Input(shape, **kwargs)
    return keras.Model(x, keras.layers.Dense(2)(layer(x)))


def _drawn(model: Any, tmp_path: Any) -> None:
    expected = model(X)
    ours = cnnfast.from_keras(model)
    assert_same(ours(X), expected)
    ours.save(tmp_path / "plain.keras")  # without the classes
    assert_same(cnnfast.load_model(tmp_path / "plain.keras")(X[:1]), np.asarray(expected)[:1])


@NAMES
@pytest.mark.parametrize("backwards", [False, True])
def test_a_cell(name: str, backwards: bool, tmp_path: Any) -> None:
    cell = cells(keras)[name](4)
    layer = keras.layers.RNN(cell, go_backwards=backwards, return_sequences=True)
    _drawn(_model(layer), tmp_path)


@NAMES
def test_a_cell_among_others(name: str, tmp_path: Any) -> None:
    stack = [keras.layers.GRUCell(3), cells(keras)[name](4), keras.layers.LSTMCell(2)]
    _drawn(_model(keras.layers.RNN(stack)), tmp_path)


def test_both_ways(tmp_path: Any) -> None:
    own = cells(keras)
    with keras.saving.custom_object_scope(own):
        layer = keras.layers.Bidirectional(keras.layers.RNN(own["Plain"](4)))
    _drawn(_model(layer), tmp_path)


def test_a_class_that_is_handed_over() -> None:
    model = _model(keras.layers.RNN(cells(keras)["Plain"](4)))
    own = {"Plain": cells(cnnfast)["Plain"]}
    assert_same(cnnfast.from_keras(model, custom_objects=own)(X), model(X))


@pytest.mark.parametrize(
    "model",
    [
        lambda: _model(keras.layers.RNN(cells(keras)["Plain"](4)), (None, 3)),
        lambda: _model(
            keras.layers.RNN(cells(keras)["Plain"](4), stateful=True),
            None,
            batch_shape=(3, 5, 3),
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(model: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"drawn step by step"):
        cnnfast.from_keras(model())
