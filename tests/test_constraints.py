"""Constraints do nothing here, but a config keeps them as Keras would read them."""

from __future__ import annotations

from typing import Any

import pytest

from cnnfast import constraints, layers
from parity import keras

CONSTRAINTS: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {"max_value": 3.0, "axis": [0, 1, 2]}),
    ("NonNeg", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 2.0, "rate": 0.25, "axis": [0, 1]}),
]


@pytest.mark.parametrize(("name", "arguments"), CONSTRAINTS)
def test_a_layer_from_keras_keeps_its_constraint(name: str, arguments: dict[str, Any]) -> None:
    theirs = keras.layers.Dense(3, kernel_constraint=getattr(keras.constraints, name)(**arguments))
    ours = layers.Dense.from_config(theirs.get_config())
    assert isinstance(ours.kernel_constraint, getattr(constraints, name))
    back = keras.layers.Dense.from_config(ours.get_config())
    assert back.kernel_constraint.get_config() == theirs.kernel_constraint.get_config()


@pytest.mark.parametrize("name", [name for name, _ in CONSTRAINTS])
def test_the_defaults_are_those_of_keras(name: str) -> None:
    expected = getattr(keras.constraints, name)().get_config()
    assert getattr(constraints, name)().get_config() == expected
