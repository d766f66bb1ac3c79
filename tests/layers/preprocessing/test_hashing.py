"""Integers in bins against what Keras 3.15 gives on TensorFlow 2.21, without which it has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import plain

INTEGERS = np.array([0, 1, -1, 7, 12, -345, 6789, 12345, -123456, 1234567, 16777214, 99])
GRID = INTEGERS.reshape(4, 3)
HASHED: list[tuple[dict[str, Any], Any]] = [
    ({"num_bins": 11}, [[2, 8, 7], [8, 9, 2], [6, 10, 8], [9, 5, 5]]),
    ({"num_bins": 11, "mask_value": 7}, [[6, 10, 1], [0, 9, 2], [8, 9, 5], [4, 2, 3]]),
    ({"num_bins": 11, "salt": 133}, [[5, 4, 10], [0, 2, 7], [9, 2, 3], [4, 1, 6]]),
    (
        {"num_bins": 11, "salt": [133, 137], "mask_value": 0},
        [[0, 7, 5], [3, 8, 8], [5, 1, 1], [9, 4, 9]],
    ),
    (
        {"num_bins": 5, "output_mode": "multi_hot"},
        [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 1, 1], [0, 1, 1, 1, 0]],
    ),
    (
        {"num_bins": 5, "output_mode": "count", "salt": 3},
        [[0, 0, 1, 2, 0], [1, 0, 1, 0, 1], [1, 0, 0, 1, 1], [1, 0, 1, 0, 1]],
    ),
]
CROSSED = [617, 626, 81, 880, 223, 724, 924, 457, 388, 871, 136, 520]
CROSSED_OF_THREE = [371, 336, 317, 296, 533, 501, 668, 222, 778, 990, 326, 148]
UNKNOWN: list[tuple[dict[str, Any], Any]] = [
    (
        {"vocabulary": [7, 12], "num_oov_indices": 5, "oov_method": "farmhash"},
        [[0, 4, 0], [5, 6, 1], [2, 3, 4], [3, 1, 2]],
    ),
    (
        {"vocabulary": [7, 12], "num_oov_indices": 5, "oov_method": "farmhash", "salt": [133, 137]},
        [[4, 1, 4], [5, 6, 2], [4, 0, 0], [3, 3, 3]],
    ),
    (
        {"vocabulary": [7, 12], "num_oov_indices": 1, "oov_method": "farmhash"},
        [[0, 0, 0], [1, 2, 0], [0, 0, 0], [0, 0, 0]],
    ),
]


def test_integers_fall_into_the_bins_of_keras(tmp_path: Path) -> None:
    for kwargs, expected in HASHED:
        layer = layers.Hashing(**kwargs)
        np.testing.assert_array_equal(layer(GRID), expected)
        begin = layers.Input((3,), dtype="int64")
        model = cnnfast.Model(begin, layer(begin))
        assert model.output_shape == (None, *np.shape(expected)[1:])
        model.save(tmp_path / "hashed.keras")
        loaded = cnnfast.saving.load_model(tmp_path / "hashed.keras")
        np.testing.assert_array_equal(loaded.predict(GRID), expected)
    bins = layers.Hashing(11)(GRID)
    np.testing.assert_array_equal(bins, HASHED[0][1])
    np.testing.assert_array_equal(layers.Hashing(11)(GRID[:2] + 0.5 * (GRID[:2] > 0)), bins[:2])
    hot = layers.Hashing(11, output_mode="one_hot")(GRID)
    np.testing.assert_array_equal(hot, np.eye(11)[bins.astype(int)])


def test_integers_together_fall_into_the_bins_of_keras() -> None:
    turned, wide = INTEGERS[::-1].copy(), INTEGERS[:, None]
    np.testing.assert_array_equal(layers.HashedCrossing(1000)([INTEGERS, turned]), CROSSED)
    three = layers.HashedCrossing(1000)([wide, turned[:, None], wide + 1])
    np.testing.assert_array_equal(three[:, 0], CROSSED_OF_THREE)
    hot = layers.HashedCrossing(1000, output_mode="one_hot")([wide, turned[:, None]])
    np.testing.assert_array_equal(hot, np.eye(1000)[CROSSED])
    one, two = (layers.Input((1,), dtype="int32") for _ in range(2))
    model = cnnfast.Model([one, two], layers.HashedCrossing(1000)([one, two]))
    np.testing.assert_array_equal(model.predict([wide, turned[:, None]])[:, 0], CROSSED)


def test_unknown_integers_are_hashed_to_their_places() -> None:
    for kwargs, expected in UNKNOWN:
        layer = layers.IntegerLookup(**kwargs)
        np.testing.assert_array_equal(layer(GRID), expected)
        again = layers.IntegerLookup.from_config(json.loads(json.dumps(layer.get_config())))
        np.testing.assert_array_equal(again(GRID), expected)


def test_configs_are_those_of_keras() -> None:
    crossing = layers.HashedCrossing(6, output_mode="one_hot", name="h")
    assert plain(crossing.get_config()) == {
        **{"num_bins": 6, "output_mode": "one_hot", "sparse": False, "name": "h"},
        "dtype": "float32",
    }
    config = plain(layers.Hashing(11, salt=133, name="h").get_config())
    assert config.pop("dtype")["config"] == {"name": "int64"}
    assert config == {
        **{"name": "h", "trainable": True, "num_bins": 11, "salt": [133, 133]},
        **{"mask_value": None, "output_mode": "int", "sparse": False},
    }


def test_what_cannot_be_hashed_is_refused() -> None:
    numbers = np.array([1, 2])
    for make, error, rule in (
        (lambda: layers.Hashing(0), ValueError, "`num_bins` for `Hashing`"),
        (lambda: layers.Hashing(2**25), UnsupportedError, "at most 2 \\*\\* 24 bins"),
        (lambda: layers.Hashing(3, mask_value=""), UnsupportedError, "hashes integers"),
        (lambda: layers.Hashing(3, salt=[1]), ValueError, "tuple of size 2 integers"),
        (lambda: layers.Hashing(3, sparse=True), UnsupportedError, "dense tensors"),
        (lambda: layers.Hashing(3)(np.array([2**24])), ValueError, "less than 2 \\*\\* 24"),
        (lambda: layers.Hashing(3)(np.array([np.nan])), ValueError, "less than 2 \\*\\* 24"),
        (lambda: layers.HashedCrossing(3)([numbers]), ValueError, "at least two inputs"),
        (lambda: layers.HashedCrossing(3)([numbers, numbers[:, None]]), ValueError, "equal shape"),
        (lambda: layers.HashedCrossing(3)([numbers, numbers / 2]), ValueError, "integer dtype"),
        (lambda: layers.HashedCrossing(3, output_mode="count"), ValueError, "`output_mode`"),
        (lambda: layers.IntegerLookup(vocabulary=[1], salt=3), ValueError, "only be used when"),
    ):
        with pytest.raises(error, match=rule):
            make()
