"""Models made of the configurations of others."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.models import clone_model, model_from_config, model_from_json


def _model() -> cnnfast.Sequential:
    inner = cnnfast.Sequential([cnnfast.Input((4,)), layers.Dense(4, name="b")], name="inner")
    return cnnfast.Sequential(
        [cnnfast.Input((4,)), layers.Dense(4, activation="relu", name="a"), inner]
    )


def test_json_gives_the_model_without_its_weights() -> None:
    model = _model()
    again = model_from_json(model.to_json())
    assert json.loads(again.to_json()) == json.loads(model.to_json())
    assert not np.array_equal(again.get_weights()[0], model.get_weights()[0])


def test_json_of_keras_is_understood(keras: Any) -> None:
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, "hard_sigmoid")])
    ours = model_from_json(theirs.to_json())
    ours.set_weights(theirs.get_weights())
    x = np.float32([[1.0, -2.0, 0.5]])
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-6)


def test_json_without_a_version_has_the_formulas_of_keras_2() -> None:
    dense = {"units": 1, "activation": "hard_sigmoid", "batch_input_shape": [None, 1]}
    item = {"class_name": "Dense", "config": {"name": "d", "use_bias": False, **dense}}
    config = {"class_name": "Sequential", "config": {"name": "m", "layers": [item]}}
    for version, expected in (({}, 0.7), ({"keras_version": "3.0.0"}, 1 / 6 + 0.5)):
        model = model_from_config(config | version)
        model.set_weights([np.ones((1, 1))])
        np.testing.assert_allclose(model(np.ones((1, 1))), [[expected]], rtol=1e-6)


@pytest.mark.parametrize("text", ["", "[1]", '{"class_name": "Dense", "config": {"units": 1}}'])
def test_json_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(ModelFileError):
        model_from_json(text)


def test_unsupported_layers_of_a_config_are_named() -> None:
    config = json.loads(_model().to_json())
    config["config"]["layers"][1]["class_name"] = "Whatever"
    with pytest.raises(UnsupportedError, match=r"'a'.*Whatever"):
        model_from_config(config)


def test_a_clone_has_weights_of_its_own() -> None:
    model = _model()
    clone = clone_model(model)
    assert json.loads(clone.to_json()) == json.loads(model.to_json())
    before = model.get_weights()[0]
    clone.set_weights([np.zeros(w.shape) for w in clone.weights])
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_a_clone_may_have_other_layers() -> None:
    def halved(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, layers.Dense):
            config = layer.get_config() | {"use_bias": False}
            return layers.Dense.from_config(config)
        return layer

    clone = clone_model(_model(), clone_function=halved)
    assert [len(layer.weights) for layer in clone.layers] == [1, 2]


@pytest.mark.parametrize(("recursive", "weights"), [(False, [1, 2]), (True, [1, 1])])
def test_layers_of_models_inside_are_replaced_on_request(
    recursive: bool, weights: list[int]
) -> None:
    def without_bias(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, layers.Dense):
            return layers.Dense.from_config(layer.get_config() | {"use_bias": False})
        return layer

    image = cnnfast.Input((4,))
    inner = cnnfast.Sequential([layers.Dense(4, name="b")])
    model = cnnfast.Model(image, inner(layers.Dense(4, name="a")(image)))
    clone = clone_model(model, clone_function=without_bias, recursive=recursive)
    assert [len(layer.weights) for layer in clone.layers[1:]] == weights


def test_a_layer_in_several_places_is_replaced_once() -> None:
    seen = []

    def noting(layer: layers.Layer) -> layers.Layer:
        seen.append(layer.name)
        return layer

    image = cnnfast.Input((4,))
    shared = layers.Dense(4, name="shared")
    inner = cnnfast.Sequential([cnnfast.Input((4,)), shared, layers.ReLU(name="relu")])
    clone_model(cnnfast.Model(image, inner(shared(image))), None, noting, recursive=True)
    assert sorted(seen) == ["relu", "shared"]


def test_a_clone_stands_on_the_tensors_given() -> None:
    image = cnnfast.Input((None, None, 2))
    body = layers.Conv2D(3, 3, name="conv")(image)
    graph = cnnfast.Model(image, layers.GlobalMaxPooling2D(name="pool")(body * 2.0))
    stack = cnnfast.Sequential([cnnfast.Input((8, 8, 2)), layers.Conv2D(3, 3), layers.Flatten()])
    for model in (graph, stack):
        other = cnnfast.Input((5, 6, 2), name="other")
        clone = clone_model(model, other)
        assert clone.inputs[0] is other
        assert clone.layers[-1].name == model.layers[-1].name
        conv = next(layer for layer in clone.layers if isinstance(layer, layers.Conv2D))
        inside = cnnfast.Model(clone.inputs, [conv.output, clone.output])
        clone.set_weights(model.get_weights())
        x = np.random.default_rng(0).normal(size=(1, 5, 6, 2)).astype(np.float32)
        np.testing.assert_array_equal(inside(x)[1], clone(x))


def test_inputs_of_a_clone_come_from_input() -> None:
    with pytest.raises(ValueError, match="must be 1 tensor"):
        clone_model(_model(), layers.Dense(4)(cnnfast.Input((4,))))
    with pytest.raises(ValueError, match="must be 1 tensor"):
        clone_model(_model(), [cnnfast.Input((4,)), cnnfast.Input((4,))])


def test_a_call_function_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="`call_function` is not supported"):
        clone_model(_model(), call_function=lambda layer, x: layer(x))


def test_only_models_are_cloned() -> None:
    with pytest.raises(ValueError, match=r"Expected a model\. Received: <Dense"):
        clone_model(layers.Dense(3))  # type: ignore[arg-type]
