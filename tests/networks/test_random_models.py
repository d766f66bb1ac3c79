"""Random stacks of layers, made by real Keras and loaded here from its config."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfast import layers
from parity import keras, randomize

# The class of a layer and its arguments.
Recipe: TypeAlias = tuple[str, dict[str, Any]]

NAMES = st.sampled_from(["linear", "relu", "tanh", "sigmoid", "softmax", "elu", "silu", "gelu"])
PADDINGS = st.sampled_from(["valid", "same"])
UP_TO_3 = st.integers(1, 3)


@st.composite
def convolutions(draw: st.DrawFn) -> Recipe:
    groups = draw(UP_TO_3)
    strides = draw(st.tuples(UP_TO_3, UP_TO_3))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    return "Conv2D", {
        "filters": groups * draw(st.integers(1, 5)),
        "kernel_size": draw(st.tuples(st.integers(1, 4), st.integers(1, 4))),
        "strides": strides,
        "dilation_rate": dilation if max(strides) == 1 else 1,
        "padding": draw(PADDINGS),
        "groups": groups,
        "activation": draw(NAMES),
        "use_bias": draw(st.booleans()),
    }


@st.composite
def poolings(draw: st.DrawFn) -> Recipe:
    return "MaxPooling2D", {
        "pool_size": draw(st.tuples(UP_TO_3, UP_TO_3)),
        "strides": draw(st.none() | UP_TO_3),
        "padding": draw(PADDINGS),
    }


POINTWISE: st.SearchStrategy[Recipe] = st.sampled_from(
    [
        ("BatchNormalization", {}),
        ("BatchNormalization", {"axis": 1, "center": False}),
        ("ReLU", {"max_value": 1.0, "negative_slope": 0.25}),
        ("Softmax", {"axis": 1}),
        ("Dropout", {"rate": 0.5}),
        ("Dense", {"units": 5, "activation": "hard_sigmoid"}),
    ]
) | st.builds(lambda name: ("Activation", {"activation": name}), NAMES)
SIZES = st.integers(4, 12)
IMAGES = st.tuples(SIZES, SIZES, st.integers(1, 6))
BODIES = st.lists(convolutions() | poolings() | POINTWISE, min_size=1, max_size=4)
HEADS = st.just([]) | st.builds(lambda last: [("Flatten", {}), last], POINTWISE)


def _keras_model(image: tuple[int, ...], recipes: list[Recipe]) -> Any:
    """Stack those of `recipes` that fit one on the other."""
    model = keras.Sequential([keras.layers.Input(image), keras.layers.Dropout(0.5)])
    for class_name, kwargs in recipes:
        channels = model.output_shape[-1]
        if channels % kwargs.get("groups", 1):
            continue
        layer = getattr(keras.layers, class_name)(**kwargs)
        try:
            layer.compute_output_shape(model.output_shape)
        except ValueError:
            continue
        model.add(layer)
    return model


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@settings(max_examples=25)
@given(IMAGES, BODIES, HEADS, st.integers(0, 2**32 - 1))
def test_a_random_stack_gives_the_numbers_of_keras(
    image: tuple[int, ...], body: list[Recipe], head: list[Recipe], seed: int
) -> None:
    theirs = _keras_model(image, body + head)
    ours = layers.deserialize(json.loads(theirs.to_json()))
    rng = np.random.default_rng(seed)
    randomize(theirs, ours, rng)
    x = rng.normal(size=(2, *image)).astype(np.float32)
    expected = np.asarray(theirs(x))
    assert ours.output_shape == theirs.output_shape
    # At most 6 layers, each adding the roundings of sums of fewer than 100 products: 6 * 50 eps
    # of the largest value, for both sides.
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(ours(x), expected, rtol=0, atol=600 * 1.2e-7 * scale)
