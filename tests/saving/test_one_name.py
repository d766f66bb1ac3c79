"""What the user hands over for a name that different things have: it would stand for all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError

lay = keras.layers
TOLERANCE = 2e-6


def twice(x: Any) -> Any:
    return x * 2


def shifted(x: Any) -> Any:
    return x * 3 + 1


def scaled(factor: float) -> Any:
    def own(x: Any) -> Any:
        return x * factor

    return own


class Own(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        return twice(x)


ANOTHER = type("Own", (keras.layers.Layer,), {"call": lambda self, x: shifted(x)})


class Applies(keras.layers.Layer):
    """Holds a function, as a `Lambda` does."""

    def __init__(self, function: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)

    def get_config(self) -> Any:
        return super().get_config() | {"function": None}


def shifted_dense(x: Any, *weights: Any) -> Any:
    return shifted(x @ weights[0] + weights[1])


def model_of(stack: list[Any]) -> Any:
    return keras.Sequential([keras.Input((4,)), *stack])


def assert_same(ours: Any, theirs: Any, rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs(x), rtol=1e-6, atol=TOLERANCE)


ACTIVATIONS: dict[str, tuple[Callable[[Any, Any], list[Any]], Any]] = {
    "in layers": (
        lambda f, g: [lay.Dense(4, activation=f), lay.Dense(4, activation=g, name="last")],
        shifted_dense,
    ),
    "as layers": (lambda f, g: [lay.Activation(f), lay.Activation(g, name="last")], shifted),
    "as layers in layers": (
        lambda f, g: [
            lay.Dense(4, activation=lay.Activation(f)),
            lay.Dense(4, activation=lay.Activation(g, name="last")),
        ],
        shifted,
    ),
    "in a model inside": (
        lambda f, g: [
            lay.Dense(4, activation=f),
            model_of([lay.Dense(4, activation=g, name="last")]),
        ],
        shifted_dense,
    ),
    "in a wrapper": (
        lambda f, g: [
            lay.Reshape((2, 2)),
            lay.TimeDistributed(lay.Dense(2, activation=f)),
            lay.SpectralNormalization(lay.Dense(2, activation=f)),
            lay.Flatten(),
            lay.Activation(g, name="last"),
        ],
        shifted,
    ),
}


@pytest.mark.parametrize(("stack", "other"), ACTIVATIONS.values(), ids=list(ACTIVATIONS))
def test_activations_of_one_name_are_not_taken_for_one(
    stack: Callable[[Any, Any], list[Any]],
    other: Any,
    monkeypatch: pytest.MonkeyPatch,
    rng: np.random.Generator,
) -> None:
    monkeypatch.setattr(shifted, "__name__", "twice")
    model = model_of(stack(twice, shifted))
    with pytest.raises(UnsupportedError, match=r"with function twice .*, 'last'\)") as caught:
        cnnfast.from_keras(model, {"twice": twice})
    assert re.search(r"__name__ = 'another'.*`\{'last': function\}`", caught.value.items[0].advice)
    assert_same(cnnfast.from_keras(model, {"twice": twice, "last": other}), model, rng)
    shifted.__name__ = "another"
    assert_same(cnnfast.from_keras(model, {"twice": twice, "another": shifted}), model, rng)


def test_an_activation_is_not_taken_for_keras_own_of_that_name(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setattr(shifted, "__name__", "relu")
    model = model_of([lay.Activation("relu"), lay.Activation(shifted, name="last")])
    with pytest.raises(UnsupportedError, match="the name of two functions"):
        cnnfast.from_keras(model, {"relu": shifted})
    assert_same(cnnfast.from_keras(model, {"last": shifted}), model, rng)


def test_functions_made_of_the_same_code_and_numbers_are_one(rng: np.random.Generator) -> None:
    model = model_of([lay.Activation(scaled(factor)) for factor in (3.0, 3.0)])
    assert_same(cnnfast.from_keras(model, {"own": scaled(3.0)}), model, rng)
    model = model_of([lay.Activation(scaled(factor)) for factor in (3.0, 2.0)])
    with pytest.raises(UnsupportedError, match="the name of two functions"):
        cnnfast.from_keras(model, {"own": scaled(3.0)})


def test_functions_with_registered_names_of_their_own_are_told_apart(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shifted, "__name__", "twice")
    register = keras.saving.register_keras_serializable
    functions = [register(package)(f) for package, f in (("here", twice), ("there", shifted))]
    try:
        model = model_of([lay.Activation(function) for function in functions])
        given = {"here>twice": twice, "there>twice": shifted}
        assert_same(cnnfast.from_keras(model, given), model, rng)
        with pytest.raises(UnsupportedError, match="the name of two functions"):
            cnnfast.from_keras(model, {"twice": twice})
    finally:
        for name in ("here>twice", "there>twice"):
            keras.saving.get_custom_objects().pop(name)


LAYERS: dict[str, tuple[str, Callable[[Any, Any], list[Any]]]] = {
    "Lambda": ("Lambda", lambda f, g: [lay.Lambda(f), lay.Lambda(g, name="last")]),
    "a class that holds a function": (
        "Applies",
        lambda f, g: [Applies(f), Applies(g, name="last")],
    ),
    "classes of one name": ("Own", lambda f, g: [Own(), ANOTHER(name="last")]),
    "in a model inside": (
        "Lambda",
        lambda f, g: [lay.Lambda(f), model_of([lay.Lambda(g, name="last")])],
    ),
    "in a wrapper": (
        "Lambda",
        lambda f, g: [
            lay.Lambda(f),
            lay.Reshape((2, 2)),
            lay.TimeDistributed(lay.Lambda(g, name="last")),
            lay.Flatten(),
        ],
    ),
}


@pytest.mark.parametrize(("key", "stack"), LAYERS.values(), ids=list(LAYERS))
def test_layers_with_different_code_are_not_taken_for_one(
    key: str,
    stack: Callable[[Any, Any], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    rng: np.random.Generator,
) -> None:
    monkeypatch.setattr(shifted, "__name__", "twice")
    model = model_of(stack(twice, shifted))
    first = model.layers[0].name
    with pytest.raises(
        UnsupportedError, match=rf"'last'\): have different code.*{key!r}"
    ) as caught:
        cnnfast.from_keras(model, {key: twice})
    assert f"{{{first!r}: function, 'last': other}}" in caught.value.items[0].advice
    assert_same(cnnfast.from_keras(model, {first: twice, "last": shifted}), model, rng)
    assert_same(cnnfast.from_keras(model, {key: twice, "last": shifted}), model, rng)
    alike = model_of(stack(twice, twice)) if key != "Own" else model_of([Own(), Own()])
    assert_same(cnnfast.from_keras(alike, {key: twice}), alike, rng)


def test_layers_of_one_name_in_different_models_are_not_taken_for_one(
    rng: np.random.Generator,
) -> None:
    inside = lay.Lambda(shifted, name="own")
    model = model_of([lay.Lambda(twice, name="own"), model_of([inside])])
    with pytest.raises(UnsupportedError, match="have different code") as caught:
        cnnfast.from_keras(model, {"own": twice})
    assert "Give one of the layers a name of its own in Keras" in caught.value.items[0].advice
    inside.name = "another"
    assert_same(cnnfast.from_keras(model, {"own": twice, "another": shifted}), model, rng)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_file_whose_lambdas_differ_needs_a_function_for_each(
    ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    stack = [lay.Lambda(lambda x, k=k: x * k, name=f"by{k}") for k in (2, 2, 5)]
    model, path = model_of(stack[::2]), tmp_path / f"model{ending}"
    model.save(path)
    with pytest.raises(UnsupportedError, match="have different code") as caught:
        cnnfast.load_model(path, {"Lambda": twice})
    assert "{'by2': function, 'by5': other}" in caught.value.items[0].advice
    assert_same(cnnfast.load_model(path, {"by2": twice, "by5": scaled(5)}), model, rng)
    alike = model_of([lay.Lambda(twice), lay.Lambda(twice), lay.Lambda(twice)])
    alike.save(path)
    assert_same(cnnfast.load_model(path, {"Lambda": twice}), alike, rng)


class Scaled(keras.layers.Layer):
    def __init__(self, factor: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor

    def get_config(self) -> Any:
        return super().get_config() | {"factor": self.factor}


def test_a_function_for_layers_with_other_arguments_is_warned_of_once(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = model_of([Scaled(2.0, name="a"), Scaled(5.0, name="b"), Scaled(7.0, name="c")])
    theirs.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"factor=2.0 for 'a', factor=5.0 for 'b'") as seen:
        cnnfast.load_model(tmp_path / "m.keras", custom_objects={"Scaled": scaled(2)})
    assert len(seen) == 1
    by_name = {"a": scaled(2), "b": scaled(5), "c": scaled(7)}
    ours = cnnfast.load_model(tmp_path / "m.keras", custom_objects=by_name)
    assert_same(ours, theirs, rng)


def test_a_function_for_layers_with_equal_arguments_is_not_warned_of(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = model_of([Scaled(2.0, name="a"), Scaled(2.0, name="b", trainable=False)])
    theirs.save(tmp_path / "m.keras")
    ours = cnnfast.load_model(tmp_path / "m.keras", custom_objects={"Scaled": scaled(2)})
    assert_same(ours, theirs, rng)


@pytest.mark.parametrize("field", ["loss", "metrics"])
def test_losses_of_one_name_are_not_taken_for_one(field: str, rng: np.random.Generator) -> None:
    def far(y: Any, x: Any) -> Any:
        return keras.ops.mean(abs(y - x), -1)

    def near(y: Any, x: Any) -> Any:
        return keras.ops.mean((y - x) ** 2, -1)

    near.__name__ = "far"
    inputs = keras.Input((4,))
    model = keras.Model(inputs, [lay.Dense(2, name=name)(inputs) for name in "ab"])
    model.compile(**{"loss": "mse", field: [far, near]})

    def in_numpy(y: Any, x: Any) -> Any:
        return np.mean(abs(y - x), -1)

    with pytest.raises(UnsupportedError, match="Function far: is the name of two functions"):
        cnnfast.from_keras(model, {"far": in_numpy})
    assert cnnfast.from_keras(model, {"far": in_numpy}, compile=False)
    near.__name__ = "near"
    model.compile(**{"loss": "mse", field: [far, near]})
    ours = cnnfast.from_keras(
        model, {"far": in_numpy, "near": lambda y, x: np.mean((y - x) ** 2, -1)}
    )
    x, y = rng.normal(size=(3, 4)), [rng.normal(size=(3, 2)) for _ in "ab"]
    np.testing.assert_allclose(
        ours.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-5
    )


@pytest.mark.parametrize("name", ["own", "Own"])
def test_a_call_that_was_set_on_a_layer_of_the_users_is_refused(
    name: str, rng: np.random.Generator
) -> None:
    layer = Own(name="own")
    layer.call = shifted
    model = model_of([Own(), layer])
    if name == "own":
        ours = cnnfast.from_keras(model, {"Own": twice, "own": shifted})
        assert_same(ours, model, rng)
        return
    with pytest.raises(UnsupportedError, match="runs a `call` that was set on it") as caught:
        cnnfast.from_keras(model, {"Own": twice})
    assert len(caught.value.items) == 1
