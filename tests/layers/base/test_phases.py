"""Calls that say ``training=True``, as Keras computes them; random layers by their distribution."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError

RANDOM: dict[str, tuple[Any, ...]] = {
    "AlphaDropout": (0.3,),
    "Dropout": (0.3,),
    "GaussianDropout": (0.3,),
    "GaussianNoise": (0.4,),
    "SpatialDropout2D": (0.3,),
}


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.5, 1.5, size=(40, 12, 12, 16)).astype(np.float32)


@pytest.mark.parametrize("name", RANDOM)
def test_a_random_layer_has_the_distribution_of_keras(name: str, images: np.ndarray) -> None:
    ours = getattr(layers, name)(*RANDOM[name], seed=1)(images, training=True)
    theirs = np.asarray(getattr(keras.layers, name)(*RANDOM[name], seed=1)(images, training=True))
    for statistic in (np.mean, np.std, lambda x: np.mean(x == 0)):
        assert abs(statistic(ours) - statistic(theirs)) < 0.04
    np.testing.assert_array_equal(getattr(layers, name)(*RANDOM[name])(images), images)


@pytest.mark.parametrize("name", RANDOM)
def test_one_seed_gives_one_sequence_of_numbers(name: str, images: np.ndarray) -> None:
    first, second = (getattr(layers, name)(*RANDOM[name], seed=7) for _ in range(2))
    drawn = [layer(images, training=True) for layer in (first, first, second, second)]
    np.testing.assert_array_equal(drawn[0], drawn[2])
    np.testing.assert_array_equal(drawn[1], drawn[3])
    assert np.any(drawn[0] != drawn[1])
    other = getattr(layers, name)(*RANDOM[name], seed=8)(images, training=True)
    assert np.any(other != drawn[0])


def test_a_spatial_dropout_drops_whole_channels(images: np.ndarray) -> None:
    dropped = layers.SpatialDropout2D(0.5, seed=1)(images, training=True) == 0
    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1, :1], dropped.shape))
    noise = layers.Dropout(0.5, noise_shape=(None, 1, 12, 1), seed=1)(images, training=True) == 0
    np.testing.assert_array_equal(noise, np.broadcast_to(noise[:, :1, :, :1], noise.shape))


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("center", [True, False])
def test_batch_normalization_takes_the_statistics_of_the_batch(
    axis: int, center: bool, images: np.ndarray, rng: np.random.Generator
) -> None:
    theirs = keras.layers.BatchNormalization(axis=axis, center=center, scale=center)
    ours = layers.BatchNormalization(axis=axis, center=center, scale=center)
    for layer in (theirs, ours):
        layer.build(images.shape)
    weights = [rng.uniform(0.5, 1.5, size=w.shape) for w in ours.weights]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    expected = np.asarray(theirs(images, training=True))
    np.testing.assert_allclose(ours(images, training=True), expected, atol=2e-5)
    for weight, array in zip(ours.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, array.astype(np.float32))


def test_a_frozen_batch_normalization_takes_its_own_statistics_in_training(
    images: np.ndarray, rng: np.random.Generator
) -> None:
    def network(k: Any) -> Any:
        made = k.Sequential([k.Input((12, 12, 16)), k.layers.BatchNormalization(renorm=False)])
        made.add(k.layers.BatchNormalization(renorm=True, trainable=False))
        return made

    theirs, ours = network(keras), network(cnnfast)
    weights = [rng.uniform(0.5, 1.5, size=w.shape) for w in theirs.weights]
    for trainable in (True, False, True):
        for model in (theirs, ours):
            model.layers[0].trainable = trainable
            model.set_weights(weights)
        expected = np.asarray(theirs(images, training=True))
        np.testing.assert_allclose(ours(images, training=True), expected, atol=2e-5)
        theirs.set_weights(weights)  # which its call in training has moved
        got = [model.layers[0](images, training=True) for model in (theirs, ours)]
        np.testing.assert_allclose(got[1], np.asarray(got[0]), atol=2e-5)


def test_a_deviation_starts_from_the_root_of_the_variance() -> None:
    made = []
    for k in (keras, cnnfast):
        layer = k.layers.BatchNormalization(renorm=True, moving_variance_initializer="ones")
        layer.moving_variance_initializer = k.initializers.Constant(4.0)
        layer.build((None, 3))
        made.append([np.asarray(getattr(layer, n)) for n in ("moving_stddev", "renorm_stddev")])
    np.testing.assert_array_equal(made[1], made[0])
    assert made[1][0][0] == 2.0
    with pytest.raises(ValueError, match="`renorm_clipping`"):
        layers.BatchNormalization(renorm=True, renorm_clipping={"rmix": 1.0})


def test_what_a_call_of_a_model_says_reaches_the_layers_inside(images: np.ndarray) -> None:
    inner = cnnfast.Sequential([cnnfast.Input((12, 12, 16)), layers.Dropout(0.5, seed=1)])
    x = cnnfast.Input((12, 12, 16))
    model = cnnfast.Model(x, layers.Activation("relu")(inner(x)))
    assert 0.45 < np.mean(model(images, training=True) == 0) < 0.55
    for silent in (model(images), model(images, training=False), model.predict(images, verbose=0)):
        np.testing.assert_array_equal(silent, images)


def test_what_computes_something_else_in_training_is_refused(images: np.ndarray) -> None:
    sequence = images.reshape(40, 144, 16)
    for layer, x in (
        (layers.LSTM(3, dropout=0.2), sequence),
        (layers.SpectralNormalization(layers.Conv2D(2, 1)), images),
        (layers.TimeDistributed(layers.Dropout(0.5)), sequence),
        (layers.BatchNormalization(renorm=True), images),
    ):
        with pytest.raises(UnsupportedError, match=r"in training.*Received: training=True"):
            layer(x, training=True)
        assert np.isfinite(layer(x)).all()
    assert layers.LSTM(3)(sequence, training=True).shape == (40, 3)


def test_random_changes_to_images_are_refused_in_training(images: np.ndarray) -> None:
    x = images[..., :3]
    made = [layers.RandomFlip(), layers.RandomContrast(0.5), layers.MixUp(), layers.RandomErasing()]
    for layer in made:
        inputs = cnnfast.Input(x.shape[1:])
        model = cnnfast.Model(inputs, layer(inputs))
        for called in (layer, model, cnnfast.Sequential([cnnfast.Input(x.shape[1:]), layer])):
            with pytest.raises(UnsupportedError, match=r"in training.*Received: training=True"):
                called(x, training=True)
            np.testing.assert_array_equal(called(x, training=False), x)
        np.testing.assert_array_equal(model.predict(x, verbose=0), x)


def test_random_layers_are_copied_and_pickled(images: np.ndarray) -> None:
    layer = layers.Dropout(0.5, seed=1)
    first = layer(images, training=True)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin(images, training=True), first)


class Sampled(layers.Layer):
    """Is random at inference, too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drop = layers.Dropout(0.5, seed=3)

    def call(self, x: Any) -> Any:
        return self.drop(x, training=True)


class Dropped(Sampled):
    def call(self, x: Any, training: bool = False) -> Any:
        return self.drop(x, training=training)


class Silent(Sampled):
    def call(self, x: Any) -> Any:
        return self.drop(x)


def test_what_a_layer_of_ones_own_says_holds_for_the_layers_inside(images: np.ndarray) -> None:
    for cls, at_inference, in_training in (
        (Sampled, 0.5, 0.5),
        (Dropped, 0.0, 0.5),
        (Silent, 0.0, 0.5),
    ):
        model = cnnfast.Sequential([cnnfast.Input((12, 12, 16)), cls()])
        assert abs(np.mean(model.predict(images, verbose=0) == 0) - at_inference) < 0.05
        assert abs(np.mean(model(images, training=True) == 0) - in_training) < 0.05
        assert abs(np.mean(cls()(images) == 0) - at_inference) < 0.05
        assert abs(np.mean(cls()(images, training=True) == 0) - in_training) < 0.05


def test_the_defaults_of_training_are_those_of_keras() -> None:
    for name in dir(keras.layers):
        theirs, ours = (getattr(package.layers, name, None) for package in (keras, cnnfast))
        if ours is None or not isinstance(theirs, type) or not hasattr(theirs, "call"):
            continue
        taken = inspect.signature(theirs.call).parameters.get("training")
        default = None if taken is None or taken.default is taken.empty else taken.default
        assert ours.training_default == default, name


def roads(package: Any, layer: Any, behind: Any) -> Iterator[tuple[str, Any]]:
    """Yield each way to a layer that others are called behind."""

    class Own(package.layers.Layer):  # type: ignore[misc]  # of either package
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.first, self.second = layer(), behind()

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

    class Asked(Own):
        def call(self, x: Any, training: Any = None) -> Any:
            return self.second(self.first(x, training=training), training=training)

    class Default(Own):
        def call(self, x: Any, training: Any = False) -> Any:
            return self.second(self.first(x))

    class Quiet(Own):
        def call(self, x: Any) -> Any:
            return self.second(self.first(x, training=False))

    def drawn(*made: Any, **said: Any) -> Any:
        tensor = begin = package.Input((6, 6, 3))
        for number, each in enumerate(made):
            tensor = each(tensor, **({} if number else said))
        return package.Model(begin, tensor)

    for own in (Own, Asked, Default, Quiet):
        yield own.__name__, own()
        yield f"a model of {own.__name__}", drawn(own())
    yield "a new stack", package.Sequential([layer(), behind()])
    yield "a stack", package.Sequential([package.Input((6, 6, 3)), layer(), behind()])
    yield "a graph", drawn(layer(), behind())
    yield "drawn True", drawn(layer(), behind(), training=True)
    yield "drawn False", drawn(layer(), behind(), training=False)
    yield "drawn None", drawn(layer(), behind(), training=None)
    yield "nested", drawn(drawn(layer()), package.Sequential([behind()]))
    yield "dropout between", drawn(layer(), package.layers.Dropout(0.0), behind())
    yield "pipeline", package.layers.Pipeline([layer(), behind()])
    yield "behind a pipeline", drawn(package.layers.Pipeline([layer()]), behind())


@pytest.mark.parametrize("said", [{}, {"training": None}, {"training": True}, {"training": False}])
def test_what_a_layer_of_images_trains_by_default_is_what_keras_does(
    said: dict[str, Any], rng: np.random.Generator
) -> None:
    x = rng.normal(2, 3, size=(16, 6, 6, 3)).astype(np.float32)
    pairs = [
        list(roads(p, lambda p=p: p.layers.CenterCrop(4, 4), p.layers.BatchNormalization))
        for p in (keras, cnnfast)
    ]
    for (road, theirs), (_, ours) in zip(*pairs, strict=True):
        if hasattr(ours, "predict"):
            expected = x[:, 1:5, 1:5] / np.sqrt(1.001)
            np.testing.assert_allclose(ours.predict(x), expected, atol=2e-5, err_msg=road)
        expected = np.asarray(theirs(x, **said))
        for _ in range(2):
            np.testing.assert_allclose(ours(x, **said), expected, atol=2e-5, err_msg=road)


def test_predict_says_nothing_to_a_call_without_training() -> None:
    x = np.random.default_rng(0).normal(size=(16, 6, 6, 3)).astype(np.float32)

    def network(package: Any, hears: bool) -> Any:
        class Net(package.Model):
            def __init__(self) -> None:
                super().__init__()
                self.flip = package.layers.RandomFlip()

        class Deaf(Net):
            def call(self, x: Any) -> Any:
                return self.flip(x)

        class Hearing(Net):
            def call(self, x: Any, training: Any = None) -> Any:
                return self.flip(x, training=training)

        return Hearing() if hears else Deaf()

    assert not np.array_equal(network(keras, hears=False).predict(x, verbose=0), x)
    with pytest.raises(UnsupportedError, match="a `call` of yours that takes `training`"):
        network(cnnfast, hears=False).predict(x, verbose=0)
    for package in (keras, cnnfast):
        made = network(package, hears=True).predict(x, verbose=0)
        np.testing.assert_array_equal(made, x)


def test_random_changes_that_keras_makes_are_refused_on_every_road(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(16, 6, 6, 3)).astype(np.float32)
    pairs = [
        [*roads(p, p.layers.RandomFlip, p.layers.ReLU), ("alone", p.layers.RandomFlip())]
        for p in (keras, cnnfast)
    ]
    changed = set()
    for (road, theirs), (_, ours) in zip(*pairs, strict=True):
        still = np.maximum(x, 0) if road != "alone" else x
        for said in ({}, {"training": None}, {"training": False}):
            # Of 16 images, all stay as they are once in four billion times.
            if np.array_equal(np.asarray(theirs(x, **said)), still):
                np.testing.assert_array_equal(ours(x, **said), still, err_msg=road)
                continue
            changed.add(road)
            with pytest.raises(UnsupportedError, match="Say `training=False`, or use `predict`"):
                ours(x, **said)
        if hasattr(ours, "predict"):
            np.testing.assert_array_equal(ours.predict(x), still, err_msg=road)
    assert {"alone", "Own", "a model of Own", "a stack", "a graph", "nested", "pipeline"} <= changed
    assert changed.isdisjoint({"Asked", "Quiet"})
    dict(pairs[0])["a stack"].save(tmp_path / "flips.keras")
    loaded = cnnfast.saving.load_model(tmp_path / "flips.keras")
    np.testing.assert_array_equal(loaded(x, training=False), np.maximum(x, 0))
    for model in (loaded, cnnfast.from_keras(dict(pairs[0])["a model of Own"])):
        np.testing.assert_array_equal(model.predict(x), np.maximum(x, 0))
        with pytest.raises(UnsupportedError, match="Say `training=False`"):
            model(x)


class Flipped(layers.RandomFlip):
    """Calls the layer of Keras that it is made from, which flips where nothing is said."""

    def call(self, x: Any) -> Any:
        return super().call(x) + 0


def test_a_class_made_from_a_random_layer_keeps_its_default(images: np.ndarray) -> None:
    for layer in (Flipped(), cnnfast.Sequential([Flipped()])):
        with pytest.raises(UnsupportedError, match="Say `training=False`"):
            layer(images[..., :3])


class Unasked(Silent):
    """Lets one layer drop nothing, and others come after it."""

    def call(self, x: Any) -> Any:
        return self.drop(self.drop(x, training=False))


def test_what_one_layer_is_told_holds_for_those_after_it(images: np.ndarray) -> None:
    layer = Unasked()
    for _ in range(2):
        np.testing.assert_array_equal(layer(images, training=True), images)
