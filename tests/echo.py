"""Models whose predictions are their inputs, here and in Keras, so that only scores differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from cnnfast.models.inference import Inference


class EchoExecutor:
    """Runs a network that returns its inputs."""

    def run(self, inputs: Any, outputs: Any = None, threads: Any = None) -> list[np.ndarray]:
        """Copy the inputs to `outputs`, or to new arrays."""
        if outputs is None:
            return [x.copy() for x in inputs]
        for source, target in zip(inputs, outputs, strict=True):
            target[...] = source
        return list(outputs)


class Echo(Inference):
    """A model of as many outputs as inputs, which are returned unchanged."""

    _executor = EchoExecutor()

    def _prepare(self, x: Any) -> list[np.ndarray]:
        parts = x.values() if isinstance(x, dict) else x if isinstance(x, list) else [x]
        return [np.ascontiguousarray(part, np.float32) for part in parts]

    def _pack(self, outputs: Sequence[np.ndarray]) -> Any:
        return outputs[0] if len(outputs) == 1 else list(outputs)


@pytest.fixture
def echo() -> Echo:
    """Give a model that returns its inputs."""
    return Echo(name="echo")


@pytest.fixture
def keras_echo(keras: Any) -> Callable[..., Any]:
    """Give a maker of Keras models that return their inputs, of the given shapes."""

    def make(*shapes: tuple[int, ...], names: tuple[str, ...] = ("out",)) -> Any:
        inputs = [keras.Input(shape) for shape in shapes]
        outputs = [
            keras.layers.Identity(name=name)(x) for name, x in zip(names, inputs, strict=True)
        ]
        single = len(shapes) == 1
        return keras.Model(inputs[0] if single else inputs, outputs[0] if single else outputs)

    return make
