"""Networks as people build them, in Keras and here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from cnnfast.saving import load_model
from networks import architectures
from networks.comparison import LARGEST_ERROR, compare, enliven


@pytest.mark.parametrize("build", architectures.ALL, ids=lambda build: build.__name__)
def test_network_gives_keras_numbers_from_both_files(
    build: Callable[[], architectures.Built], rng: np.random.Generator
) -> None:
    keras.utils.clear_session()
    model, shapes = build()
    images = [rng.normal(size=(3, *shape)).astype(np.float32) for shape in shapes]
    x = images[0] if len(images) == 1 else images
    enliven(model, x, rng)
    result = compare(build.__name__, model, x)
    assert not result.problems
    assert ".keras" in result.errors
    assert max(result.errors.values()) <= LARGEST_ERROR


@pytest.mark.parametrize("name", architectures.OTHER_SIZES)
def test_networks_of_unknown_size_take_several_sizes(
    name: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    model, shapes = getattr(architectures, name)()
    model.save(tmp_path / "model.keras")
    ours = load_model(tmp_path / "model.keras")
    for shape in (*shapes, architectures.OTHER_SIZES[name], *shapes):
        x = rng.normal(size=(2, *shape)).astype(np.float32)
        pairs = zip(keras.tree.flatten(model(x)), keras.tree.flatten(ours(x)), strict=True)
        for theirs, mine in pairs:
            size = max(1e-3, float(np.abs(theirs).max()))
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=LARGEST_ERROR * size)
