"""`weight_dtype` of models: how it is asked for, and what it leaves as it is."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast._core import packed_bytes
from cnnfast.models import Sequential, load_model


@pytest.fixture
def model(rng):
    """A convolution that is bound by computing, a dense layer that is bound by its weights."""
    found = Sequential(
        [
            layers.Input((20, 20, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, name="wide"),
        ]
    )
    found.set_weights([rng.standard_normal(w.shape, np.float32) / 50 for w in found.weights])
    return found


@pytest.fixture
def images(rng):
    return rng.standard_normal((3, 20, 20, 3), np.float32)


def step_names(model, images):
    return [step.name for step in model._executor.plan((images.shape[1:],)).steps]


@pytest.mark.parametrize("weight_dtype", ["float16", "bfloat16"])
def test_a_model_rounds_the_weights_of_its_large_layers_alone(model, images, weight_dtype):
    before = model.predict(images, verbose=0)
    model.weight_dtype = weight_dtype
    after = model.predict(images, verbose=0)
    assert f"conv2d_{weight_dtype}" in step_names(model, images)
    assert step_names(model, images).count("conv2d") == 1
    error = abs(after - before).max() / abs(before).max()
    assert 0 < error < (2**-11 if weight_dtype == "float16" else 2**-8)
    single = [model.predict(images[i : i + 1], verbose=0, threads=3) for i in range(3)]
    np.testing.assert_array_equal(np.concatenate(single), after)
    model.weight_dtype = None
    assert model.weight_dtype == "float32"
    np.testing.assert_array_equal(model.predict(images, verbose=0), before)


def test_half_of_the_bytes_are_held(model, images):
    start = packed_bytes()
    model(images)
    full = packed_bytes() - start
    model.weight_dtype = "float16"
    model(images)
    kernel = model.get_layer("wide").kernel.numpy()
    assert packed_bytes() - start == full - kernel.nbytes // 2


def test_the_variables_and_what_is_saved_stay_float32(model, images, tmp_path):
    want = model.predict(images, verbose=0)
    weights = model.get_weights()
    path = tmp_path / "net.keras"
    model.weight_dtype = "float16"
    short = model.predict(images, verbose=0)
    model.save(path)
    loaded = load_model(path)
    assert loaded.weight_dtype == "float32"
    for ours, theirs in zip(weights, loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), want)
    loaded = load_model(path, weight_dtype="float16")
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), short)


def test_copies_keep_it(model, images):
    model.weight_dtype = "bfloat16"
    want = model(images)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.weight_dtype == "bfloat16"
        np.testing.assert_array_equal(twin(images), want)


def test_a_model_inside_follows_the_outer_one(model, images):
    outer = Sequential([layers.Input((20, 20, 3)), model])
    model.weight_dtype = "float16"
    outer(images)
    assert step_names(outer, images).count("conv2d") == 2
    model.weight_dtype, outer.weight_dtype = "float32", "float16"
    outer(images)
    assert "conv2d_float16" in step_names(outer, images)


def test_a_call_on_several_arrays_stores_weights_as_the_model_does(rng):
    parts = [layers.Input((1000,)), layers.Input((1000,))]
    joined = layers.Dense(300)(layers.Add()(parts))
    model = cnnfast.Model(parts, joined)
    x = [rng.standard_normal((1, 1000), np.float32) for _ in range(2)]
    full = model(x)
    model.weight_dtype = "bfloat16"
    np.testing.assert_array_equal(model(x), model.predict(x, verbose=0))
    assert not np.array_equal(model(x), full)


def test_from_keras_takes_it(keras):
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert cnnfast.from_keras(theirs, weight_dtype="float16").weight_dtype == "float16"


@pytest.mark.parametrize("value", ["float64", "int8", 16, ""])
def test_another_dtype_is_refused(model, value):
    model.name = "net"
    with pytest.raises(ValueError, match=rf"'net'.*'float16', 'bfloat16'.*Received: {value!r}"):
        model.weight_dtype = value
    assert model.weight_dtype == "float32"
