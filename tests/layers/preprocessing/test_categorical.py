"""Categories and bins against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import both, keras, plain

INTEGERS = np.random.default_rng(3).integers(-1, 7, (5, 4)).astype(np.int32)
NUMBERS = np.random.default_rng(4).normal(size=(5, 4)).astype(np.float32)
EDGES = [-1.0, 0.0, 0.25, 1.0]
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("CategoryEncoding", {"num_tokens": 6, "output_mode": m}) for m in ("multi_hot", "count")),
    ("CategoryEncoding", {"num_tokens": 6, "output_mode": "one_hot"}),
    *(
        ("Discretization", {"bin_boundaries": EDGES, "output_mode": mode})
        for mode in ("int", "one_hot", "multi_hot", "count")
    ),
]


@pytest.mark.parametrize("width", [4, 1])
@pytest.mark.parametrize(("class_name", "kwargs"), CASES)
def test_categories_are_those_of_keras(
    class_name: str, kwargs: dict[str, Any], width: int, tmp_path: Path
) -> None:
    theirs, ours = both(class_name, **kwargs)
    x = (INTEGERS if class_name == "CategoryEncoding" else NUMBERS)[:, :width]
    expected = np.asarray(theirs(x))
    np.testing.assert_array_equal(ours(x), expected)
    assert ours.compute_output_shape((None, width)) == (None, *expected.shape[1:])
    assert plain(ours.get_config()) == plain(theirs.get_config())
    dtype = x.dtype.name
    inputs, own = keras.Input((width,), dtype=dtype), layers.Input((width,), dtype=dtype)
    assert ours(own).dtype == theirs(inputs).dtype
    model = keras.Model(inputs, keras.layers.Rescaling(0.5)(theirs(inputs)))
    model.save(tmp_path / "theirs.keras")
    for read in (
        cnnfast.saving.load_model(tmp_path / "theirs.keras"),
        cnnfast.from_keras(model),
    ):
        np.testing.assert_array_equal(read.predict(x, verbose=0), 0.5 * expected)
        read.save(tmp_path / "ours.keras")
        again = keras.saving.load_model(tmp_path / "ours.keras")
        np.testing.assert_array_equal(np.asarray(again(x)), 0.5 * expected)


def test_one_hot_of_single_numbers_and_of_more_axes() -> None:
    theirs, ours = both("CategoryEncoding", num_tokens=5, output_mode="one_hot")
    for x in (INTEGERS[:, 0], INTEGERS.reshape(5, 2, 2)):
        np.testing.assert_array_equal(ours(x), np.asarray(theirs(x)))


def test_counts_are_weighed() -> None:
    theirs, ours = both("CategoryEncoding", num_tokens=6, output_mode="count")
    expected = np.asarray(theirs(INTEGERS, count_weights=NUMBERS))
    np.testing.assert_allclose(ours(INTEGERS, count_weights=NUMBERS), expected, rtol=1e-6)
    x, w = layers.Input((4,), dtype="int32"), layers.Input((4,))
    model = cnnfast.Model([x, w], ours(x, count_weights=w))
    np.testing.assert_allclose(model.predict([INTEGERS, NUMBERS], verbose=0), expected, rtol=1e-6)


def test_bins_are_found_as_keras_finds_them(rng: np.random.Generator) -> None:
    data = rng.normal(size=(40, 13)).astype(np.float32)
    for bins, epsilon in ((4, 0.01), (7, 0.05), (2, 0.5), (600, 0.01)):
        theirs, ours = both("Discretization", num_bins=bins, epsilon=epsilon)
        theirs.update_state(data)  # `adapt` asks for TensorFlow
        theirs.update_state(data[:3] + 1)
        theirs.finalize_state()
        ours.adapt([data, data[:3] + 1])
        assert ours.bin_boundaries == theirs.bin_boundaries
        np.testing.assert_array_equal(ours(data), np.asarray(theirs(data)))
        again = layers.deserialize(plain(keras.saving.serialize_keras_object(theirs)))
        assert again.bin_boundaries == theirs.bin_boundaries
    ours.adapt(data[:1])
    before = ours(data)
    ours.adapt(data + 1, steps=1)
    assert (ours(data) != before).any()


def test_numbers_that_are_none_have_a_bin() -> None:
    x = np.array([[np.nan, np.inf, -np.inf, -0.0, 1.0]], np.float32)
    theirs, ours = both("Discretization", bin_boundaries=[0.0, 1.0])
    np.testing.assert_array_equal(ours(x), np.asarray(theirs(x)))
    for bins in ([0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [1.0], [1.0, 1.0, 2.0]):
        expected = np.asarray(keras.ops.digitize(x, bins))
        np.testing.assert_array_equal(cnnfast.ops.digitize(x, bins), expected)


WRONG: list[tuple[Any, str]] = [
    (layers.CategoryEncoding, "num_tokens must be set"),
    (lambda: layers.CategoryEncoding(0), "num_tokens must be set"),
    (lambda: layers.CategoryEncoding(3, output_mode="int"), "output_mode"),
    (lambda: layers.CategoryEncoding(3)(INTEGERS, count_weights=NUMBERS), "count_weights"),
    (layers.Discretization, "You need to set either"),
    (lambda: layers.Discretization([0.0], 3), "should not be set"),
    (lambda: layers.Discretization([1.0, 0.0]), "rise"),
    (lambda: layers.Discretization([0.0]).adapt(NUMBERS), "Cannot adapt"),
    (lambda: layers.Discretization(num_bins=3)(NUMBERS), "You need to either pass"),
    (lambda: layers.CategoryEncoding(3)(np.array([["a"]])), "real numbers"),
]


@pytest.mark.parametrize(("make", "words"), WRONG)
def test_what_is_illegal_is_named(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


REFUSED: list[Any] = [
    lambda: layers.CategoryEncoding(3, sparse=True),
    lambda: layers.Discretization([0.0], output_mode="count", sparse=True),
    lambda: layers.CategoryEncoding(3, output_mode="count")(INTEGERS.reshape(5, 2, 2)),
]


@pytest.mark.parametrize("make", REFUSED)
def test_what_is_not_done_is_refused(make: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"Received: "):
        make()
