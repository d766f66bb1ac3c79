"""What denormal inputs and weights cost: the time of a predict beside that of normal numbers.

`python benchmarks/denormals.py` prints the ratio for each of some layers, in interleaved runs.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

import cnnfast
from cnnfast import layers

ROUNDS = 60
DENORMAL = np.float32(1e-40)

LAYERS: dict[str, Callable[[], layers.Layer]] = {
    "Conv2D 3x3": lambda: layers.Conv2D(64, 3, padding="same"),
    "Conv2D 1x1": lambda: layers.Conv2D(64, 1, activation="relu"),
    "DepthwiseConv2D": lambda: layers.DepthwiseConv2D(3, padding="same"),
    "Dense": lambda: layers.Dense(64, activation="sigmoid"),
    "BatchNormalization": layers.BatchNormalization,
    "AveragePooling2D": lambda: layers.AveragePooling2D(3),
    "Softmax": layers.Softmax,
}


def seconds(model: cnnfast.Model, x: np.ndarray) -> float:
    """Return the time of one predict on one thread."""
    start = time.perf_counter()
    model.predict(x, verbose=0, threads=1)
    return time.perf_counter() - start


def ratio(make: Callable[[], layers.Layer]) -> float:
    """Return the median time of denormal inputs over that of normal ones."""
    model = cnnfast.Sequential([cnnfast.Input((40, 40, 64)), make()])
    normal = np.random.default_rng(0).standard_normal((2, 40, 40, 64), np.float32)
    small = normal * DENORMAL
    seconds(model, normal)
    pairs = [(seconds(model, small), seconds(model, normal)) for _ in range(ROUNDS)]
    return statistics.median(a / b for a, b in pairs)


def main() -> None:
    """Print a line for each layer and the largest ratio."""
    ratios = {name: ratio(make) for name, make in LAYERS.items()}
    for name, value in ratios.items():
        print(f"{name:20} {value:.2f}")
    print(f"{'largest':20} {max(ratios.values()):.2f}")


if __name__ == "__main__":
    main()
