"""Activation layers, with and without weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import activations, layers
from layer_parity import LayerParity
from parity import keras, plain

IMAGE = (None, 5, 4, 6)

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("LeakyReLU", {}, IMAGE),
    ("LeakyReLU", {"negative_slope": 0.1}, (None, 5)),
    ("ELU", {}, IMAGE),
    ("ELU", {"alpha": 0.5}, (None, 5)),
    ("PReLU", {}, IMAGE),
    ("PReLU", {"shared_axes": [1, 2]}, IMAGE),
    ("PReLU", {"shared_axes": 3, "alpha_initializer": "he_normal"}, IMAGE),
    ("PReLU", {"alpha_regularizer": "l2", "alpha_constraint": "non_neg"}, (None, 5)),
    ("Activation", {"activation": "log_softmax"}, IMAGE),
    ("Activation", {"activation": "sparsemax"}, IMAGE),
    ("Activation", {"activation": "sparsemax"}, (None, 1)),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 10


def test_glu_multiplies_by_gates_and_halves_the_channels(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 4, 6)).astype(np.float32)
    layer = layers.Activation("glu")
    assert layer.compute_output_shape((None, 3, 4, 6)) == (None, 3, 4, 3)
    expected = np.asarray(keras.activations.glu(x))
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)
    np.testing.assert_allclose(activations.glu(x), expected, atol=1e-6)


def test_glu_needs_an_even_number_of_channels() -> None:
    with pytest.raises(ValueError, match=r"even size\. Received"):
        activations.glu(np.zeros((2, 3), np.float32))


def test_log_softmax_of_large_numbers_is_finite() -> None:
    x = np.array([[1000.0, 0.0, -1000.0]], np.float32)
    np.testing.assert_array_equal(activations.log_softmax(x), [[0.0, -1000.0, -2000.0]])


def test_sparsemax_has_the_numbers_of_keras_also_where_some_are_equal(
    rng: np.random.Generator,
) -> None:
    x = rng.normal(0, 1, size=(50, 20)).astype(np.float32)
    x[0] = 0.0
    x[1:20] = np.round(x[1:20] * 4) / 4
    expected = np.asarray(keras.activations.sparsemax(x))
    np.testing.assert_allclose(activations.sparsemax(x), expected, atol=1e-5)


def test_threshold_replaces_what_is_not_above() -> None:
    x = np.array([[-1.0, 0.5, 0.51]], np.float32)
    np.testing.assert_array_equal(
        activations.threshold(x, 0.5, -7.0), np.array([[-7.0, -7.0, 0.51]], np.float32)
    )


def test_thresholded_relu_of_keras_2() -> None:
    config = {"class_name": "ThresholdedReLU", "config": {"name": "t", "theta": 0.5}}
    layer = layers.deserialize(config)
    x = np.array([[-1.0, 0.5, 0.51]], np.float32)
    np.testing.assert_array_equal(layer(x), np.array([[0, 0, 0.51]], np.float32))
    assert layer.get_config()["theta"] == 0.5


@pytest.mark.parametrize("slope", [0.1, {"type": "ndarray", "value": 0.1}])
def test_leaky_relu_of_keras_2_calls_its_slope_alpha(slope: Any) -> None:
    layer = layers.LeakyReLU.from_config({"name": "l", "alpha": slope})
    assert layer.negative_slope == 0.1


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.LeakyReLU(0.1, name="a"),
        keras.layers.ELU(0.5, name="a"),
        keras.layers.Softmax(axis=1, name="a"),
    ],
)
def test_an_activation_layer_can_be_an_activation(layer: Any, rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 6, 3)).astype(np.float32)
    config = plain(keras.saving.serialize_keras_object(layer))
    function = activations.get(config)
    np.testing.assert_allclose(function(x), np.asarray(layer(x)), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.LeakyReLU(-0.1), "negative_slope"),
        (lambda: layers.LeakyReLU(None), "negative_slope"),
        (lambda: layers.ThresholdedReLU(-1.0), "theta"),
        (lambda: layers.PReLU(shared_axes="x"), "shared_axes"),  # type: ignore[arg-type]
        (lambda: layers.PReLU(shared_axes=4).build((None, 3, 3, 2)), "between 1 and 3"),
        (lambda: layers.PReLU().build((None, None, 3, 2)), "must be fully-defined"),
    ],
)
def test_what_is_illegal_is_refused(make: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule) as error:
        make()
    assert "Received" in str(error.value)
