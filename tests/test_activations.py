"""Activation functions: names, numbers against Keras, and what is refused."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import activations, layers, ops
from cnnfast.activations import FUNCTIONS
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Call
from cnnfast.errors import UnsupportedError
from parity import keras
from reference import tolerance

# Not functions of one array that keep its shape.
OTHERS = ["glu", "threshold"]
NAMES = sorted(set(keras.src.activations.ALL_OBJECTS_DICT) - {*OTHERS})


@pytest.mark.parametrize("name", NAMES)
def test_the_function_of_a_name_gives_the_numbers_of_keras(name: str) -> None:
    x = np.concatenate([np.linspace(-12, 12, 997), [0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0]])
    x = x.astype(np.float32).reshape(15, 67)
    expected = np.asarray(getattr(keras.activations, name)(x))
    # Relative to the result, with a floor of a few roundings of the input. Two hundred roundings
    # cover exp, whose error is that of its argument times 12, on both sides.
    np.testing.assert_allclose(
        activations.get(name)(x), expected, rtol=tolerance(200, 1), atol=tolerance(8, 1)
    )


@pytest.mark.parametrize("name", ["sigmoid", "silu"])
def test_sigmoid_and_silu_are_accurate_relative_to_their_result(name: str) -> None:
    x = np.linspace(-87, 100, 40_000, dtype=np.float32).reshape(40, 1000)
    wide = x.astype(np.float64)
    expected = 1 / (1 + np.exp(-wide)) * (wide if name == "silu" else 1)
    error = np.abs(np.asarray(activations.get(name)(x)) - expected)
    # A few roundings, and half a one of the argument where there is no fused multiply-add.
    roundings = 3 + np.abs(wide) / 2
    assert np.all(error <= roundings * np.finfo(np.float32).eps * np.abs(expected))


def test_sigmoid_and_silu_at_the_ends_of_float32() -> None:
    largest = np.finfo(np.float32).max
    x = np.array([[-largest, -1e30, -100, -89, 89, 100, 1e30, largest]], np.float32)
    np.testing.assert_array_equal(activations.get("sigmoid")(x), x > 0)
    np.testing.assert_array_equal(activations.get("silu")(x), np.maximum(x, 0))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_written_as_keras_writes_it(name: str) -> None:
    theirs = keras.activations.serialize(keras.activations.get(name))
    assert activations.serialize(activations.get(name)) == theirs


def test_none_is_linear() -> None:
    assert activations.get(None) is activations.linear


def test_keras_2_computes_hard_sigmoid_by_another_formula() -> None:
    x = np.linspace(-4, 4, 81, dtype=np.float32).reshape(9, 9)
    np.testing.assert_allclose(
        activations.get("hard_sigmoid_keras2")(x), np.clip(0.2 * x + 0.5, 0, 1), atol=1e-6
    )


@pytest.mark.parametrize(
    "config",
    [
        {"class_name": "function", "config": "relu", "module": "builtins"},
        {"class_name": "relu", "config": {}},
        "relu",
    ],
)
def test_the_forms_in_files(config: object) -> None:
    assert activations.get(config) is activations.relu


def test_a_layer_can_be_an_activation() -> None:
    x = np.array([[-1.0, 0.5, 3.0]], np.float32)
    function = activations.get(layers.ReLU(max_value=1.0))
    np.testing.assert_array_equal(function(x), [[0.0, 0.5, 1.0]])
    np.testing.assert_array_equal(activations.get(activations.serialize(function))(x), function(x))


def test_an_unknown_name_brings_up_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"^Function rely: .*Nearest: 'relu'\..*Received: 'rely'"):
        activations.get("rely")


def test_a_function_of_arrays_is_an_activation(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 4)).astype(np.float32)
    function = activations.get(np.tanh)
    np.testing.assert_array_equal(function(x), np.tanh(x))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(function))(x), np.tanh(x))


@pytest.mark.parametrize("identifier", [{"class_name": "Flatten", "config": {}}, layers.Flatten()])
def test_what_the_core_cannot_run_is_refused(identifier: object) -> None:
    with pytest.raises((UnsupportedError, ValueError), match="Received"):
        activations.get(identifier)


def test_functions_pickle_by_name() -> None:
    assert pickle.loads(pickle.dumps(activations.gelu)) is activations.gelu


# --- Keras' arguments -------------------------------------------------------------------------

ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("relu", {}),
    ("relu", {"max_value": 1.0}),
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"threshold": 0.5}),
    ("relu", {"negative_slope": 0.1, "max_value": 2.0, "threshold": 0.5}),
    ("leaky_relu", {"negative_slope": 0.4}),
    ("elu", {"alpha": 2.0}),
    ("celu", {"alpha": 2.0}),
    ("gelu", {}),
    ("gelu", {"approximate": True}),
    ("hard_shrink", {"threshold": 1.0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("squareplus", {"b": 1.0}),
    ("softmax", {"axis": 1}),
    ("log_softmax", {"axis": 1}),
    ("sparsemax", {"axis": 1}),
    ("glu", {"axis": 1}),
    ("glu", {}),
    ("threshold", {"threshold": 0.5, "default_value": -1.0}),
    ("exponential", {}),
    ("hard_tanh", {}),
]
GIVEN = pytest.mark.parametrize(
    ("name", "arguments"), ARGUMENTS, ids=[f"{n}-{'-'.join(a)}" for n, a in ARGUMENTS]
)


@pytest.mark.parametrize("name", [*NAMES, *sorted(OTHERS)])
def test_a_function_has_the_arguments_of_keras(name: str) -> None:
    ours = inspect.signature(getattr(activations, name)).parameters.values()
    theirs = inspect.signature(getattr(keras.activations, name)).parameters.values()
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@GIVEN
def test_arguments_give_the_numbers_of_keras(
    name: str, arguments: dict[str, Any], rng: np.random.Generator
) -> None:
    x = (3 * rng.standard_normal((3, 4, 6))).astype(np.float32)
    expected = np.asarray(getattr(keras.activations, name)(x, **arguments))
    received = getattr(activations, name)(x, **arguments)
    np.testing.assert_allclose(received, expected, rtol=tolerance(200, 1), atol=tolerance(8, 1))
    np.testing.assert_array_equal(getattr(activations, name)(x.tolist(), **arguments), received)


@GIVEN
def test_arguments_count_in_a_graph_and_in_its_file(
    name: str, arguments: dict[str, Any], rng: np.random.Generator, tmp_path: Path
) -> None:
    x = (3 * rng.standard_normal((3, 4, 6))).astype(np.float32)
    expected = getattr(activations, name)(x, **arguments)
    image = cnnfast.Input((4, 6))
    model = cnnfast.Model(image, getattr(activations, name)(image, **arguments))
    predicted = model.predict(x, verbose=0)
    np.testing.assert_allclose(predicted, expected, rtol=2e-6, atol=tolerance(8, 1))
    model.save(tmp_path / "model.keras")
    loaded = cnnfast.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), predicted)
    theirs = keras.models.load_model(tmp_path / "model.keras").predict(x, verbose=0)
    np.testing.assert_allclose(theirs, expected, rtol=tolerance(200, 1), atol=tolerance(8, 1))


def test_a_function_in_a_graph_is_an_operation_as_in_keras() -> None:
    for module, package in ((activations, cnnfast), (keras.activations, keras)):
        image = package.Input((4,))
        model = package.Model(image, module.sigmoid(module.elu(module.relu(image), alpha=2.0)))
        assert len(model.layers) == 1, module


# --- functions as arguments of layers ----------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_layers_function_has_a_name(name: str) -> None:
    layer = layers.Dense(2, activation=name)
    assert layer.activation.__name__ == keras.activations.get(name).__name__


SHARED = [name for name in ops.__all__ if name in FUNCTIONS]


@pytest.mark.parametrize("name", [*SHARED, "square", "exp", "sin"])
def test_an_operation_is_an_activation_and_written_as_keras_writes_it(
    name: str, rng: np.random.Generator
) -> None:
    x = (2 * rng.standard_normal((3, 4))).astype(np.float32)
    ours = layers.Activation(getattr(ops, name))
    theirs = keras.layers.Activation(getattr(keras.ops, name))
    tolerances = {"rtol": tolerance(200, 1), "atol": tolerance(8, 1)}
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), **tolerances)
    if name == "gelu":  # read again, its name would be that of the exact one, also in Keras
        with pytest.raises(UnsupportedError, match="would be taken for that of Keras' own"):
            ours.get_config()
    else:
        assert ours.get_config()["activation"] == theirs.get_config()["activation"]


@pytest.mark.parametrize("function", [ops.relu, ops.nn.relu, activations.relu, "relu"])
def test_all_forms_of_a_function_are_one(function: Any) -> None:
    assert layers.Dense(2, activation=function).activation is activations.relu


def test_an_operation_runs_in_the_core_as_an_activation() -> None:
    graph = Graph()
    activations.get(ops.gelu).lower(graph, graph.add_input((2, 3)))
    assert not any(isinstance(op, Call) for op in graph.ops)


def test_an_operation_as_an_activation_pickles() -> None:
    function = activations.get(ops.gelu)
    x = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(function))(x), function(x))
