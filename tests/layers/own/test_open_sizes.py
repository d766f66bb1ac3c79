"""Layers whose `call` computes with a height and width that nobody knows yet."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from layers.own.both import with_imports_changed

SOURCE = """
import keras
from keras import layers, ops


class DepthToSpace(layers.Layer):
    def call(self, x):
        batch, height, width, channels = ops.shape(x)
        x = ops.reshape(x, [batch, height, width, 3, 3, channels // 9])
        x = ops.transpose(x, [0, 1, 3, 2, 4, 5])
        return ops.reshape(x, [batch, height * 3, width * 3, channels // 9])


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.widen, self.enlarge = layers.Conv2D(18, 3, padding="same"), DepthToSpace()

    def call(self, x):
        return self.enlarge(self.widen(x))


class Wrong(layers.Layer):
    def call(self, x):
        return ops.reshape(x, [ops.shape(x)[0], ops.shape(x)[1] * 2, ops.missing(x)])


inputs = keras.Input((None, None, 2))
model = keras.Model(inputs, layers.Conv2D(2, 2)(Net()(inputs)))
"""


def run(source: str) -> Any:
    made = ModuleType("made")
    exec(source, vars(made))
    return made


def test_call_may_compute_with_sizes_that_are_open_until_it_runs() -> None:
    theirs, ours = run(SOURCE).model, run(with_imports_changed(SOURCE)).model
    ours.set_weights(theirs.get_weights())
    assert ours.output_shape == theirs.output_shape
    for shape in ((4, 5, 2), (7, 3, 2)):
        x = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
        np.testing.assert_allclose(
            ours.predict(x, verbose=0), np.asarray(theirs(x)), rtol=1e-5, atol=1e-5
        )


def test_a_call_that_goes_wrong_for_all_sizes_says_so_of_those_that_are_open() -> None:
    wrong = run(with_imports_changed(SOURCE)).Wrong()
    with pytest.raises(TypeError, match=r"NoneType.*In `call` of layer 'wrong'"):
        wrong(cnnfast.Input((None, 4)))
    with pytest.raises(AttributeError, match="missing"):
        wrong(cnnfast.Input((3, 4)))


def test_what_keras_says_of_the_shape_is_what_is_said_here() -> None:
    assert run(SOURCE).Net()(keras.Input((None, 6, 2))).shape == (None, None, 18, 2)
    net = run(with_imports_changed(SOURCE)).Net()
    assert net(cnnfast.Input((None, 6, 2))).shape == (None, None, 18, 2)
