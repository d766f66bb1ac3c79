"""Integers that go into a network: the numbers of Keras, which does not cast them, or a refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import Input, Model, Sequential, layers
from cnnfast.errors import UnsupportedError
from parity import keras

IMAGE = (8, 6, 4)
# Sums of two that fit into each dtype, so that Keras' own arithmetic does not overflow.
LIMITS = {"uint8": (0, 255), "int32": (-9, 9)}

SAME = [
    ("AveragePooling2D", {"pool_size": 2}, "int32"),
    ("CenterCrop", {"height": 12, "width": 5}, "uint8"),
    ("Concatenate", {}, "uint8"),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, "uint8"),
    ("Cropping2D", {"cropping": 1}, "uint8"),
    ("Flatten", {}, "uint8"),
    ("GlobalAveragePooling2D", {}, "uint8"),
    ("MaxPooling2D", {"pool_size": 3, "padding": "same"}, "uint8"),
    ("Multiply", {}, "int32"),
    ("ReLU", {}, "int32"),
    ("Rescaling", {"scale": 0.25}, "uint8"),
    ("Resizing", {"height": 5, "width": 12, "interpolation": "nearest"}, "uint8"),
    ("UpSampling2D", {"size": (2, 3)}, "uint8"),
    ("ZeroPadding2D", {}, "uint8"),
]
ROUNDED = [
    ("Resizing", {"height": 5, "width": 12}, "int32"),
    ("UpSampling2D", {"interpolation": "bicubic"}, "uint8"),
    ("UpSampling2D", {"interpolation": "bilinear"}, "int32"),
]
OTHER_NUMBERS = [
    ("Add", {}, "uint8"),
    ("Average", {}, "uint8"),
    ("AveragePooling2D", {"pool_size": 2}, "uint8"),
    ("LayerNormalization", {}, "int32"),
    ("ReLU", {"negative_slope": 0.5}, "int32"),
]


def network(kit: Any, class_name: str, kwargs: dict[str, Any], dtype: str) -> Any:
    x = kit.Input(IMAGE, dtype=dtype)
    layer = getattr(kit.layers, class_name)(**kwargs)
    # What is behind the layer shows the dtype of its output: it rounds integers only.
    y = layer([x, x] if class_name in ("Add", "Average", "Concatenate", "Multiply") else x)
    if len(y.shape) == 4:
        y = kit.layers.Resizing(7, 11)(y)
    return kit.Model(x, y)


def numbers(rng: np.random.Generator, dtype: str) -> np.ndarray[Any, Any]:
    return rng.integers(*LIMITS[dtype], (2, *IMAGE), endpoint=True).astype(dtype)


def outputs(
    case: tuple[str, dict[str, Any], str], rng: np.random.Generator
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    theirs = network(keras, *case)
    x = numbers(rng, case[2])
    return cnnfast.from_keras(theirs).predict(x, verbose=0), theirs.predict(x, verbose=0)


@pytest.mark.parametrize("case", SAME + ROUNDED, ids=lambda case: "-".join(map(str, case)))
def test_integers_stay_integers_through_layers_that_do_not_cast(
    case: tuple[str, dict[str, Any], str], rng: np.random.Generator
) -> None:
    actual, expected = outputs(case, rng)
    difference = np.abs(actual - expected.astype(np.float64))
    if expected.dtype.kind == "f":
        assert difference.max() <= 1e-5 * np.abs(expected).max()
    else:
        np.testing.assert_array_equal(actual, np.rint(actual))
        # Halves, which float32 may miss on either side, go either way.
        assert difference.max() <= 2
        assert np.mean(difference > 0) < 0.1


@pytest.mark.parametrize("case", OTHER_NUMBERS, ids=lambda case: "-".join(map(str, case)))
def test_what_depends_on_integer_arithmetic_is_refused_at_load(
    case: tuple[str, dict[str, Any], str],
) -> None:
    with pytest.raises(UnsupportedError, match=f"(?s)Keras computes this layer.*{case[2]}"):
        cnnfast.from_keras(network(keras, *case))


def test_arrays_of_integers_are_refused_by_the_same_layers() -> None:
    x = np.full((1, 2, 2, 1), 200, np.uint8)
    with pytest.raises(UnsupportedError, match="uint8"):
        layers.AveragePooling2D(2)(x)
    with pytest.raises(UnsupportedError, match="uint8"):
        layers.Add()([x, x])


def test_arrays_of_integers_are_rounded_and_floats_not() -> None:
    layer = layers.UpSampling2D((1, 2), interpolation="bilinear")
    x = np.array([0, 1, 5, 200], np.uint8).reshape(1, 1, 4, 1)
    expected = np.asarray(keras.layers.UpSampling2D((1, 2), interpolation="bilinear")(x))
    np.testing.assert_array_equal(layer(x), expected)
    assert layer(x.astype(np.float32))[0, 0, 1, 0] == 0.25


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_floats_for_an_input_of_integers_lose_fractions_and_stop_at_its_limits(
    kind: str, dtype: str
) -> None:
    x = np.array([[1.7, 2.5, -3.2, 300.4, 5e9]], np.float32)

    def made(kit: Any) -> Any:
        start = kit.Input((5,), dtype=dtype)
        if kind == "sequential":
            return kit.Sequential([start, kit.layers.Rescaling(0.5)])
        return kit.Model(start, kit.layers.Rescaling(0.5)(start))

    expected = made(keras).predict(x, verbose=0)
    np.testing.assert_allclose(made(cnnfast).predict(x, verbose=0), expected, rtol=1e-6)


def test_a_model_of_integers_is_not_called_on_floats() -> None:
    inner = Sequential([Input((4,), dtype="int32", name="whole"), layers.Rescaling(0.5)])
    x = Input((4,))
    with pytest.raises(UnsupportedError, match=r"'whole'.*int32.*Received: float32"):
        inner(x)


def test_a_nested_model_casts_integers_to_its_own_floats(rng: np.random.Generator) -> None:
    inner = Sequential([Input(IMAGE), layers.AveragePooling2D(2)])
    x = Input(IMAGE, dtype="uint8")
    images = numbers(rng, "uint8")
    expected = layers.AveragePooling2D(2)(images.astype(np.float32))
    np.testing.assert_array_equal(Model(x, inner(x)).predict(images, verbose=0), expected)
