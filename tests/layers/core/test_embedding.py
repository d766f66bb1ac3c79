"""Rows of a table, against Keras."""

from __future__ import annotations

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from parity import both, keras, plain, randomize


@pytest.mark.parametrize("shape", [(), (6,), (3, 4)])
def test_rows_weights_and_configs_are_those_of_keras(
    shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    theirs, ours = both("Embedding", input_dim=9, output_dim=5, embeddings_regularizer="l2")
    assert plain(ours.get_config()) == plain(theirs.get_config())
    theirs.build((None, *shape))
    ours.build((None, *shape))
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    randomize(theirs, ours, rng)
    saved = plain(keras.saving.serialize_keras_object(theirs))
    assert plain(layers.serialize(ours))["config"] == saved["config"]
    x = rng.integers(0, 9, (2, *shape)).astype(np.int32)
    np.testing.assert_array_equal(ours(x), np.asarray(theirs(x)))
    np.testing.assert_array_equal(ours(x + np.float32(0.9)), np.asarray(theirs(x)))


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_a_convolution_over_embedded_words_agrees_with_keras(
    dtype: str, rng: np.random.Generator
) -> None:
    theirs = keras.Sequential(
        [
            keras.Input((7,), dtype=dtype),
            keras.layers.Embedding(11, 4),
            keras.layers.Conv1D(3, 2, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
        ]
    )
    x = rng.integers(0, 11, (5, 7))
    actual = cnnfast.from_keras(theirs).predict(x, verbose=0)
    np.testing.assert_allclose(actual, theirs.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("number", [-1, 9, np.nan])
def test_a_number_without_a_row_is_refused(number: float) -> None:
    layer = layers.Embedding(9, 2, name="words")
    with pytest.raises(ValueError, match=r"'words'.*between 0 and input_dim - 1 = 8. Received"):
        layer(np.array([[0, number]]))


def test_a_config_of_keras_1_is_read() -> None:
    config = {
        **{"name": "words", "trainable": True, "input_dim": 9, "output_dim": 2, "dropout": 0.0},
        **{"init": "uniform", "input_length": 7, "mask_zero": False, "W_regularizer": None},
        **{"W_constraint": None, "activity_regularizer": None, "input_dtype": "int32"},
    }
    layer = layers.deserialize({"class_name": "Embedding", "config": config})
    assert layer.compute_output_shape((None, 7)) == (None, 7, 2)


def test_a_table_is_made_without_a_shape_and_may_be_given(rng: np.random.Generator) -> None:
    table = rng.normal(size=(5, 3)).astype(np.float32)
    for weights in (table, [table]):
        layer = layers.Embedding(5, 3, weights=weights)
        np.testing.assert_array_equal(layer(np.array([[4, 0]])), table[None, [4, 0]])
    layer = layers.Embedding(5, 3)
    layer.build()
    assert layer.built
    assert layer.embeddings.shape == (5, 3)
    with pytest.raises(ValueError, match="weight shape"):
        layers.Embedding(5, 3, weights=table.T)
