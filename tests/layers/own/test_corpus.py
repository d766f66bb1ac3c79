"""Layers and models as users write them: one source text, run under Keras and run here."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from layers.own.both import Pair, arrays_of, assert_close, cases, classes, first, make_pair

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


def parameters() -> Iterator[Any]:
    for kind, name in cases():
        yield pytest.param((kind, name), id=name)


@pytest.fixture(scope="module", params=parameters())
def pair(request: pytest.FixtureRequest) -> Pair:
    return make_pair(*request.param)


def test_the_same_code_gives_the_numbers_of_keras(pair: Pair) -> None:
    for index, images in enumerate(pair.images):
        pair.judge(pair.ours.predict(images, verbose=0), index)
        pair.judge(pair.ours(images), index)


def test_weights_are_those_of_keras_in_their_order(pair: Pair) -> None:
    def described(model: Any) -> list[Any]:
        return [(w.name, tuple(w.shape), w.trainable) for w in model.weights]

    assert described(pair.ours) == described(pair.theirs)
    assert [w.path for w in pair.ours.weights] == [w.path for w in pair.theirs.weights]
    assert pair.ours.count_params() == pair.theirs.count_params()
    assert [x.name for x in pair.ours.layers] == [x.name for x in pair.theirs.layers]


def test_neither_batch_nor_threads_change_a_bit(pair: Pair) -> None:
    images = pair.images[0]
    alone, one, two = (
        cnnfast.utils.tree.flatten(pair.ours.predict(x, verbose=0, threads=threads))
        for x, threads in ((first(images), 1), (images, 1), (images, 2))
    )
    for image, batch, shared in zip(alone, one, two, strict=True):
        np.testing.assert_array_equal(batch, shared)
        np.testing.assert_array_equal(image, batch[:1])


def test_a_file_of_keras_gives_its_numbers(pair: Pair, tmp_path: Path) -> None:
    custom_objects = classes(pair.kind, "cnnfast")
    for ending in endings(pair):
        path = tmp_path / f"model{ending}"
        pair.theirs.save(path)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Nothing in the model goes by these names")
            loaded = cnnfast.saving.load_model(path, custom_objects=custom_objects)
        pair.judge(loaded.predict(pair.images[0], verbose=0))


def test_weights_of_keras_load(pair: Pair, tmp_path: Path) -> None:
    pair.theirs.save_weights(tmp_path / "a.weights.h5")
    before = pair.ours.get_weights()
    pair.ours.set_weights([0 * w for w in before])
    pair.ours.load_weights(tmp_path / "a.weights.h5")
    for own, theirs in zip(pair.ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, theirs)


def test_keras_loads_what_is_saved_here(pair: Pair, tmp_path: Path) -> None:
    for ending in endings(pair):
        path = tmp_path / f"model{ending}"
        pair.ours.save(path)
        loaded = keras.saving.load_model(path, custom_objects=classes(pair.kind, "keras"))
        assert_same_model(loaded, pair.theirs)
    pair.ours.save_weights(tmp_path / "a.weights.h5")
    before = pair.theirs.get_weights()
    pair.theirs.set_weights([0 * w for w in before])
    pair.theirs.load_weights(tmp_path / "a.weights.h5")
    for own, ours in zip(pair.theirs.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, ours)


def test_copies_and_pickles_give_the_same(pair: Pair) -> None:
    images = first(pair.images[0], 2)
    expected = arrays_of(pair.ours.predict(images, verbose=0))
    for twin in (pickle.loads(pickle.dumps(pair.ours)), copy.deepcopy(pair.ours)):
        assert_close(twin.predict(images, verbose=0), expected, 0.0)


def endings(pair: Pair) -> list[str]:
    """Return the endings of whole models that Keras can save: the older is for graphs alone."""
    drawn = isinstance(pair.theirs, keras.Sequential) or type(pair.theirs).__name__ == "Functional"
    return [".keras", ".h5"] if drawn else [".keras"]


def assert_same_model(one: Any, other: Any) -> None:
    """Say whether two models of Keras have the same classes, arguments and weights."""
    assert type(one).__name__ == type(other).__name__
    configs = [arguments_of(model.get_config()) | {"name": None} for model in (one, other)]
    assert configs[0] == configs[1]
    for weight, twin in zip(one.weights, other.weights, strict=True):
        assert weight.name == twin.name or weight.name.startswith("variable")  # counted
        np.testing.assert_array_equal(weight, twin)


def arguments_of(config: Any) -> Any:
    """Return `config` as a file has it, without the shapes that layers were built for."""
    if isinstance(config, dict):
        kept = {key: arguments_of(item) for key, item in config.items() if key != "build_config"}
        return {key: kept[key] for key in sorted(kept)}
    if isinstance(config, list | tuple):
        return [arguments_of(item) for item in config]
    return config
