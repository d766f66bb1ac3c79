"""Networks that Keras quantizes, and what has to be the same here of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import cnnfast
from parity import keras, plain

L = keras.layers


def exact(shape: Any, parts: int) -> Any:
    """Return numbers whose products and sums float32 holds exactly, in whatever order."""
    rng = np.random.default_rng([parts, *shape])  # whatever other tests draw
    return (rng.integers(-parts, parts + 1, shape) / parts).astype(np.float32)


def cnn() -> tuple[Any, Any]:
    """Give a small CNN, the sums of whose convolution are exact, and images.

    Where the sums of Keras were rounded otherwise, a number halfway might round to another integer.
    """
    inputs = keras.Input((6, 6, 3))
    x = L.Conv2D(5, 3, activation="relu")(inputs)
    x = L.Flatten()(x)
    x = L.Dense(7, activation="relu", name="hidden")(x)
    x = L.Dense(3, use_bias=False, name="head")(x)
    return keras.Model(inputs, x, name="cnn"), exact((5, 6, 6, 3), 32)


def products() -> tuple[Any, Any]:
    """Give einsums of each kind: one matrix, a part of the axes, several kernels, axes summed."""
    inputs = keras.Input((4, 6))
    x = L.EinsumDense("abc,cde->abde", output_shape=(4, 2, 3), bias_axes="de")(inputs)
    x = L.EinsumDense("abde,def->abf", output_shape=(4, 5), activation="tanh")(x)
    x = L.EinsumDense("abc,bcd->abd", output_shape=(4, 3), bias_axes="bd")(x)
    x = L.EinsumDense("abc,bcd->adc", output_shape=(7, 3), bias_axes="d")(x)
    return keras.Model(inputs, x, name="products"), exact((3, 4, 6), 32)


def words() -> tuple[Any, Any]:
    """Give an embedding and a dense layer over its rows."""
    inputs = keras.Input((4,), dtype="int32")
    x = L.Embedding(9, 7, name="rows")(inputs)
    return keras.Model(inputs, L.Dense(3)(x), name="words"), np.array([[0, 8, 3, 3], [1, 2, 5, 7]])


def attention(groups: bool = False) -> tuple[Any, Any]:
    """Give an attention layer, or two, which Keras quantized saves and does not load."""
    first, second = keras.Input((4, 8)), keras.Input((6, 8))
    x = L.MultiHeadAttention(2, 4, name="heads")(first, second)
    if groups:
        x = L.GroupQueryAttention(4, 4, 2, name="groups")(x, second)
    model = keras.Model([first, second], x, name="attention")
    return model, [exact((3, 4, 8), 32), exact((3, 6, 8), 32)]


def randomized(model: Any) -> Any:
    """Give a model weights of which no sum before the first quantized layer is rounded."""
    for weight in model.weights:
        weight.assign(exact(weight.shape, 64))
    return model


def outputs(model: Any, x: Any) -> Any:
    return model.predict(x, verbose=0)


def assert_alike(actual: Any, expected: Any, step: float) -> None:
    """Compare outputs: nearly all to the last bits, and the others within `step` of the largest."""
    error = np.abs(np.asarray(actual) - expected) / np.abs(expected).max()
    assert error.max() <= max(step, 1e-6)
    assert np.median(error) < 1e-6


def assert_roads(model: Any, x: Any, tmp_path: Path, step: float = 0.0) -> list[Any]:
    """Load a quantized model by each road, compare it with Keras', and give it back.

    `step` is what an output may be away where an input rounds to the integer beside.
    """
    expected = outputs(model, x)
    live = cnnfast.from_keras(model)
    made = [live]
    if model.name != "attention":
        model.save(tmp_path / "keras.keras")
        made.append(cnnfast.load_model(tmp_path / "keras.keras"))
    for ours in made:
        assert_alike(ours.predict(x, verbose=0), expected, step)
        assert ours.count_params() == model.count_params()
    ours.save(tmp_path / "ours.keras")
    back = keras.models.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(outputs(back, x), expected)
    assert [(w.path, w.dtype, tuple(w.shape), w.trainable) for w in ours.weights] == [
        (w.path, w.dtype, tuple(w.shape), w.trainable) for w in back.weights
    ]
    for layer in ours.layers:
        theirs = back.get_layer(layer.name)
        assert layer.quantization_mode == theirs.quantization_mode
        if model.name != "attention":
            assert plain(layer.get_config()) == plain(without_ids(theirs.get_config()))
    ours = cnnfast.models.clone_model(ours)
    model.save_weights(tmp_path / "keras.weights.h5")
    ours.load_weights(tmp_path / "keras.weights.h5")
    assert_alike(ours.predict(x, verbose=0), expected, step)
    ours.set_weights(back.get_weights())
    assert_alike(ours.predict(x, verbose=0), expected, step)
    return [live, ours]


def without_ids(config: Any) -> Any:
    if isinstance(config, dict):
        return {k: without_ids(v) for k, v in config.items() if k != "shared_object_id"}
    return [without_ids(v) for v in config] if isinstance(config, list) else config
