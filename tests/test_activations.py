"""Activation functions: names, numbers against Keras, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from cnnfast import activations, layers
from cnnfast.errors import UnsupportedError
from parity import keras
from reference import tolerance

# Not functions of one array that keep its shape.
OTHERS = {"glu", "threshold"}
NAMES = sorted(set(keras.src.activations.ALL_OBJECTS_DICT) - OTHERS)


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
