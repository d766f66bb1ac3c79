"""A user's functions of NumPy arrays, as layers and in place of what a file cannot hold."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras


def _clipped(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -0.5, 0.5)


def _joined(xs: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(xs, axis=-1)


def test_a_function_runs_between_layers(rng: np.random.Generator) -> None:
    inputs = cnnfast.Input((4,))
    outputs = layers.ReLU()(layers.Lambda(_clipped)(layers.Rescaling(2.0)(inputs)))
    model = cnnfast.Model(inputs, outputs)
    x = rng.normal(size=(40, 4)).astype(np.float32)
    expected = np.clip(2 * x, 0, 0.5)
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(x), expected)


def test_a_function_takes_a_list(rng: np.random.Generator) -> None:
    one, two = cnnfast.Input((4,)), cnnfast.Input((3,))
    layer = layers.Lambda(_joined)
    model = cnnfast.Model([one, two], layer([one, two]))
    x, y = rng.normal(size=(2, 4)).astype(np.float32), rng.normal(size=(2, 3)).astype(np.float32)
    expected = np.concatenate([x, y], -1)
    np.testing.assert_array_equal(model.predict([x, y], verbose=0), expected)
    np.testing.assert_array_equal(layer([x, y]), expected)


def test_the_shape_follows_from_a_trial() -> None:
    tensor = cnnfast.Input((None, 8, 3))
    assert layers.Lambda(lambda x: x[:, :, ::2].mean(-1))(tensor).shape == (None, None, 4)
    assert layers.Lambda(lambda x: x.mean(1), output_shape=(8, 3))(tensor).shape == (None, 8, 3)


def test_a_function_that_fails_or_loses_the_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'broken'.*ZeroDivisionError"):
        layers.Lambda(lambda x: x / (1 // 0), name="broken")(cnnfast.Input((4,)))
    with pytest.raises(ValueError, match=r"'flat'.*same batch"):
        layers.Lambda(lambda x: x.sum(), name="flat")(cnnfast.Input((4,)))


def _split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x[:, :2], x[:, 2:] * 2


STRUCTURES: dict[str, Any] = {
    "tuple": _split,
    "list": lambda x: list(_split(x)),
    "dict": lambda x: dict(zip("ba", _split(x), strict=True)),
    "nested": lambda x: [_split(x)[0], {"rest": _split(x)[1]}],
    "one in a list": lambda x: [2 * x],
}


def _flat(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in _flat(structure[key])]
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in _flat(item)]
    return [structure]


@pytest.mark.parametrize("kind", STRUCTURES)
def test_a_function_may_return_several_arrays(kind: str, rng: np.random.Generator) -> None:
    function = STRUCTURES[kind]
    x = rng.normal(size=(5, 4)).astype(np.float32)
    expected = function(x)
    layer = layers.Lambda(function)
    received = layer(x)
    assert type(received) is type(expected)
    inputs = cnnfast.Input((4,))
    outputs = layer(layers.Rescaling(1.0)(inputs))
    assert [t.shape for t in _flat(outputs)] == [(None, *a.shape[1:]) for a in _flat(expected)]
    added = [layers.ReLU()(tensor) for tensor in _flat(outputs)]
    model = cnnfast.Model(inputs, [*_flat(outputs), *added])
    for twin in (model, copy.deepcopy(model)):
        rest = _flat(twin.predict(x, verbose=0))
        both = [*_flat(expected), *(np.maximum(a, 0) for a in _flat(expected))]
        for one, other in zip(rest, both, strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(_flat(received), _flat(expected), strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.profile(x).rows
    assert "Lambda" in repr(layer)


def test_another_number_of_arrays_than_said_is_refused() -> None:
    inputs = cnnfast.Input((4,))
    for count in (3, 1):

        def fickle(x: np.ndarray, count: int = count) -> list[np.ndarray]:
            return [x] * (2 if len(x) == 1 else count)  # one image where it is tried

        model = cnnfast.Model(inputs, layers.Lambda(fickle, name="fickle")(inputs))
        with pytest.raises(ValueError, match=f"'fickle' must return 2 arrays. Received: {count}"):
            model(np.ones((3, 4), np.float32))
    said = layers.Lambda(lambda x: [x, x], output_shape=(4,), name="said")
    with pytest.raises(ValueError, match="'said' must return an array of shape"):
        said(np.ones((3, 4), np.float32))


def test_several_arrays_for_each_step_of_a_sequence_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="takes a layer of one output"):
        layers.TimeDistributed(layers.Lambda(_split))(cnnfast.Input((3, 4)))
    inputs = cnnfast.Input((4,))
    inner = cnnfast.Model(inputs, layers.Add()(list(layers.Lambda(_split, name="two")(inputs))))
    with pytest.raises(UnsupportedError, match=r"inside TimeDistributed must return one.*'two'"):
        layers.TimeDistributed(inner)(np.ones((1, 3, 4), np.float32))


def test_a_function_cannot_change_what_others_read(rng: np.random.Generator) -> None:
    def in_place(x: np.ndarray) -> np.ndarray:
        x *= 2
        return x

    inputs = cnnfast.Input((4,))
    y = layers.Lambda(in_place, output_shape=(4,))(inputs)
    model = cnnfast.Model(inputs, layers.Add()([y, inputs]))
    x = rng.normal(size=(2, 4)).astype(np.float32)
    before = x.copy()
    with pytest.raises(ValueError, match="read-only"):
        model.predict(x, verbose=0)
    np.testing.assert_array_equal(x, before)


def test_trying_a_function_on_zeros_warns_of_nothing() -> None:
    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.sqrt((x**2).sum(-1, keepdims=True))

    assert layers.Lambda(unit)(cnnfast.Input((4,))).shape == (None, 4)


class Halved(keras.layers.Layer):
    """A layer that only its author knows."""

    def call(self, x: Any) -> Any:
        return x / 2.0


def _config() -> Any:
    inputs = keras.Input((4,), name="x")
    x = Halved(name="first")(inputs)
    x = keras.layers.Lambda(lambda v: v + 1, name="second", output_shape=(4,))(x)
    model = keras.Model(inputs, keras.layers.ReLU(name="last")(x))
    return json.loads(model.to_json())


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_custom_objects_stand_in_by_name_of_layer_or_class(rng: np.random.Generator) -> None:
    custom = {"Halved": lambda x: x / 2, "second": lambda x: x + 1}
    model = layers.deserialize(_config(), custom)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(model(x), np.maximum(x / 2 + 1, 0), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_without_custom_objects_the_layer_is_named() -> None:
    with pytest.raises(UnsupportedError, match=r"'first'.*custom_objects=\{'Halved'"):
        layers.deserialize(_config())
    with pytest.raises(UnsupportedError, match=r"'second'.*never taken.*custom_objects=\{'second'"):
        layers.deserialize(_config(), {"Halved": _clipped})


def test_a_function_that_returns_complex_numbers_is_refused() -> None:
    function = cnnfast.layers.Lambda(np.fft.fft, name="spectrum", output_shape=(4,))
    model = cnnfast.Sequential([cnnfast.Input((4,)), function])
    with pytest.raises(ValueError, match=r"'spectrum' must return real numbers.*complex"):
        model.predict(np.ones((1, 4), np.float32), verbose=0)


@pytest.mark.parametrize(
    "place", [lambda f: layers.Lambda(f, name="own"), lambda f: layers.Dense(2, f, name="own")]
)
def test_what_a_function_raises_names_the_layer(place: Any) -> None:
    def fails_on_batches(x: np.ndarray) -> np.ndarray:
        return x if len(x) == 1 else x[7]

    model = cnnfast.Sequential([cnnfast.Input((2,)), place(fails_on_batches)])
    with pytest.raises(IndexError, match="out of bounds") as caught:
        model.predict(np.ones((3, 2), np.float32), verbose=0)
    assert caught.value.__notes__ == ["Raised by the function of layer 'own'."]


def test_a_named_function_of_tensors_is_found_by_its_name_in_files_of_both(tmp_path: Path) -> None:
    def apart(package: Any) -> Any:
        def distance(vectors: Any, by: float = 1.0) -> Any:
            x, y = vectors
            ops = package.ops
            return ops.sqrt(ops.sum(ops.square(x - y), axis=1, keepdims=True)) * by

        x, y = package.Input((3,)), package.Input((3,))
        layer = package.layers.Lambda(distance, output_shape=(1,), arguments={"by": 2.0})
        return package.Model([x, y], layer([x, y])), {"distance": distance}

    (theirs, of_theirs), (ours, of_ours) = apart(keras), apart(cnnfast)
    images = [np.random.default_rng(n).normal(size=(4, 3)).astype(np.float32) for n in (1, 2)]
    expected = np.asarray(theirs(images))
    for suffix in (".keras", ".h5"):
        path = tmp_path / f"theirs{suffix}"
        theirs.save(path)
        loaded = cnnfast.load_model(path, custom_objects=of_ours)
        np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, rtol=1e-6)
        with pytest.raises(UnsupportedError, match="never taken from a file"):
            cnnfast.load_model(path)
    ours.save(tmp_path / "ours.keras")
    back = keras.models.load_model(tmp_path / "ours.keras", custom_objects=of_theirs)
    np.testing.assert_allclose(np.asarray(back(images)), expected, rtol=1e-6)
    twin = cnnfast.models.clone_model(ours)
    np.testing.assert_allclose(twin.predict(images, verbose=0), expected, rtol=1e-6)
    with pytest.raises(UnsupportedError, match="which a config cannot hold"):
        cnnfast.layers.Lambda(lambda x: cnnfast.ops.exp(x) + 1).get_config()
