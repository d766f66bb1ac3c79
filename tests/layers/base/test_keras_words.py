"""Errors that scripts may match on: of Keras' type, with the words that Keras has for them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import cnnfast
from parity import keras

Case = tuple[str, dict[str, Any], tuple[int, ...] | None, type[Exception], str]

NOISE = "Invalid value received for argument `noise_shape`. Expected "
CASES: list[Case] = [
    ("ReLU", {"max_value": -10}, None, ValueError, "max_value of a ReLU layer cannot be a neg"),
    (
        *("ReLU", {"negative_slope": None}, None, ValueError),
        "negative_slope of a ReLU layer cannot be None or a negative value",
    ),
    (
        *("ReLU", {"threshold": None}, None, ValueError),
        "threshold of a ReLU layer cannot be None or a negative value",
    ),
    (
        *("LeakyReLU", {"negative_slope": None}, None, ValueError),
        "The negative_slope value of a Leaky ReLU layer cannot be None or",
    ),
    ("RepeatVector", {"n": "3"}, None, TypeError, "Expected an integer value for `n`"),
    ("RepeatVector", {"n": 3.5}, None, TypeError, "Expected an integer value for `n`"),
    ("UpSampling1D", {"size": True}, None, TypeError, "Expected an integer value for `size`"),
    (
        *("Cropping1D", {"cropping": (3, 3)}, (2, 5, 7), ValueError),
        "`cropping` parameter of `Cropping1D` layer must be smaller than",
    ),
    (
        *("Cropping2D", {"cropping": ((3, 3), (0, 0))}, (2, 5, 5, 7), ValueError),
        "Values in `cropping` argument should be smaller than the corresponding spatial dimension",
    ),
    (
        *("Cropping3D", {"cropping": ((3, 3), (0, 0), (0, 0))}, (2, 5, 5, 5, 7), ValueError),
        "Values in `cropping` argument should be smaller than the",
    ),
    ("Dropout", {"rate": 0.5, "noise_shape": "no"}, None, ValueError, NOISE + "a tuple or list"),
    (
        *("Dropout", {"rate": 0.5, "noise_shape": (2, 1.5)}, None, ValueError),
        NOISE + "all elements to be integers or None",
    ),
    (
        *("Dropout", {"rate": 0.5, "noise_shape": (2, -1)}, None, ValueError),
        NOISE + "all dimensions to be positive integers or None",
    ),
    (
        *("Dropout", {"rate": 0.5, "noise_shape": (2, 0)}, None, ValueError),
        NOISE + "all dimensions to be positive integers or None",
    ),
    ("LayerNormalization", {"axis": "x"}, None, TypeError, "axis"),
    ("UnitNormalization", {"axis": "x"}, None, TypeError, "axis"),
    (
        *("GroupNormalization", {"groups": 5}, (2, 2, 2, 4), ValueError),
        "cannot be more than the number of channels",
    ),
    ("Embedding", {"input_dim": 3.7, "output_dim": 2}, None, ValueError, "`input_dim` must be a p"),
    ("Embedding", {"input_dim": 3, "output_dim": 0}, None, ValueError, "`output_dim` must be a p"),
    ("Wrapper", {"layer": "no layer"}, None, ValueError, "isn't a supported layer type. Please en"),
]


@pytest.mark.parametrize(("name", "kwargs", "shape", "kind", "words"), CASES)
def test_an_error_has_the_type_and_the_words_that_it_has_in_keras(
    name: str,
    kwargs: dict[str, Any],
    shape: tuple[int, ...] | None,
    kind: type[Exception],
    words: str,
) -> None:
    def run(package: Any) -> None:
        layer = getattr(package.layers, name)(**kwargs)
        if shape is not None:
            layer(np.zeros(shape, np.float32))

    for package in (keras, cnnfast):
        with pytest.raises(kind, match=re.escape(words)):
            run(package)
