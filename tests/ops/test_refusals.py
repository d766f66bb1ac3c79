"""What Keras' operations refuse, and what would be a number that nobody meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from parity import keras

X = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
CASES: list[tuple[str, Callable[[Any, Any], Any]]] = [
    ("Axes must be", lambda ops, x: ops.rot90(x, axes=(1, 1))),
    ("Axes must be", lambda ops, x: ops.rot90(x, axes=(1, -3))),
    ("Each dimension in `newshape` must be", lambda ops, x: ops.reshape(x, (-1, -2, -6))),
    (
        "`constant_values` can only be provided when",
        lambda ops, x: ops.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), "reflect", constant_values=3),
    ),
]


@pytest.mark.parametrize(("words", "act"), CASES)
def test_what_keras_refuses_is_refused_in_its_words(
    words: str, act: Callable[[Any, Any], Any]
) -> None:
    # Keras notices some of them when the graph runs.
    for package, x in ((keras, X), (cnnfast, X), (cnnfast, cnnfast.Input((2, 2, 3)))):
        with pytest.raises(ValueError, match=re.escape(words)):
            act(package.ops, x)


@pytest.mark.parametrize("name", ["rgb_to_hsv", "hsv_to_rgb"])
def test_colours_of_whole_numbers_are_refused_as_in_keras(name: str) -> None:
    for package in (keras, cnnfast):
        for x in (X.astype(np.uint8), package.Input((2, 2, 3), dtype="int32")):
            with pytest.raises(ValueError, match="Invalid images dtype: expected float dtype"):
                getattr(package.ops.image, name)(x)


def test_a_histogram_of_several_axes_is_refused_as_in_keras() -> None:
    for package in (keras, cnnfast):
        with pytest.raises(ValueError, match="Input tensor must be 1-dimensional"):
            package.ops.histogram(X)
