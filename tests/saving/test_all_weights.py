"""Everything that a file holds is read or refused, and no weight of a loaded model is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast.saving import load_model
from saving.roads import ROADS, assert_same, loaded, randomized

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

# --- weights that files hold in a form of their own --------------------------------------------


def normalizing(library: Any = keras) -> Any:
    lay = library.layers
    inner = library.Sequential(
        [library.Input((4, 4, 3)), lay.SpectralNormalization(lay.Conv2D(4, 2))], name="inner"
    )
    x = library.Input((5, 5, 2))
    y = lay.SpectralNormalization(lay.Conv2D(3, 2), trainable=False)(x)
    y = lay.Flatten()(inner(y))
    return library.Model(x, lay.SpectralNormalization(lay.Dense(2))(y))


@pytest.mark.parametrize("road", [*ROADS, ".weights.h5"])
def test_spectral_normalization_is_read_from_every_form(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = randomized(normalizing(), rng)
    if road == ".weights.h5":
        ours = cnnfast.from_keras(randomized(normalizing(), rng))
        theirs.save_weights(tmp_path / "m.weights.h5")
        ours.load_weights(tmp_path / "m.weights.h5")
    else:
        ours = loaded(theirs, road, tmp_path)
    assert_same(ours, theirs, rng)
    assert ours.count_params() == theirs.count_params()


def test_spectral_normalization_is_written_as_keras_reads_it(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    ours = cnnfast.from_keras(randomized(normalizing(), rng))
    for name in ("m.keras", "m.h5"):
        ours.save(tmp_path / name)
        assert_same(ours, keras.models.load_model(tmp_path / name), rng)
        assert_same(load_model(tmp_path / name), keras.models.load_model(tmp_path / name), rng)
