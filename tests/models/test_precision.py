"""`precision` of models: how it is asked for, what it rounds, and what it leaves as it is."""

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
    """A first layer on images, two convolutions that are rounded, pooling between, and a head."""
    found = Sequential(
        [
            layers.Input((20, 20, 3)),
            layers.Conv2D(24, 3, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.MaxPooling2D(3, strides=1),
            layers.Conv2D(48, 1, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    found.set_weights([rng.standard_normal(w.shape, np.float32) / 9 for w in found.weights])
    return found


@pytest.fixture
def images(rng):
    return rng.standard_normal((3, 20, 20, 3), np.float32)


def step_names(model, images):
    return [step.name for step in model._executor.plan((images.shape[1:],)).steps]


def test_convolutions_of_enough_channels_are_rounded(model, images):
    before = model.predict(images, verbose=0)
    model.precision = "bfloat16"
    after = model.predict(images, verbose=0)
    assert [name for name in step_names(model, images) if name.startswith("conv2d")] == [
        "conv2d",
        "conv2d_bfloat16",
        "conv2d_bfloat16",
        "conv2d",
    ]
    assert 0 < abs(after - before).max() < 2**-8
    np.testing.assert_allclose(after.sum(-1), 1, rtol=1e-6)  # a softmax in float32
    single = [model.predict(images[i : i + 1], verbose=0, threads=3) for i in range(3)]
    np.testing.assert_array_equal(np.concatenate(single), after)
    model.precision = None
    assert model.precision == "float32"
    np.testing.assert_array_equal(model.predict(images, verbose=0), before)


def test_both_ways_are_kept_beside_each_other(model, images):
    """Threads may run on what another one has just left."""
    before = model(images)
    executor = model._executor
    plan = executor.plan((images.shape[1:],))
    model.precision = "bfloat16"
    assert executor.plan((images.shape[1:],)) is not plan
    assert not np.array_equal(model(images), before)


def test_the_profile_names_what_is_rounded(model, images):
    model.precision = "bfloat16"
    rows = cnnfast.Model.profile(model, images).rows
    rounded = [row for row in rows if row.op == "conv2d_bfloat16"]
    assert len(rounded) == 2
    assert all(row.algorithm.endswith("_bfloat16") for row in rounded)


def test_packed_weights_go_with_the_model(model, images):
    start = packed_bytes()
    model.precision = "bfloat16"
    model(images)
    assert packed_bytes() > start
    model.precision = "float32"
    assert packed_bytes() == start


def test_the_variables_and_what_is_saved_stay_float32(model, images, tmp_path):
    want = model.predict(images, verbose=0)
    weights = model.get_weights()
    path = tmp_path / "net.keras"
    model.precision = "bfloat16"
    rounded = model.predict(images, verbose=0)
    model.save(path)
    loaded = load_model(path)
    assert loaded.precision == "float32"
    for ours, theirs in zip(weights, loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), want)
    loaded = load_model(path, precision="bfloat16")
    assert (loaded.precision, loaded.weight_dtype) == ("bfloat16", "float32")
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), rounded)


def test_copies_keep_it(model, images):
    model.precision = "bfloat16"
    want = model(images)
    for twin in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        assert twin.precision == "bfloat16"
        np.testing.assert_array_equal(twin(images), want)


def test_a_model_inside_follows_the_outer_one(model, images):
    outer = Sequential([layers.Input((20, 20, 3)), model])
    model.precision = "bfloat16"
    outer(images)
    assert "conv2d_bfloat16" not in step_names(outer, images)
    model.precision, outer.precision = "float32", "bfloat16"
    outer(images)
    assert "conv2d_bfloat16" in step_names(outer, images)


def test_a_call_on_several_arrays_rounds_as_the_model_does(rng):
    parts = [layers.Input((6, 6, 32)), layers.Input((6, 6, 32))]
    model = cnnfast.Model(parts, layers.Conv2D(32, 1)(layers.Add()(parts)))
    x = [rng.standard_normal((1, 6, 6, 32), np.float32) for _ in range(2)]
    full = model(x)
    model.precision = "bfloat16"
    np.testing.assert_array_equal(model(x), model.predict(x, verbose=0))
    assert not np.array_equal(model(x), full)


def test_models_of_any_size_and_with_a_function_round(rng):
    """One is filled in from a template, the other one cut at the function."""

    class Doubled(cnnfast.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(32, 1)

        def call(self, x):
            return self.conv(x * 2)

    any_size = Sequential([layers.Input((None, None, 16)), layers.Conv2D(32, 1)])
    cut = Sequential([layers.Input((6, 7, 16)), layers.Lambda(np.tanh), layers.Conv2D(32, 1)])
    for model in (any_size, cut, Doubled()):
        x = rng.standard_normal((2, 6, 7, 16), np.float32)
        full = model.predict(x, verbose=0)
        model.precision = "bfloat16"
        error = abs(model.predict(x, verbose=0) - full).max()
        assert 0 < error < 2**-6 * abs(full).max()


@pytest.mark.parametrize("weight_dtype", ["float32", "float16"])
def test_dense_layers_that_read_more_than_they_multiply_round_weights(weight_dtype, rng):
    model = Sequential([layers.Input((1000,)), layers.Dense(300)])
    x = rng.standard_normal((2, 1000), np.float32)
    model.weight_dtype = "bfloat16" if weight_dtype == "float32" else weight_dtype
    want = model.predict(x, verbose=0)
    model.weight_dtype, model.precision = weight_dtype, "bfloat16"
    np.testing.assert_array_equal(model.predict(x, verbose=0), want)


def test_products_of_integers_stay_exact(rng):
    """Integers of 8 bits are numbers of bfloat16, too."""
    model = Sequential(
        [layers.Input((6, 40)), layers.Dense(32, dtype="int8_from_float32", name="integers")]
    )
    shapes = [(weight.shape, weight.dtype) for weight in model.weights]
    model.set_weights(
        [
            rng.integers(-127, 128, shape).astype(dtype)
            if dtype == "int8"
            else rng.uniform(1, 2, shape).astype(dtype)
            for shape, dtype in shapes
        ]
    )
    x = rng.standard_normal((3, 6, 40), np.float32)
    want = model.predict(x, verbose=0)
    model.precision = "bfloat16"
    np.testing.assert_array_equal(model.predict(x, verbose=0), want)
    names = [step.name for step in model._executor.plan((x.shape[1:],)).steps]
    assert "conv2d_bfloat16" in names


def test_spectrograms_stay_float32(rng):
    model = Sequential([layers.Input((8000,)), layers.MelSpectrogram(num_mel_bins=40)])
    x = rng.standard_normal((2, 8000), np.float32)
    want = model.predict(x, verbose=0)
    model.precision = "bfloat16"
    np.testing.assert_array_equal(model.predict(x, verbose=0), want)


def test_from_keras_takes_it(keras):
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert cnnfast.from_keras(theirs, precision="bfloat16").precision == "bfloat16"


@pytest.mark.parametrize("value", ["float16", "float64", "int8", 16, ""])
def test_another_precision_is_refused(model, value):
    model.name = "net"
    with pytest.raises(ValueError, match=rf"'net'.*'bfloat16'.*Received: {value!r}"):
        model.precision = value
    assert model.precision == "float32"
