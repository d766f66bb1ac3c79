"""What a layer demands of its inputs: the arguments of Keras, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.layers import InputSpec
from parity import keras

RULES: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({"ndim": 3}, (2, 4)),
    ({"min_ndim": 3}, (2, 4)),
    ({"max_ndim": 3}, (2, 4, 4, 4)),
    ({"axes": {-1: 3}}, (2, 4)),
    ({"shape": (None, 5)}, (2, 4)),
    ({"shape": (None, 5, 5)}, (2, 5)),
    ({"dtype": "int32"}, (2, 4)),
    ({"shape": (None, 28, 1), "allow_last_axis_squeeze": True}, (2, 27)),
]
ALLOWED: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({}, (2, 4)),
    ({"ndim": 2, "axes": {1: 4}}, (2, 4)),
    ({"shape": (None, 28, 1), "allow_last_axis_squeeze": True}, (2, 28)),
    ({"shape": (None, None)}, (2, 9)),
]


def layer_with(package: Any, arguments: dict[str, Any]) -> Any:
    class Asking(package.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="asking")
            self.input_spec = package.layers.InputSpec(**arguments)

        def call(self, x: Any) -> Any:
            return x * 2

    return Asking()


@pytest.mark.parametrize(("arguments", "shape"), RULES)
def test_what_keras_refuses_is_refused(arguments: Any, shape: Any) -> None:
    for package in (keras, cnnfast):
        with pytest.raises(ValueError, match="incompatible with the layer: expected"):
            layer_with(package, arguments)(np.ones(shape, np.float32))


@pytest.mark.parametrize(("arguments", "shape"), ALLOWED)
def test_what_keras_takes_is_taken(arguments: Any, shape: Any) -> None:
    for package in (keras, cnnfast):
        assert layer_with(package, arguments)(np.ones(shape, np.float32)).shape == shape


@pytest.mark.parametrize("arguments", [arguments for arguments, _ in (*RULES, *ALLOWED)])
def test_a_config_and_a_text_are_those_of_keras(arguments: Any) -> None:
    ours, theirs = InputSpec(**arguments), keras.layers.InputSpec(**arguments)
    assert ours.get_config() == theirs.get_config()
    assert repr(ours) == repr(theirs)
    assert InputSpec.from_config(ours.get_config()).get_config() == ours.get_config()


def test_several_inputs_each_have_their_own() -> None:
    class Two(cnnfast.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.input_spec = [InputSpec(ndim=2), InputSpec(ndim=4)]

        def call(self, inputs: Any) -> Any:
            return inputs[0]

    vector, image = np.ones((2, 3), np.float32), np.ones((2, 4, 4, 1), np.float32)
    assert Two()([vector, image]).shape == (2, 3)
    with pytest.raises(ValueError, match=r"Input 1 .*expected ndim=4"):
        Two()([vector, vector])
    with pytest.raises(ValueError, match="expects 2 input"):
        Two()([vector])


@pytest.mark.parametrize("package", [keras, cnnfast])
def test_axes_must_be_numbers_of_axes(package: Any) -> None:
    with pytest.raises(TypeError, match="must be a dict with integer keys"):
        package.layers.InputSpec(axes={"last": 3})
    with pytest.raises(ValueError, match="Axis 4 is greater than the maximum allowed value: 1"):
        package.layers.InputSpec(ndim=2, axes={4: 3})
