"""What users' layers compute in training, by Keras' rules: one source text, run under both."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError
from layers.own.both import with_imports_changed

SOURCE = """
import keras
from keras import layers, ops


class MonteCarloDropout(layers.Dropout):
    def call(self, inputs):
        return super().call(inputs, training=True)


class Normalized(layers.BatchNormalization):
    def call(self, x, training=None):
        return super().call(x, training)


class Unsaid(layers.BatchNormalization):
    def call(self, x, training=None):
        return super().call(x)


class TrainsByDefault(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.normalize = layers.BatchNormalization()

    def call(self, x, training=True):
        return self.normalize(x, training=training)


class Branches(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.normalize = layers.BatchNormalization()

    def call(self, x, training=None):
        return self.normalize(x, training=True) if training else 3 * self.normalize(x)


class Around(layers.Layer):
    def __init__(self, inside=None, **kwargs):
        super().__init__(**kwargs)
        self.inside = TrainsByDefault() if inside is None else inside

    def call(self, x):
        return self.inside(x)
"""
NAMES = ("Normalized", "Unsaid", "TrainsByDefault", "Branches", "Around")
SAID: tuple[dict[str, bool], ...] = ({}, {"training": True}, {"training": False})


@pytest.fixture(scope="module")
def both() -> tuple[ModuleType, ModuleType]:
    made = ModuleType("trained_by_keras"), ModuleType("trained_here")
    for module, text in zip(made, (SOURCE, with_imports_changed(SOURCE)), strict=True):
        exec(text, vars(module))
    return made


def stack(package: ModuleType, layer: Any) -> Any:
    return package.keras.Sequential([package.keras.Input((4,)), layer])


@pytest.mark.parametrize("said", SAID, ids=["nothing", "true", "false"])
@pytest.mark.parametrize("name", NAMES)
def test_what_a_call_says_of_training_means_what_it_does_in_keras(
    name: str, said: dict[str, bool], both: tuple[ModuleType, ModuleType], rng: np.random.Generator
) -> None:
    x = rng.normal(1, 3, size=(64, 4)).astype(np.float32)
    results = []
    for package in both:
        cls = getattr(package, name)
        # Each on its own: in Keras, a call in training changes the moving statistics.
        alone, inside, quiet = cls(), stack(package, cls()), stack(package, cls())
        results.append([alone(x, **said), inside(x, **said), quiet.predict(x, verbose=0)])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs), atol=2e-5)


def test_a_dropout_that_always_drops_does_so_in_predict(
    both: tuple[ModuleType, ModuleType],
) -> None:
    x = np.ones((50, 4), np.float32)
    for package in both:
        model = stack(package, package.MonteCarloDropout(0.5))
        for result in (model(x), model.predict(x, verbose=0), package.MonteCarloDropout(0.5)(x)):
            assert 0.3 < np.mean(np.asarray(result) == 0) < 0.7


def test_a_call_in_training_leaves_later_calls_as_they_are(
    both: tuple[ModuleType, ModuleType], rng: np.random.Generator
) -> None:
    x = rng.normal(1, 3, size=(64, 4)).astype(np.float32)
    layer = both[1].Branches()
    silent = layer(x)
    assert np.any(layer(x, training=True) != silent)
    np.testing.assert_array_equal(layer(x), silent)


class Constant(cnnfast.layers.Layer):
    """Adds what a layer makes of ones."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def call(self, x: Any) -> Any:
        return x + self.layer(np.ones((1, 4), np.float32))


def test_numbers_made_of_constants_in_training_are_kept_for_no_other_call() -> None:
    drop, x = cnnfast.layers.Dropout(0.5, seed=1), np.ones((2, 4), np.float32)
    outer = Constant(drop)
    with pytest.raises(UnsupportedError, match="must compute the same whenever its `call` runs"):
        outer(x, training=True)
    np.testing.assert_array_equal(outer(x), 2)
    np.testing.assert_array_equal(drop(np.ones((1, 4), np.float32)), 1)
