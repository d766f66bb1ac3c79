"""The same model in real Keras and here, tensor by tensor.

Keras reads the file only after this package has: a file that names anything but known layers
has been refused by then.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from cnnfast.models import Model

Tensors = dict[tuple[str, int, int], npt.NDArray[Any]]
"""Outputs by the name of the layer, the number of its call and the number of the output."""

LARGEST_ERROR = 1e-4
"""Relative to the largest number of the tensor."""


@dataclass(frozen=True)
class LayerError:
    """How far a layer's output is from Keras', relative to its largest number."""

    name: str
    class_name: str
    relative_error: float


@dataclass
class Comparison:
    """What Keras makes of the same file and input.

    Attributes
    ----------
    problem
        Why there is nothing to compare with; None if there is.
    layers
        The layers that could be compared, in the order in which they run.
    largest_relative_error
        Of the outputs of the whole model.
    """

    keras_version: str = ""
    backend: str = ""
    problem: str | None = None
    layers: list[LayerError] = field(default_factory=list)
    largest_relative_error: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether the model gives Keras' numbers."""
        return self.largest_relative_error <= LARGEST_ERROR

    @property
    def first_difference(self) -> LayerError | None:
        """The first layer whose output is not Keras'."""
        return next(
            (layer for layer in self.layers if not layer.relative_error <= LARGEST_ERROR), None
        )


def is_installed() -> bool:
    """Whether there is a Keras to compare with."""
    return importlib.util.find_spec("keras") is not None


def compare(path: str, ours: Model, inputs: Any) -> Comparison:
    """Load the file in Keras and compare everything on the way from `inputs` to the outputs."""
    try:
        import keras  # type: ignore[import-untyped]
    except Exception as error:
        return Comparison(problem=f"Keras cannot be imported: {error}")
    result = Comparison(keras.__version__, keras.backend.backend())
    try:
        theirs = keras.saving.load_model(path, compile=False)
        expected = _flat(theirs(inputs, training=False))
    except Exception as error:
        result.problem = f"Keras cannot run the file: {type(error).__name__}: {error}"
        return result
    pairs = zip(expected, _flat(ours(inputs)), strict=True)
    result.largest_relative_error = max(relative_error(y, z) for y, z in pairs)
    result.layers = list(_layer_errors(theirs, ours, inputs))
    return result


def relative_error(expected: npt.NDArray[Any], actual: npt.NDArray[Any]) -> float:
    """Return the largest difference, relative to the largest expected number."""
    if expected.shape != actual.shape:
        return float("inf")
    if expected.size == 0 or np.array_equal(expected, actual, equal_nan=True):
        return 0.0
    error = float(np.abs(expected - actual).max()) / (float(np.abs(expected).max()) or 1.0)
    return float("inf") if math.isnan(error) else error


def _layer_errors(theirs: Any, ours: Model, inputs: Any) -> Iterator[LayerError]:
    actual, classes = _our_tensors(ours, inputs)
    expected = _their_tensors(theirs, inputs)
    for key, value in actual.items():
        if key in expected:
            yield LayerError(key[0], classes[key[0]], relative_error(expected[key], value))


def _their_tensors(model: Any, inputs: Any) -> Tensors:
    import keras

    symbols: dict[tuple[str, int, int], Any] = {}
    graph = getattr(model, "_functional", None) or model
    by_depth: Mapping[int, list[Any]] = getattr(graph, "_nodes_by_depth", {})
    inside = {id(node) for nodes in by_depth.values() for node in nodes}
    for operation in getattr(graph, "operations", ()):
        calls = [node for node in operation._inbound_nodes if id(node) in inside]
        symbols |= _numbered(operation.name, calls)
    if not symbols:
        return {}
    tracing = keras.Model(graph._inputs_struct, list(symbols.values()))
    return dict(zip(symbols, _flat(tracing(inputs, training=False)), strict=True))


def _our_tensors(model: Model, inputs: Any) -> tuple[Tensors, dict[str, str]]:
    """Return what comes out of every layer, and the layers' classes, in the order they run."""
    from cnnfast.models.functional import Functional

    if not isinstance(model, Functional):
        return _stacked(model, inputs)
    symbols: dict[tuple[str, int, int], Any] = {}
    inside = {id(node) for node in model.nodes}
    for node in model.nodes:
        operation = node.operation
        calls = [call for call in operation._inbound_nodes if id(call) in inside]
        symbols |= _numbered(operation.name, calls)
    tracing = Functional(model.input, list(symbols.values()))
    classes = {node.operation.name: type(node.operation).__name__ for node in model.nodes}
    return dict(zip(symbols, _flat(tracing(inputs)), strict=True)), classes


def _stacked(model: Model, inputs: Any) -> tuple[Tensors, dict[str, str]]:
    found: Tensors = {}
    x = inputs
    for layer in model.layers:
        x = layer(x)
        found |= {(layer.name, 0, number): y for number, y in enumerate(_flat(x))}
    return found, {layer.name: type(layer).__name__ for layer in model.layers}


def _numbered(name: str, calls: list[Any]) -> dict[tuple[str, int, int], Any]:
    return {
        (name, number, place): tensor
        for number, node in enumerate(calls)
        for place, tensor in enumerate(node.outputs)
    }


def _flat(structure: Any) -> list[npt.NDArray[Any]]:
    from cnnfast.utils import tree

    return [np.asarray(leaf) for leaf in tree.flatten(structure)]
