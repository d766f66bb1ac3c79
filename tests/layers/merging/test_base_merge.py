"""Merging where tensors carry masks, against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras

NAMES = ["Multiply", "Maximum", "Minimum", "Add", "Subtract", "Average"]


def _network(k: Any, name: str) -> Any:
    """Merge tensors of which all, some or none carry a mask."""
    inputs = [k.Input((5, 3)) for _ in range(3)]
    x, y, z = (k.layers.Masking(value)(t) for value, t in zip((0.0, 1.0, 2.0), inputs, strict=True))
    merge = getattr(k.layers, name)
    cases = [[x, y], [x, inputs[1]], [inputs[0], y]]
    if name != "Subtract":
        cases += [[x, y, z], [x, inputs[1], z], [inputs[0], y, z]]
    made = [merge()(case) for case in cases]
    return k.Model(inputs, [*made, k.layers.GlobalAveragePooling1D()(made[0])])


def test_what_masks_hide_is_left_out_of_what_is_merged(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    arrays = [rng.normal(size=(2, 5, 3)).astype(np.float32) for _ in range(3)]
    for value, array in enumerate(arrays):
        array[rng.random((2, 5)) > 0.5] = value
    for name in NAMES:
        theirs = _network(keras, name)
        theirs.save(tmp_path / "theirs.keras")
        expected = [np.asarray(out) for out in theirs(arrays)]
        predicted = theirs.predict(arrays, verbose=0)
        models = (_network(cnnfast, name), cnnfast.from_keras(theirs))
        for ours in (*models, cnnfast.saving.load_model(tmp_path / "theirs.keras")):
            for got in (ours(arrays), ours.predict(arrays, verbose=0)):
                for out, one, other in zip(got, expected, predicted, strict=True):
                    np.testing.assert_allclose(out, one, rtol=0, atol=1e-5, err_msg=name)
                    np.testing.assert_allclose(out, other, rtol=0, atol=1e-5, err_msg=name)


class Wide(layers.Layer):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        return cnnfast.ops.expand_dims(x, -1)


def test_a_mask_of_other_axes_than_keras_takes_is_refused() -> None:
    wide = Wide()(layers.Masking()(np.ones((1, 4, 3), np.float32)))
    with pytest.raises(UnsupportedError, match="one axis less"):
        layers.Multiply()([wide, wide])
