"""Attention of many heads to few: files, and what is refused; see `test_attention`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from parity import both, keras, randomize


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


def test_masks_of_the_inputs_count(rng: np.random.Generator) -> None:
    """Also that of the query, which another attention hears only where it is carried."""
    theirs, ours = both("GroupQueryAttention", head_dim=3, num_query_heads=4, num_key_value_heads=2)
    x = rng.normal(size=(2, 5, 6)).astype(np.float32)
    theirs(x, x)
    ours.build((None, 5, 6), (None, 5, 6))
    assert ours.compute_output_shape((None, 5, 6), (None, 5, 6)) == (None, 5, 6)
    randomize(theirs, ours, rng)
    mask = np.array([[1, 1, 1, 0, 1], [0, 1, 1, 1, 0]], bool)
    numbers = rng.random((2, 5, 5)).astype(np.float32)
    calls: list[dict[str, Any]] = [
        {"query_mask": mask},
        {"value_mask": mask, "use_causal_mask": True},
        {"key": x, "key_mask": mask, "return_attention_scores": True},
        {"attention_mask": numbers},
        {"attention_mask": numbers, "return_attention_scores": True},
    ]
    for call in calls:
        for out, value in zip(_flat(ours(x, x, **call)), _flat(theirs(x, x, **call)), strict=True):
            np.testing.assert_allclose(out, np.asarray(value), rtol=0, atol=1e-5)
    masked = layers.Masking()(np.where(mask[..., None], x, 0).astype(np.float32))
    np.testing.assert_array_equal(ours(masked, x)._keras_mask, mask)


def _flat(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


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
