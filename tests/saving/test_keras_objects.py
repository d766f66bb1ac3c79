"""Objects of every kind as Keras describes them, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.saving import deserialize_keras_object, serialize_keras_object
from parity import keras

KINDS: dict[str, Any] = {
    "a layer": lambda k: k.layers.Dense(3, activation="relu", name="d"),
    "layers in containers": lambda k: {"a": (1, k.layers.ReLU(name="r")), "b": [2.5, None]},
    "an activation": lambda k: k.activations.relu,
    "a loss": lambda k: k.losses.BinaryCrossentropy(from_logits=True),
    "an optimizer": lambda k: k.optimizers.SGD(0.5),
    "an initializer": lambda k: k.initializers.Constant(2.0),
    "an array": lambda k: np.arange(3, dtype="int32"),
    "a number of NumPy": lambda k: np.float32(2),
    "a slice": lambda k: slice(1, None, 2),
    "bytes": lambda k: b"ab",
    "a policy": lambda k: k.DTypePolicy("float32"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_description_is_that_of_keras(kind: str) -> None:
    for package in (keras, cnnfast):
        package.backend.clear_session()  # names are counted
    theirs, ours = KINDS[kind](keras), KINDS[kind](cnnfast)
    described = serialize_keras_object(ours)
    assert described == keras.saving.serialize_keras_object(theirs)
    assert serialize_keras_object(deserialize_keras_object(described)) == (
        keras.saving.serialize_keras_object(keras.saving.deserialize_keras_object(described))
    )


def test_what_is_registered_comes_back() -> None:
    @cnnfast.saving.register_keras_serializable("test_keras_objects")
    def halved(x: Any) -> Any:
        return x / 2

    @cnnfast.saving.register_keras_serializable("test_keras_objects")
    class Setting:
        def __init__(self, size: int) -> None:
            self.size = size

        def get_config(self) -> dict[str, Any]:
            return {"size": self.size}

    described = serialize_keras_object([halved, Setting(3)])
    assert [item["registered_name"] for item in described] == [
        "function",
        "test_keras_objects>Setting",
    ]
    function, setting = deserialize_keras_object(described)
    assert function(4.0) == 2.0
    assert (type(setting), setting.size) == (Setting, 3)


def test_what_cannot_be_found_again_is_refused() -> None:
    for wrong in (lambda x: x, object(), np.exp):
        with pytest.raises(ValueError, match=r"described by a config\. Received: "):
            serialize_keras_object(wrong)
    unknown = {"module": "builtins", "class_name": "function", "config": "evil>system"}
    with pytest.raises(ValueError, match="evil"):
        deserialize_keras_object(unknown)


def _with_parts(k: Any) -> Any:
    """Return a model with a layer whose config has objects as they are."""

    @k.saving.register_keras_serializable("parts")
    class Around(k.layers.Layer):  # type: ignore[misc]
        def __init__(self, inner: Any, initializers: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner, self.initializers = inner, initializers

        def call(self, x: Any) -> Any:
            return self.inner(x)

        def get_config(self) -> dict[str, Any]:
            own = {"inner": self.inner, "initializers": self.initializers}
            return {**super().get_config(), **own}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            made = {
                name: k.saving.deserialize_keras_object(config.pop(name))
                for name in ("inner", "initializers")
            }
            return cls(**config, **made)

    inputs = k.Input((3,))
    return k.Model(inputs, Around(k.layers.Dense(2), [k.initializers.Zeros()])(inputs))


def test_objects_that_a_config_has_as_they_are_go_into_files(tmp_path: Path) -> None:
    x = np.ones((2, 3), np.float32)
    models = [_with_parts(k) for k in (keras, cnnfast)]
    for name, model in zip(("theirs", "ours"), models, strict=True):
        model.save(tmp_path / f"{name}.keras")
        for k in (keras, cnnfast):
            again = k.saving.load_model(tmp_path / f"{name}.keras")
            np.testing.assert_allclose(np.asarray(again(x)), np.asarray(model(x)), atol=1e-6)
