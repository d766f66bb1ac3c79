"""Each refusal of a layer says what works; it is done here, and gives the numbers of Keras.

More of them stand beside what they are about: `test_refusals.py` (models and layers that are code),
`test_stand_ins.py` (weights), `test_custom_objects.py` (classes of Keras), `test_all_weights.py`
(models without weights) and, for a SavedModel, `through_saved_model.keras` among the fixtures.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.models import model_from_json
from cnnfast.saving import load_model
from saving import own_layers as own
from saving.roads import ROADS, around, assert_same, loaded, randomized

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
    pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`"),
]

Array = np.ndarray
BY_FUNCTION = r"Give a function of NumPy arrays.*custom_objects="


@dataclass(frozen=True)
class Case:
    """A model that is refused, what its refusal says, and that done."""

    make: Callable[[], Any]
    advice: str
    given: dict[str, Any]
    h5: dict[str, Any] | None = None
    """What `.h5` takes, where it has the weights in another order."""


def sequence(*inner: Any) -> Any:
    return keras.Sequential([keras.Input((5, 3)), *inner])


class Minimal(keras.layers.Layer):
    """A recurrent cell of a user's own."""

    state_size = 3

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(3, 3))

    def call(self, x: Any, states: Any, training: bool = False) -> Any:
        y = keras.ops.tanh(x @ self.kernel + states[0])
        return y, [y]


def minimal(x: Array, *weights: Array) -> Array:
    y = np.zeros((len(x), 3))
    for step in range(x.shape[1]):
        y = np.tanh(x[:, step] @ weights[0] + y)
    return y


class Doubled(keras.layers.Dense):
    """A layer with a kernel, of a user's own."""

    def call(self, x: Any) -> Any:
        return 2.0 * super().call(x)


def normalized_doubled(x: Array, *weights: Array) -> Array:
    """Take the weights of a `.keras` file, where the kernel stands twice."""
    _, _, kernel, bias = weights
    return 2 * (x @ kernel + bias)


def doubled_as_made(x: Array, *weights: Array) -> Array:
    kernel, bias, _ = weights
    return 2 * (x @ kernel + bias)


CASES: dict[str, Case] = {
    "a layer without weights": Case(
        lambda: sequence(own.Attention()),
        BY_FUNCTION + r"\{'Attention': function\}",
        {"Attention": own.attended},
    ),
    "a layer with weights": Case(
        lambda: sequence(own.LayerNormalization()),
        BY_FUNCTION + r".*`def f\(x, \*weights\)`",
        {"LayerNormalization": own.normalized_in_order},
    ),
    "a Lambda": Case(
        lambda: sequence(keras.layers.Lambda(lambda x: x[:, 1:], (4, 3), name="cut")),
        BY_FUNCTION + r"\{'cut': function\}",
        {"cut": lambda x: x[:, 1:]},
    ),
    "an activation": Case(
        lambda: sequence(keras.layers.Dense(4, activation=own.mymish)),
        r"Give a NumPy function for it.*\{'mymish': function\}",
        {"mymish": own.own_mish},
    ),
    "an activation that is a lambda": Case(
        lambda: sequence(keras.layers.Dense(4, activation=lambda x: x * 2, name="own")),
        r"as a whole: `load_model\(…, custom_objects=\{'own': function\}\)`",
        {"own": lambda x, *weights: 2 * (x @ weights[0] + weights[1])},
    ),
    "a cell": Case(
        lambda: sequence(keras.layers.RNN(Minimal(), name="around")),
        r"a function can stand in for that one as a whole.*\{'around': function\}",
        {"around": minimal},
    ),
    "a layer that another normalizes": Case(
        lambda: sequence(keras.layers.SpectralNormalization(Doubled(4), name="around")),
        r"a function can stand in for that one as a whole.*\{'around': function\}",
        {"around": normalized_doubled},
        {"around": doubled_as_made},
    ),
}


DRAWN = (
    *("a layer without weights", "a layer with weights", "a Lambda"),
    *("an activation", "an activation that is a lambda", "a cell"),
)
"""What Keras itself draws for `from_keras`, so that nothing is refused there."""


def advice_on(model: Any, road: str, tmp_path: Path) -> str:
    with pytest.raises(UnsupportedError) as caught:
        loaded(model, road, tmp_path)
    (item,) = caught.value.items
    assert item.advice in str(caught.value).replace("\n  ", " ")
    return item.advice


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("name", CASES)
def test_what_is_advised_gives_the_numbers_of_keras(
    name: str, road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    case = CASES[name]
    theirs = randomized(case.make(), rng)
    if road == "from_keras" and name in DRAWN:
        assert_same(loaded(theirs, road, tmp_path), theirs, rng)
    else:
        advice = advice_on(theirs, road, tmp_path)
        assert re.search(case.advice, advice), advice
    given = case.h5 if road == ".h5" and case.h5 else case.given
    assert_same(loaded(theirs, road, tmp_path, given), theirs, rng)


# --- masks, which no function can keep ---------------------------------------------------------


def masking(*inner: Any, mask: bool = True) -> Any:
    first = [keras.layers.Masking(name="masking")] if mask else []
    return sequence(*first, *inner)


def pool() -> Any:
    return keras.layers.GlobalAveragePooling1D()


MASKS: dict[str, Callable[[], Any]] = {
    "Masking": lambda: masking(pool()),
    "Lambda": lambda: sequence(
        keras.layers.Lambda(
            lambda x: x, (5, 3), mask=lambda x, m: keras.ops.any(x > 0, -1), name="masking"
        ),
        pool(),
    ),
    "Embedding": lambda: keras.Sequential(
        [keras.Input((5,)), keras.layers.Embedding(4, 3, mask_zero=True, name="masking"), pool()]
    ),
}


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("kind", MASKS)
def test_no_function_stands_in_for_a_layer_that_makes_a_mask(
    kind: str, road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = randomized(MASKS[kind](), rng)
    for given in (lambda x, *weights: x, np.asarray):
        with pytest.raises(UnsupportedError, match="would lose it") as caught:
            loaded(theirs, road, tmp_path, {"masking": given})
        advice = caught.value.items[0].advice
        assert "custom_objects=" not in advice
        assert "Hand over the class itself" in advice or "mask=function_of_masks" in advice


def test_a_users_own_class_may_be_called_masking(tmp_path: Path, rng: np.random.Generator) -> None:
    class Masking(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 0.5

    theirs = around(Masking(name="half"), rng=rng)
    assert_same(loaded(theirs, ".keras", tmp_path, {"Masking": lambda x: x * 0.5}), theirs, rng)


# --- files and calls ---------------------------------------------------------------------------


def test_weights_alone_are_loaded_into_the_model(tmp_path: Path, rng: np.random.Generator) -> None:
    theirs = around(rng=rng)
    theirs.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ModelFileError, match=r"Make the model and call `model.load_weights` on it"):
        load_model(tmp_path / "m.weights.h5")
    ours = model_from_json(theirs.to_json())
    ours.load_weights(tmp_path / "m.weights.h5")
    assert_same(ours, theirs, rng)


def test_a_model_is_built_before_its_weights_are_loaded(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(rng=rng)
    theirs.save_weights(tmp_path / "m.weights.h5")
    dense = layers.Dense
    for build in (lambda m: m(np.zeros((1, 4), np.float32)), lambda m: m.build((None, 4))):
        ours = cnnfast.Sequential([dense(4), dense(3)])
        with pytest.raises(ValueError, match=r"Call it on some data or use `build\(\)` first"):
            ours.load_weights(tmp_path / "m.weights.h5")
        build(ours)
        ours.load_weights(tmp_path / "m.weights.h5")
        assert_same(ours, theirs, rng)


def test_a_function_with_weights_comes_with_the_whole_model(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), rng=rng)
    given = {"LayerNormalization": own.normalized_in_order}
    with pytest.raises(UnsupportedError, match="`load_model` and `from_keras` know them"):
        model_from_json(theirs.to_json(), given)
    for road in ROADS:
        assert_same(loaded(theirs, road, tmp_path, given), theirs, rng)
