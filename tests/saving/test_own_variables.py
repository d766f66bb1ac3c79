"""Layers that say themselves what files have of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.saving import load_model


def stored_in(package: Any, *, others: bool = False) -> Any:
    """Return a class of the user's that stores its weight under a name, and turned around."""

    class Stored(package.layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(shape=(input_shape[-1], 3), name="table")
            self.dense = package.layers.Dense(3)
            self.dense.build((None, 3))

        def call(self, x: Any) -> Any:
            return self.dense(package.ops.matmul(x, self.table))

        def save_own_variables(self, store: Any) -> None:
            store["turned"] = package.ops.convert_to_numpy(self.table).T

        def load_own_variables(self, store: Any) -> None:
            if others:
                store["missing"]
            self.table.assign(np.array(store["turned"]).T)

    return Stored


def model_in(package: Any, **options: Any) -> Any:
    return package.Sequential([package.Input((4,)), stored_in(package, **options)(name="mine")])


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_what_a_class_stores_goes_there_and_back(
    ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs, x = model_in(keras), rng.normal(size=(3, 4)).astype(np.float32)
    there, back = tmp_path / f"there{ending}", tmp_path / f"back{ending}"
    if ending == ".keras":
        theirs.save(there)
        ours = load_model(there, custom_objects={"Stored": stored_in(cnnfast)})
        ours.save(back)
        again = keras.saving.load_model(back, custom_objects={"Stored": stored_in(keras)})
    else:
        theirs.save_weights(there)
        ours, again = model_in(cnnfast), model_in(keras)
        ours.load_weights(there)
        ours.save_weights(back)
        again.load_weights(back)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs(x), atol=1e-6)
    for own, other in zip(again.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


def test_what_a_class_cannot_take_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    model_in(keras).save_weights(tmp_path / "a.weights.h5")
    ours = model_in(cnnfast, others=True)
    before = ours.get_weights()
    with pytest.raises(ModelFileError, match=r"'mine' of class Stored.*'turned'.*'missing'"):
        ours.load_weights(tmp_path / "a.weights.h5")
    for weight, old in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_weights_that_keras_would_pass_over_are_not_written(tmp_path: Path) -> None:
    class Gained(cnnfast.layers.Conv2D):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            self.gain = self.add_weight(shape=(self.filters,), name="gain")

        def call(self, x: Any) -> Any:
            return super().call(x) * self.gain

    model = cnnfast.Sequential([cnnfast.Input((4, 4, 1)), Gained(2, 3, name="mine")])
    with pytest.raises(UnsupportedError, match=r"'mine'.*would lose the others.*'gain'"):
        model.save_weights(tmp_path / "a.weights.h5")
    assert list(tmp_path.iterdir()) == []
