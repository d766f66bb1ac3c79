"""Real networks in Keras and here: random weights that keep them alive, files, largest error."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnnfast.saving import load_model

SUFFIXES = (".keras", ".h5")
LARGEST_ERROR = 1e-4
"""Relative to the largest output."""


@dataclass
class Comparison:
    """How one network fared; `errors` and `load_seconds` are by the ending of the file."""

    name: str
    input_shape: tuple[int | None, ...]
    layers: int
    parameters: int
    errors: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    load_seconds: dict[str, float] = field(default_factory=dict)
    run_seconds: float = math.nan

    @property
    def agrees(self) -> bool:
        """Whether every file was loaded and gave Keras' numbers."""
        return not self.problems and all(e <= LARGEST_ERROR for e in self.errors.values())

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {**asdict(self), "agrees": self.agrees}


def enliven(model: keras.Model, x: Any, rng: np.random.Generator) -> None:
    """Give `model` random weights under which no signal dies or explodes.

    Batch normalization gets the statistics that `x` really has there, moved a little: one pass
    in training mode with momentum 0 leaves them behind. Small variances are raised: dividing by
    them, a hundred layers would magnify a rounding error of the input a thousandfold.
    """
    inner = [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]
    for variable in model.variables:
        if "seed" not in variable.path and variable.path.rsplit("/", 1)[-1] != "count":
            variable.assign(_drawn(variable, rng))
    for layer in inner:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with copies of its variables
    normalizations = [x for x in inner if isinstance(x, keras.layers.BatchNormalization)]
    if not normalizations:
        return
    momenta = [layer.momentum for layer in normalizations]
    for layer in normalizations:
        layer.momentum = 0.0
    model(x, training=True)
    for layer, momentum in zip(normalizations, momenta, strict=True):
        layer.momentum = momentum
        mean, variance = (
            np.asarray(v) for v in (layer.moving_mean.value, layer.moving_variance.value)
        )
        variance = variance * rng.uniform(0.7, 1.4, variance.shape) + 0.5 * variance.mean() + 1e-3
        layer.moving_mean.assign(mean + 0.2 * np.sqrt(variance) * rng.normal(size=mean.shape))
        layer.moving_variance.assign(variance)
    _calm(model, x)


def _calm(model: keras.Model, x: Any) -> None:
    """Scale the last dense layer such that its softmax neither saturates nor magnifies rounding."""
    last = model.layers[-1]
    if isinstance(last, keras.layers.Dense):
        features = np.asarray(keras.Model(model.inputs, last.input)(x, training=False))
        size = float(np.sqrt(np.square(features).sum(axis=-1).mean()))
        kernel = np.asarray(last.kernel.value)
        last.kernel.assign(kernel / (kernel.std() * size))


def _drawn(variable: Any, rng: np.random.Generator) -> np.ndarray:
    shape, name = tuple(variable.shape), variable.path.rsplit("/", 1)[-1]
    if "variance" in name or name in ("gamma", "scale"):
        value = rng.uniform(0.6, 1.4, shape)
    elif "kernel" in name:
        inputs = math.prod(shape[:-2]) if "depthwise" in name else math.prod(shape[:-1])
        value = rng.normal(0, math.sqrt(1.5 / max(1, inputs)), shape)
    else:
        value = rng.normal(0, 0.1, shape)
    return value.astype(np.float32)


def compare(
    name: str, model: keras.Model, x: Any, suffixes: tuple[str, ...] = SUFFIXES
) -> Comparison:
    """Save `model`, load it here, and compare what both say to `x`."""
    first = keras.tree.flatten(model.input_shape if len(model.inputs) == 1 else [None])
    result = Comparison(name, tuple(first), len(model.layers), model.count_params())
    expected = keras.tree.map_structure(np.asarray, model(x, training=False))
    with tempfile.TemporaryDirectory() as folder:
        for suffix in suffixes:
            path = Path(folder) / f"model{suffix}"
            try:
                model.save(path)
            except Exception:
                continue  # Keras has no way to write this network in this format
            try:
                _judge(path, x, expected, result)
            except Exception as error:
                result.problems[suffix] = f"{type(error).__name__}: {error}"
            path.unlink()
    return result


def _judge(path: Path, x: Any, expected: Any, result: Comparison) -> None:
    start = time.perf_counter()
    ours = load_model(path, compile=False)
    result.load_seconds[path.suffix] = time.perf_counter() - start
    actual = ours(x)
    start = time.perf_counter()
    ours(x)
    result.run_seconds = time.perf_counter() - start
    pairs = zip(keras.tree.flatten(expected), keras.tree.flatten(actual), strict=True)
    result.errors[path.suffix] = max(_error(y, z) for y, z in pairs)


def _error(expected: np.ndarray, actual: np.ndarray) -> float:
    if expected.shape != actual.shape or not np.isfinite([expected, actual]).all():
        return math.inf
    return float(np.abs(expected - actual).max() / np.abs(expected).max())
