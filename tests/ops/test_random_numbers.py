"""Random numbers that a layer's `call` draws for each image, as Keras' examples do."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers, ops
from cnnfast.errors import UnsupportedError
from layers.own.both import with_imports_changed

SOURCE = """
import keras
from keras import layers, ops


class Sampling(layers.Layer):
    def __init__(self, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed

    def call(self, inputs):
        mean, log_variance = inputs
        shape = (ops.shape(mean)[0], ops.shape(mean)[1])
        drawn = keras.random.normal(shape=shape, seed=self.seed)
        return mean + ops.exp(0.5 * log_variance) * drawn


class Varied(layers.Layer):
    def call(self, x):
        first, seeds = (ops.shape(x)[0],), keras.random.SeedGenerator(1)
        between = keras.random.uniform((*first, 500), -3, 5, seed=self.seeds)
        whole = keras.random.randint((*first, 500), 2, 6, seed=self.seeds)
        near = keras.random.truncated_normal((*first, 500), 1.0, 2.0, seed=self.seeds)
        kept = keras.random.dropout(ops.ones((*first, 500)), 0.25, seed=self.seeds)
        return ops.stack([between, ops.cast(whole, "float32"), near, kept], axis=1)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(2)


class DropPath(layers.Layer):
    def call(self, x, training=True):
        if training:
            shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
            x = x / 0.5 * ops.floor(0.5 + keras.random.uniform(shape, 0, 1))
        return x
"""


def run(source: str) -> Any:
    made = ModuleType("made")
    exec(source, vars(made))
    return made


THEIRS, OURS = run(SOURCE), run(with_imports_changed(SOURCE))


def encoder(seed: Any) -> cnnfast.Model:
    x = cnnfast.Input((4,))
    mean, log_variance = x[:, :3] * 2.0, ops.full_like(x[:, :3], np.log(9.0))
    return cnnfast.Model(x, OURS.Sampling(seed)([mean, log_variance]))


def test_a_sampling_layer_draws_for_each_image_of_each_batch() -> None:
    x = np.ones((4000, 4), np.float32)
    model = encoder(cnnfast.random.SeedGenerator(5))
    first, second = (model.predict(x, batch_size=2000, verbose=0) for _ in range(2))
    assert first.shape == (4000, 3)
    assert len(np.unique([first, second])) > 23_000
    assert abs(first.mean() - 2.0) < 0.1
    assert abs(first.std() - 3.0) < 0.1
    again = encoder(cnnfast.random.SeedGenerator(5))
    np.testing.assert_array_equal(again.predict(x, batch_size=2000, verbose=0), first)
    # An integer gives the same numbers each time, as in Keras.
    fixed = encoder(5)
    np.testing.assert_array_equal(fixed(x[:7]), fixed.predict(x[:7], verbose=0))
    unseeded = encoder(None)
    assert (np.asarray(unseeded(x[:7])) != np.asarray(unseeded(x[:7]))).any()


def test_what_is_drawn_is_distributed_as_in_keras() -> None:
    x = np.zeros((40, 2), np.float32)
    ours, theirs = np.asarray(OURS.Varied()(x)), np.asarray(THEIRS.Varied()(x))
    assert ours.shape == theirs.shape == (40, 4, 500)
    for drawn, expected in zip(ours.swapaxes(0, 1), theirs.swapaxes(0, 1), strict=True):
        for measure in (np.mean, np.std):
            assert abs(measure(drawn) - measure(expected)) < 0.1
        for level in (0, 50, 100):
            assert abs(np.percentile(drawn, level) - np.percentile(expected, level)) < 0.2
    assert set(np.unique(ours[:, 1])) == {2.0, 3.0, 4.0, 5.0}


def test_a_layer_that_drops_in_training_by_default_predicts_as_it_is() -> None:
    model = cnnfast.Sequential([cnnfast.Input((2, 3)), OURS.DropPath()])
    x = np.ones((64, 2, 3), np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    dropped = np.asarray(model(x, training=True))
    assert {0.0, 2.0} == set(np.unique(dropped))
    assert (dropped == dropped[:, :1, :1]).all()


def test_random_numbers_have_a_batch_and_a_call_around_them() -> None:
    x = cnnfast.Input((4,))
    with pytest.raises(UnsupportedError, match="where a layer's `call` asks for them"):
        cnnfast.random.normal((ops.shape(x)[0], 2))
    with pytest.raises(UnsupportedError, match="where a layer's `call` asks for them"):
        cnnfast.random.dropout(x, 0.5)

    class Moved(layers.Layer):
        def call(self, x: Any) -> Any:
            return x + cnnfast.random.normal((4, ops.shape(x)[0]))

    with pytest.raises(UnsupportedError, match="batch"):
        Moved()(x)

    class NewEachTime(layers.Layer):
        def call(self, x: Any) -> Any:
            seed = cnnfast.random.SeedGenerator(1)
            return x + cnnfast.random.normal((ops.shape(x)[0], 4), seed=seed)

    with pytest.raises(UnsupportedError, match="two runs of `call` that differ"):
        NewEachTime()(x)
