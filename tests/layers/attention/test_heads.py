"""Attention by heads in all its forms: axes, gates, windows, and the weights returned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import cnnfast
from cnnfast import layers
from parity import keras, plain

HEADS: dict[str, Any] = {"num_heads": 2, "key_dim": 3}
GROUPS: dict[str, Any] = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
# Class, arguments, shapes of query and value, shape of an attention mask.
FORMS: list[tuple[str, dict[str, Any], list[tuple[int, ...]], tuple[int, ...]]] = [
    ("MultiHeadAttention", HEADS, [(5, 6), (4, 6)], (5, 4)),
    ("MultiHeadAttention", HEADS | {"sliding_window": 2, "dropout": 0.2}, [(5, 6), (4, 6)], (5, 4)),
    ("MultiHeadAttention", HEADS | {"sliding_window": 2}, [(5, 6), (4, 6)], (2, 5, 4)),
    ("MultiHeadAttention", HEADS | {"attention_axes": -2}, [(3, 4, 6), (3, 2, 6)], (3, 2, 4, 2)),
    (
        "MultiHeadAttention",
        HEADS
        | {"attention_axes": (3, 2), "use_gate": True, "value_dim": 5, "output_shape": (2, 2)},
        [(2, 3, 4, 6), (2, 3, 2, 6)],
        (4, 3, 2, 3),
    ),
    ("MultiHeadAttention", HEADS | {"attention_axes": 1}, [(4, 3, 6), (2, 3, 6)], (4, 2)),
    ("MultiHeadAttention", HEADS | {"use_gate": True}, [(3, 4, 6), (2, 2, 6)], (3, 4, 2, 2)),
    ("GroupQueryAttention", GROUPS, [(5, 6), (4, 6)], (5, 4)),
    ("GroupQueryAttention", GROUPS | {"sliding_window": 2}, [(5, 6), (4, 6)], (4, 5, 4)),
    ("GroupQueryAttention", GROUPS | {"use_gate": True, "dropout": 0.2}, [(5, 6), (4, 6)], (5, 4)),
]


def test_axes_gates_windows_and_scores_of_heads_are_those_of_keras(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    for number, (class_name, kwargs, shapes, seen) in enumerate(FORMS):
        inputs = [*map(keras.Input, shapes), keras.Input(seen, dtype="bool")]
        layer, other, causal = (getattr(keras.layers, class_name)(**kwargs) for _ in range(3))
        x, y, mask = inputs
        outputs = [*layer(x, y, attention_mask=mask, return_attention_scores=True)]
        outputs.append(other(x, y, attention_mask=mask))
        if kwargs.get("attention_axes", 1) == 1 and len(seen) < 4:
            outputs += causal(x, y, use_causal_mask=True, return_attention_scores=True)
        theirs = keras.Model(inputs, outputs)
        theirs.set_weights([rng.normal(size=w.shape) for w in theirs.get_weights()])
        arrays = [rng.normal(size=(2, *shape)).astype(np.float32) for shape in shapes]
        arrays.append(rng.random((2, *seen)) > 0.4)
        expected = [np.asarray(out) for out in theirs(arrays)]
        theirs.save(tmp_path / f"{number}.keras")
        ours = cnnfast.saving.load_model(tmp_path / f"{number}.keras")
        assert plain(layers.serialize(ours.get_layer(layer.name))) == plain(
            keras.saving.serialize_keras_object(layer)
        )
        ours.save(tmp_path / "again.keras")
        back = keras.saving.load_model(tmp_path / "again.keras")(arrays)
        live = cnnfast.from_keras(theirs)
        for got in (ours(arrays), live(arrays), back):
            for out, value in zip(got, expected, strict=True):
                np.testing.assert_allclose(np.asarray(out), value, rtol=0, atol=3e-5)
