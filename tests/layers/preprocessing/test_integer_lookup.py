"""Integers as places in a vocabulary; Keras' layer asks for TensorFlow, its examples are here."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError

VOCABULARY = [12, 36, 1138, 42]
DATA = np.array([[12, 1138, 42], [42, 1000, 36]])
# Of the documentation of `keras.layers.IntegerLookup`.
EXAMPLES: list[tuple[dict[str, Any], Any, Any]] = [
    ({}, DATA, [[1, 3, 4], [4, 0, 2]]),
    ({"num_oov_indices": 2}, [[12, 1138, 42], [37, 1000, 36]], [[2, 4, 5], [1, 0, 3]]),
    (
        {"output_mode": "one_hot"},
        [12, 36, 1138, 42, 7],
        np.eye(5)[[1, 2, 3, 4, 0]],
    ),
    (
        {"output_mode": "multi_hot"},
        [[12, 1138, 42, 42], [42, 7, 36, 7]],
        [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]],
    ),
    (
        {"output_mode": "count"},
        [[12, 1138, 42, 42], [42, 7, 36, 7]],
        [[0, 1, 0, 1, 2], [2, 0, 1, 0, 1]],
    ),
    ({"invert": True}, [[1, 3, 4], [4, 0, 2]], [[12, 1138, 42], [42, -1, 36]]),
    ({"mask_token": 0}, [[12, 0, 42], [7, 1000, 36]], [[2, 0, 5], [1, 1, 3]]),
    ({"mask_token": 0, "output_mode": "count"}, [[12, 0, 12, 7]], [[1, 2, 0, 0, 0]]),
    (
        {"max_tokens": 7, "pad_to_max_tokens": True, "output_mode": "count"},
        [[12]],
        [[0, 1] + [0] * 5],
    ),
    ({"mask_token": 0, "invert": True}, [[0, 1, 2, 9, -3]], [[0, -1, 12, -1, -1]]),
]


@pytest.mark.parametrize(("kwargs", "x", "expected"), EXAMPLES)
def test_the_examples_of_keras_hold(kwargs: dict[str, Any], x: Any, expected: Any) -> None:
    layer = layers.IntegerLookup(vocabulary=VOCABULARY, **kwargs)
    x = np.asarray(x)
    np.testing.assert_array_equal(layer(x), expected)
    inputs = layers.Input(x.shape[1:], dtype="int64")
    model = cnnfast.Model(inputs, layers.Rescaling(1.0)(layer(inputs)))
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    again = layers.deserialize(layers.serialize(layer))
    np.testing.assert_array_equal(again(x), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x), expected)


def test_a_vocabulary_may_begin_with_its_tokens() -> None:
    whole = layers.IntegerLookup(vocabulary=[0, -1, *VOCABULARY], mask_token=0)
    assert whole.get_vocabulary() == [0, -1, *VOCABULARY]
    assert whole.get_vocabulary(include_special_tokens=False) == VOCABULARY
    assert whole.vocabulary_size() == 6
    whole.set_vocabulary([5, 6])
    np.testing.assert_array_equal(whole(np.array([[5, 6, 12]])), [[2, 3, 1]])


def test_the_most_frequent_integers_come_first() -> None:
    layer = layers.IntegerLookup()
    layer.adapt(DATA)
    assert layer.get_vocabulary() == [-1, 42, 1138, 1000, 36, 12]  # Keras' example
    short = layers.IntegerLookup(max_tokens=3, mask_token=12)
    short.adapt(iter([DATA, DATA[:1]]))
    assert short.get_vocabulary() == [12, -1, 42]


def test_files_hold_the_vocabulary(tmp_path: Path) -> None:
    inputs = layers.Input((3,), dtype="int64")
    model = cnnfast.Model(inputs, layers.IntegerLookup(vocabulary=VOCABULARY)(inputs))
    for ending in (".keras", ".h5"):
        model.save(tmp_path / f"m{ending}")
        read = cnnfast.saving.load_model(tmp_path / f"m{ending}")
        np.testing.assert_array_equal(read.predict(DATA, verbose=0), [[1, 3, 4], [4, 0, 2]])


def test_a_file_whose_vocabulary_stands_elsewhere_is_refused() -> None:
    places = layers.IntegerLookup(vocabulary=VOCABULARY)
    model = cnnfast.Sequential([cnnfast.Input((3,), dtype="int64"), places])
    config = model.get_config()
    config["layers"][1]["config"]["vocabulary"] = None
    with pytest.raises(UnsupportedError, match=r"adapt.*get_vocabulary"):
        cnnfast.Sequential.from_config(config)


REFUSED: list[Any] = [
    lambda: layers.IntegerLookup(
        vocabulary=VOCABULARY, output_mode="tf_idf", idf_weights=[1.0] * 4
    ),
    lambda: layers.IntegerLookup(vocabulary="words.txt"),
    lambda: layers.IntegerLookup(vocabulary_dtype="string"),
    lambda: layers.IntegerLookup(vocabulary=[1, 2**24]),
    lambda: layers.IntegerLookup(vocabulary=[1], output_mode="count", sparse=True),
]


@pytest.mark.parametrize("make", REFUSED)
def test_what_is_not_done_is_refused(make: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"Received: "):
        make()


WRONG: list[tuple[Any, str]] = [
    (lambda: layers.IntegerLookup()(DATA), "no vocabulary yet"),
    (lambda: layers.IntegerLookup(vocabulary=[]), "list of integers"),
    (lambda: layers.IntegerLookup(vocabulary=["a"]), "list of integers"),
    (lambda: layers.IntegerLookup(vocabulary=[1, 1]), "repeated term"),
    (lambda: layers.IntegerLookup(vocabulary=[1, 0], mask_token=0), "stands for a mask"),
    (lambda: layers.IntegerLookup(vocabulary=[1, 2, 3], max_tokens=3), "larger than"),
    (lambda: layers.IntegerLookup(max_tokens=1), "greater than 1"),
    (lambda: layers.IntegerLookup(pad_to_max_tokens=True), "must set `max_tokens`"),
    (lambda: layers.IntegerLookup(num_oov_indices=-1), ">= 0"),
    (lambda: layers.IntegerLookup(invert=True, output_mode="count"), "when `invert` is true"),
    (lambda: layers.IntegerLookup(vocabulary=VOCABULARY).adapt(DATA), "Cannot adapt"),
    (lambda: layers.IntegerLookup(vocabulary=[1], num_oov_indices=0)(DATA), "found OOV values"),
    (lambda: layers.IntegerLookup(vocabulary=[1])(np.array([[2**24 + 1]])), r"2 \*\* 24"),
    (lambda: layers.IntegerLookup(vocabulary=[1])(np.array([[np.nan]])), r"2 \*\* 24"),
    (lambda: layers.IntegerLookup(vocabulary=[1])(np.array([["1"]])), "real numbers"),
]


@pytest.mark.parametrize(("make", "words"), WRONG)
def test_what_is_illegal_is_named(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
