"""Functions in configs and files, which know them by their names alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.models import Functional, Sequential, clone_model, model_from_json
from cnnfast.saving import load_model

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


def relu(x: Any) -> Any:
    return np.maximum(x, 0) * 2


def twice(x: Any) -> Any:
    return x * 2


def thrice(x: Any) -> Any:
    return x * 3


@pytest.mark.parametrize("as_layer", [False, True])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_an_activation_that_would_be_read_as_keras_own_is_not_written(
    suffix: str, as_layer: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    layer = layers.Activation(relu) if as_layer else layers.Dense(4, activation=relu)
    model = Sequential([layers.Input((4,)), layer])
    rule = "would be taken for that of Keras' own"
    for write in (lambda: model.save(tmp_path / f"m{suffix}"), model.to_json, model.get_config):
        with pytest.raises(UnsupportedError, match=rule):
            write()
    with pytest.raises(UnsupportedError, match=rule):
        clone_model(model)
    assert list(tmp_path.iterdir()) == []
    layer.activation = twice  # as the error advises
    model.save(tmp_path / f"m{suffix}")
    again = load_model(tmp_path / f"m{suffix}", custom_objects={"twice": twice})
    x = rng.normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


SHARING: dict[str, Callable[[Any, Any], list[Any]]] = {
    "in layers": lambda f, g: [layers.Dense(4, activation=f), layers.Dense(4, activation=g)],
    "as layers": lambda f, g: [layers.Activation(f), layers.Activation(g)],
    "in layers as activations": lambda f, g: [
        layers.Dense(4, activation=layers.Activation(f)),
        layers.Dense(4, activation=layers.Activation(g)),
    ],
    "in a model inside": lambda f, g: [
        Sequential([layers.Input((4,)), layers.Dense(4, activation=f)]),
        layers.Activation(g),
    ],
}


@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize("stack", SHARING.values(), ids=list(SHARING))
def test_functions_that_share_a_name_are_not_written(
    stack: Callable[[Any, Any], list[Any]],
    functional: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rng: np.random.Generator,
) -> None:
    def drawn(*functions: Any) -> Any:
        model = Sequential([layers.Input((4,)), *stack(*functions)])
        return Functional(model.inputs, model.outputs) if functional else model

    drawn(twice, twice).save(tmp_path / "one.keras")
    monkeypatch.setattr(thrice, "__name__", "twice")
    model = drawn(twice, thrice)
    for write in (
        *(lambda end=end: model.save(tmp_path / f"m{end}") for end in (".keras", ".h5")),
        lambda: model.save(tmp_path / "directory", zipped=False),
        *(model.to_json, model.get_config, lambda: clone_model(model)),
    ):
        with pytest.raises(UnsupportedError, match=r"must not share.*__name__.*Received: 'twice'"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["one.keras"]
    monkeypatch.setattr(thrice, "__name__", "thrice")  # as the error advises
    again = drawn(twice, thrice)
    again.set_weights(model.get_weights())
    again.save(tmp_path / "m.keras")
    given = {"twice": twice, "thrice": thrice}
    x = rng.normal(size=(3, 4)).astype(np.float32)
    expected = model.predict(x, verbose=0)
    for copied in (load_model(tmp_path / "m.keras", given), clone_model(again)):
        copied.set_weights(model.get_weights())
        np.testing.assert_array_equal(copied.predict(x, verbose=0), expected)


def test_a_function_can_be_named_anew_in_its_layer(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setattr(thrice, "__name__", "twice")
    last = layers.Dense(4, activation=thrice)
    model = Sequential([layers.Input((4,)), layers.Dense(4, activation=twice), last])
    with pytest.raises(UnsupportedError, match="must not share"):
        model.to_json()
    monkeypatch.setattr(thrice, "__name__", "own")
    last.activation = thrice
    again = model_from_json(model.to_json(), {"twice": twice, "own": thrice})
    again.set_weights(model.get_weights())
    x = rng.normal(size=(3, 4)).astype(np.float32)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_clone_has_the_functions_of_the_layers_that_are_put_in(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    model = Sequential([layers.Input((4,)), layers.Activation(twice), layers.Activation("relu")])
    x = rng.normal(size=(3, 4)).astype(np.float32)

    def put_in(layer: Any) -> Any:
        return layers.Activation(thrice) if layer is model.layers[1] else layer

    clone = clone_model(model, clone_function=put_in)
    np.testing.assert_array_equal(clone.predict(x, verbose=0), (x * 2) * 3)
    monkeypatch.setattr(thrice, "__name__", "twice")
    with pytest.raises(UnsupportedError, match="must not share"):
        clone_model(model, clone_function=put_in)
