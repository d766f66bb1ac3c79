"""Initializers, regularizers and constraints of the user's: classes, objects and functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import constraints, initializers, layers, regularizers
from cnnfast.saving import load_model
from parity import keras


def made_in(package: Any) -> dict[str, Any]:
    """Return the user's objects, written in Keras or here."""

    class Ramp(package.initializers.Initializer):  # type: ignore[misc, name-defined]
        def __init__(self, step: float) -> None:
            self.step = step

        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return np.arange(np.prod(shape), dtype="float32").reshape(shape) * self.step

        def get_config(self) -> Any:
            return {"step": self.step}

    class Squared(package.regularizers.Regularizer):  # type: ignore[misc, name-defined]
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def __call__(self, x: Any) -> Any:
            return self.factor * (x * x).sum()

        def get_config(self) -> Any:
            return {"factor": self.factor}

    class Kept(package.constraints.Constraint):  # type: ignore[misc, name-defined]
        def __call__(self, w: Any) -> Any:
            return w

    def halves(shape: Any, dtype: Any) -> Any:
        return np.full(shape, 0.5, dtype)

    return {"Ramp": Ramp, "Squared": Squared, "Kept": Kept, "halves": halves}


def dense(package: Any) -> Any:
    own = made_in(package)
    return package.layers.Dense(
        3,
        kernel_initializer=own["Ramp"](0.25),
        bias_initializer=own["halves"],
        kernel_regularizer=own["Squared"](0.1),
        kernel_constraint=own["Kept"](),
        name="dense",
    )


def test_a_layer_begins_with_the_numbers_of_its_own_initializers() -> None:
    ours, theirs = dense(cnnfast), dense(keras)
    for layer in (ours, theirs):
        layer.build((None, 4))
    for own, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    np.testing.assert_allclose(ours.losses, np.asarray(theirs.losses), rtol=1e-6)


def test_own_objects_are_written_as_keras_writes_them() -> None:
    ours, theirs = (json.loads(json.dumps(dense(p).get_config())) for p in (cnnfast, keras))
    for key in ("kernel_initializer", "kernel_regularizer", "kernel_constraint"):
        assert ours[key] | {"module": None} == theirs[key] | {"module": None}
    assert ours["bias_initializer"]["config"] == theirs["bias_initializer"]["config"] == "halves"


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_own_objects_come_back_from_files(ending: str, tmp_path: Path) -> None:
    theirs = keras.Sequential([keras.Input((4,)), dense(keras)])
    theirs.save(tmp_path / f"m{ending}")
    own = made_in(cnnfast)
    ours = load_model(tmp_path / f"m{ending}", custom_objects=own)
    layer = ours.layers[-1]
    assert type(layer.kernel_initializer) is own["Ramp"]
    assert (layer.kernel_initializer.step, layer.kernel_regularizer.factor) == (0.25, 0.1)
    ours.save(tmp_path / "back.keras")
    back = keras.saving.load_model(tmp_path / "back.keras", custom_objects=made_in(keras))
    assert back.layers[-1].kernel_initializer.step == 0.25
    np.testing.assert_array_equal(back.get_weights()[0], theirs.get_weights()[0])


def test_a_class_stands_for_an_object_made_without_arguments() -> None:
    class Threes(initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return np.full(shape, 3.0)

    assert isinstance(initializers.get(Threes), Threes)
    assert isinstance(regularizers.get(regularizers.L1), regularizers.L1)
    assert isinstance(constraints.get(constraints.NonNeg), constraints.NonNeg)


def test_what_a_function_gives_is_taken_when_the_weight_is_made() -> None:
    value = [1.0]
    layer = layers.Dense(2, kernel_initializer=lambda shape, dtype=None: np.full(shape, value[0]))
    layer.build((None, 3))
    value[0] = 7.0
    assert (layer.get_weights()[0] == 1.0).all()


def test_a_function_without_a_name_cannot_be_written() -> None:
    layer = layers.Dense(2, kernel_initializer=lambda shape, dtype=None: np.ones(shape))
    with pytest.raises(ValueError, match=r"by its name.*define it with `def`"):
        layer.get_config()


def test_an_initializer_must_give_the_shape() -> None:
    layer = layers.Dense(2, kernel_initializer=lambda shape, dtype=None: np.ones(3))
    with pytest.raises(ValueError, match="must match"):
        layer.build((None, 3))
