"""Attention of many heads to few: files, and what is refused; see `test_attention`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras


@pytest.mark.parametrize("use_gate", [False, True])
@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_files_go_both_ways(
    use_gate: bool, ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x, y = keras.Input((5, 6)), keras.Input((4, 6))
    attended = keras.layers.GroupQueryAttention(3, 4, 2, use_gate=use_gate)(x, y)
    theirs = keras.Model([x, y], attended)
    theirs.set_weights([rng.normal(size=w.shape) for w in theirs.get_weights()])
    arrays = [rng.normal(size=(2, *t.shape[1:])).astype(np.float32) for t in (x, y)]
    expected = np.asarray(theirs(arrays))
    theirs.save(tmp_path / f"theirs{ending}")
    for ours in (
        cnnfast.saving.load_model(tmp_path / f"theirs{ending}"),
        cnnfast.from_keras(theirs),
    ):
        np.testing.assert_allclose(ours.predict(arrays, verbose=0), expected, atol=1e-5)
        ours.save(tmp_path / f"ours{ending}")
        again = keras.saving.load_model(tmp_path / f"ours{ending}")
        np.testing.assert_allclose(np.asarray(again(arrays)), expected, atol=1e-6)


def test_what_makes_a_mask_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="sliding window"):
        layers.GroupQueryAttention(3, 4, 2, sliding_window=3)
    x = np.ones((1, 3, 4), np.float32)
    for mask in ({"use_causal_mask": True}, {"attention_mask": np.ones((1, 3, 3), bool)}):
        with pytest.raises(UnsupportedError, match=r"called with .*Received: "):
            layers.GroupQueryAttention(3, 4, 2)(x, x, **mask)


WRONG: list[tuple[Any, str]] = [
    (lambda: layers.GroupQueryAttention(3, 4, 3), "divisible"),
    (lambda: layers.GroupQueryAttention(0, 4, 2), "positive integer"),
    (lambda: layers.GroupQueryAttention(3, 4, 2)(np.ones((2, 4)), np.ones((2, 4))), "3 axes"),
    (
        lambda: layers.GroupQueryAttention(3, 4, 2)(np.ones((2, 3, 4)), np.ones((2, 3, 5))),
        "last dimension",
    ),
]


@pytest.mark.parametrize(("make", "words"), WRONG)
def test_what_is_illegal_is_named(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
