"""Layers of the user's own beside the same operations written into the graph.

Each layer is built twice: as a class whose `call` is traced, and as a functional model that applies
the same operations one by one. The two take turns; their outputs must be the same bits. Tracing
and planning are timed once each. With ``--keras`` the class runs in Keras' `predict`, too, on
Keras' backend, from the same source text with other imports. With ``--onnx`` (the `bench` extra)
what tf2onnx makes of Keras' layer takes turns with ours in ONNX Runtime, after their outputs were
compared::

    python benchmarks/own_layers.py
    python benchmarks/own_layers.py --keras --onnx --threads 1

"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import cnnfast
from cnnfast.cli.arguments import positive_int

LIMIT = 1.02
"""The most that a traced layer may take, over the functional form."""

SOURCE = """
import keras
from keras import layers, ops


class SqueezeExcite(layers.Layer):
    shape = (56, 56, 64)

    def build(self, input_shape):
        self.down = layers.Dense(input_shape[-1] // 4, activation="relu")
        self.up = layers.Dense(input_shape[-1], activation="sigmoid")

    def call(self, x):
        gate = self.up(self.down(ops.mean(x, axis=[1, 2])))
        return x * ops.reshape(gate, (-1, 1, 1, x.shape[-1]))


class InstanceNormalization(layers.Layer):
    shape = (56, 56, 64)

    def build(self, input_shape):
        self.gamma = self.add_weight(name="gamma", shape=input_shape[-1:], initializer="ones")
        self.beta = self.add_weight(name="beta", shape=input_shape[-1:], initializer="zeros")

    def call(self, x):
        mean = ops.mean(x, axis=[1, 2], keepdims=True)
        variance = ops.var(x, axis=[1, 2], keepdims=True)
        return (x - mean) * ops.rsqrt(variance + 1e-5) * self.gamma + self.beta


class CBAM(layers.Layer):
    shape = (56, 56, 64)

    def build(self, input_shape):
        self.down = layers.Dense(input_shape[-1] // 8, activation="relu")
        self.up = layers.Dense(input_shape[-1])
        self.where = layers.Conv2D(1, 7, padding="same", activation="sigmoid")

    def call(self, x):
        mean = self.up(self.down(ops.mean(x, axis=[1, 2], keepdims=True)))
        most = self.up(self.down(ops.max(x, axis=[1, 2], keepdims=True)))
        x = x * ops.sigmoid(mean + most)
        maps = [ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)]
        return x * self.where(ops.concatenate(maps, axis=-1))


class ResidualBlock(layers.Layer):
    shape = (28, 28, 128)

    def build(self, input_shape):
        filters = input_shape[-1]
        self.convs = [layers.Conv2D(filters, 3, padding="same") for _ in range(2)]
        self.norms = [layers.BatchNormalization() for _ in range(2)]

    def call(self, x):
        y = ops.relu(self.norms[0](self.convs[0](x)))
        return ops.relu(self.norms[1](self.convs[1](y)) + x)


class GeM(layers.Layer):
    shape = (14, 14, 512)

    def call(self, x):
        powers = ops.power(ops.maximum(x, 1e-6), 3.0)
        return ops.power(ops.mean(powers, axis=[1, 2]), 1.0 / 3.0)


class TransformerBlock(layers.Layer):
    shape = (196, 192)

    def build(self, input_shape):
        width = input_shape[-1]
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.attention = layers.MultiHeadAttention(3, width // 3)
        self.widen = layers.Dense(4 * width, activation="gelu")
        self.narrow = layers.Dense(width)

    def call(self, x):
        y = self.norms[0](x)
        x = x + self.attention(y, y)
        return x + self.narrow(self.widen(self.norms[1](x)))


class Boxes(layers.Layer):
    shape = (40, 40, 48)

    def call(self, x):
        x = ops.reshape(x, (-1, 1600, 48))
        centers = ops.sigmoid(x[..., :16]) * 2.0 - 0.5
        sizes = ops.exp(x[..., 16:32])
        return ops.concatenate([centers - sizes / 2, centers + sizes / 2, x[..., 32:]], axis=-1)
"""
LAYERS = (
    *("SqueezeExcite", "InstanceNormalization", "CBAM", "ResidualBlock", "GeM"),
    *("TransformerBlock", "Boxes"),
)


def main() -> int:
    """Measure and print; 1 if a layer takes more than the functional form by the limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=positive_int, default=25)
    parser.add_argument("--seconds", type=float, default=0.05, help="length of one turn")
    parser.add_argument("--threads", type=positive_int, default=1)
    parser.add_argument("--keras", action="store_true", help="time Keras' predict, too")
    parser.add_argument("--onnx", action="store_true", help="time ONNX Runtime, too")
    args = parser.parse_args()
    cnnfast.set_num_threads(args.threads)
    ours = written_for("cnnfast")
    theirs = written_for("keras") if args.keras else None
    ratios = []
    print(
        f"{'layer':22} traced ms  functional ms  ratio  tracing ms  first call ms  Keras ms  "
        "ONNX Runtime ms  over ours"
    )
    for name in LAYERS:
        ratios.append(measure(name, ours, theirs, args))
    print(f"geometric mean {statistics.geometric_mean(ratios):.3f}, largest {max(ratios):.3f}")
    return int(max(ratios) > LIMIT)


def written_for(package: str) -> ModuleType:
    """Return the module that the source text is, with the imports of `package`."""
    text = SOURCE
    if package != "keras":
        text = text.replace("import keras", f"import {package} as keras")
        text = text.replace("from keras", f"from {package}")
    module = ModuleType(f"own_layers_of_{package}")
    sys.modules[module.__name__] = module
    exec(text, vars(module))
    return module


def measure(
    name: str, ours: ModuleType, theirs: ModuleType | None, args: argparse.Namespace
) -> float:
    """Print the row of one layer; return how much longer it takes traced."""
    cls = getattr(ours, name)
    x = np.random.default_rng(0).random((1, *cls.shape), np.float32)
    layer = cls()
    began = time.perf_counter()
    traced = of_inputs(cls.shape, layer)
    tracing = time.perf_counter() - began
    began = time.perf_counter()
    traced.predict_on_batch(x)
    first = time.perf_counter() - began
    functional = of_inputs(cls.shape, layer.call)
    np.testing.assert_array_equal(traced.predict_on_batch(x), functional.predict_on_batch(x))
    calls = [lambda: traced.predict_on_batch(x), lambda: functional.predict_on_batch(x)]
    times = rounds(calls, args.rounds, args.seconds)
    ratio = statistics.median(a / b for a, b in zip(*times, strict=True))
    row = [statistics.median(times[0]), statistics.median(times[1])]
    keras_time = "" if theirs is None else f"{1e3 * in_keras(getattr(theirs, name), x, args):.3f}"
    print(
        f"{name:22} {1e3 * row[0]:9.3f}  {1e3 * row[1]:13.3f}  {ratio:5.3f}  {1e3 * tracing:10.2f}"
        f"  {1e3 * first:13.2f} {keras_time:>9}{beside_onnx(name, traced, args)}",
        flush=True,
    )
    return ratio


def beside_onnx(name: str, traced: Any, args: argparse.Namespace) -> str:
    """Return what ONNX Runtime takes, and over our time, in words; nothing if it was not asked."""
    if not args.onnx:
        return ""
    from sidebyside import prepare
    from sidebyside.runtimes import onnx_runtime

    made = prepare.fingerprint(SOURCE, onnx_runtime.versions())
    directory = prepare.CACHE / "own_layers" / made
    path = directory / f"{name}.onnx"
    if not path.is_file():
        directory.mkdir(parents=True, exist_ok=True)
        prepare.elsewhere(write_onnx, name, directory)
    with np.load(directory / f"{name}.npz") as answers:
        images, expected = answers["images"], answers["outputs"]
        traced.set_weights([answers[f"weight_{i}"] for i in range(len(traced.weights))])
    try:
        predict = onnx_runtime.load(path, args.threads)
    except Exception as error:  # what a converter wrote and nobody can run is a result
        return f"  no conversion: {str(error).splitlines()[0][-60:]}"
    for outputs in (traced.predict_on_batch(images), predict(images)):
        np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-4 * abs(expected).max())
    calls = [lambda: traced.predict_on_batch(images), lambda: predict(images)]
    times = rounds(calls, args.rounds, args.seconds)
    over = statistics.median(b / a for a, b in zip(*times, strict=True))
    return f"  {1e3 * statistics.median(times[1]):15.3f}  {over:9.2f}"


def write_onnx(name: str, directory: Path) -> None:
    """Write Keras' layer with random weights for ONNX Runtime, and its answers to an image."""
    import keras

    from sidebyside.exports import onnx_file

    cls = keras.saving.register_keras_serializable("benchmark")(getattr(written_for("keras"), name))
    inputs = keras.Input(cls.shape)
    model = keras.Model(inputs, cls()(inputs))
    rng = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(
            0.5 + rng.random(weight.shape)
            if len(weight.shape) == 1
            else rng.normal(0, np.prod(weight.shape[:-1]) ** -0.5, weight.shape)
        )
    images = rng.random((1, *cls.shape), np.float32)
    weights = {f"weight_{i}": weight for i, weight in enumerate(model.get_weights())}
    outputs = np.asarray(model(images, training=False))
    np.savez(directory / f"{name}.npz", images=images, outputs=outputs, **weights)
    model.save(directory / f"{name}.keras")
    onnx_file(directory / f"{name}.keras", directory)


def of_inputs(shape: tuple[int, ...], function: Callable[[Any], Any]) -> Any:
    """Return the model that `function` makes of an input."""
    inputs = cnnfast.Input(shape)
    return cnnfast.Model(inputs, function(inputs))


def rounds(calls: list[Callable[[], object]], count: int, seconds: float) -> list[list[float]]:
    """Let `calls` take turns; give the seconds of one call in each turn."""
    times: list[list[float]] = [[] for _ in calls]
    repeats = [max(1, int(seconds / once(call))) for call in calls]
    for number in range(count):
        order = list(range(len(calls)))
        for index in order if number % 2 else order[::-1]:
            began = time.perf_counter()
            for _ in range(repeats[index]):
                calls[index]()
            times[index].append((time.perf_counter() - began) / repeats[index])
    return times


def once(call: Callable[[], object]) -> float:
    """Return the seconds that a warm call takes."""
    call()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def in_keras(cls: Any, x: np.ndarray[Any, Any], args: argparse.Namespace) -> float:
    """Return the median seconds of `predict` in Keras."""
    import keras

    inputs = keras.Input(cls.shape)
    model = keras.Model(inputs, cls()(inputs))
    (times,) = rounds([lambda: model.predict(x, verbose=0)], args.rounds, args.seconds)
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
