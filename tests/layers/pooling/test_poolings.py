"""Poolings over windows and over everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from layer_parity import LayerParity

IMAGE = (None, 9, 7, 3)
STEPS = (None, 11, 3)
FIRST = {"data_format": "channels_first"}
SAME = {"padding": "same"}

WINDOWS: list[tuple[dict[str, Any], tuple[int | None, ...]]] = [
    ({"pool_size": 2}, IMAGE),
    ({"pool_size": (2, 3), "strides": (1, 2)}, IMAGE),
    ({"pool_size": 3, "strides": 2, **SAME}, IMAGE),
    ({"pool_size": 2, "strides": 3}, IMAGE),
    ({"pool_size": 1, "strides": 2, **SAME}, IMAGE),
    ({"pool_size": (9, 7)}, IMAGE),
    ({"pool_size": (3, 2), **SAME, **FIRST}, IMAGE),
    ({"pool_size": 2}, STEPS),
    ({"pool_size": 4, "strides": 3, **SAME}, STEPS),
    ({"pool_size": 3, "strides": 1, **FIRST}, STEPS),
]
GLOBAL: list[tuple[dict[str, Any], tuple[int | None, ...]]] = [
    ({**keep, **data_format}, shape)
    for keep in ({}, {"keepdims": True})
    for data_format in ({}, FIRST)
    for shape in (IMAGE, STEPS)
]
VOLUME = (None, 5, 4, 7, 2)
ADAPTIVE: list[tuple[dict[str, Any], tuple[int | None, ...]]] = [
    ({"output_size": 3}, IMAGE),
    ({"output_size": (4, 9)}, IMAGE),
    ({"output_size": (2, 1), **FIRST}, IMAGE),
    ({"output_size": 11}, STEPS),
    ({"output_size": 4, **FIRST}, STEPS),
    ({"output_size": (3, 4, 5)}, VOLUME),
]
CASES = [
    (f"{prefix}{kind}Pooling{len(shape) - 2}D", kwargs, shape)
    for kind in ("Max", "Average")
    for prefix, cases in (("", WINDOWS), ("Global", GLOBAL), ("Adaptive", ADAPTIVE))
    for kwargs, shape in cases
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 63


def test_padding_takes_no_part_in_the_result() -> None:
    x = np.full((1, 3, 3, 1), -2.0, np.float32)
    for cls in (layers.MaxPooling2D, layers.AveragePooling2D):
        np.testing.assert_array_equal(cls(2, padding="same")(x), np.full((1, 2, 2, 1), -2.0))


def test_short_names_are_the_same_classes() -> None:
    assert layers.AvgPool2D is layers.AveragePooling2D
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D
    assert layers.GlobalMaxPool2D is layers.GlobalMaxPooling2D


def test_a_pooling_names_itself_where_the_rank_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"layer 'p' is incompatible.*expected ndim=4"):
        layers.GlobalMaxPooling2D(name="p")(np.zeros((2, 3, 4)))
