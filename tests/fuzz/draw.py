"""Random choices that are the same for the same seed and index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np

T = TypeVar("T")
# Sizes of a tensor, batch included; None where unknown.
Shape: TypeAlias = tuple[int | None, ...]

ACTIVATIONS = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "squareplus",
    "soft_shrink",
    "sparse_plus",
    "tanh",
    "tanh_shrink",
    "hard_tanh",
    "sigmoid",
    "sparse_sigmoid",
    "log_sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "exponential",
    "softmax",
    "log_softmax",
    "linear",
)


class Draw:
    """A source of choices; every graph has its own."""

    def __init__(self, *seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def one(self, options: Sequence[T]) -> T:
        """Choose one of `options`."""
        return options[int(self.rng.integers(len(options)))]

    def some(self, options: Sequence[T], number: int) -> list[T]:
        """Choose `number` different ones of `options`, in random order."""
        return [options[int(i)] for i in self.rng.permutation(len(options))[:number]]

    def integer(self, low: int, high: int) -> int:
        """Choose a whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def number(self, low: float, high: float) -> float:
        """Choose a number that JSON writes in a few digits."""
        return round(float(self.rng.uniform(low, high)), 3)

    def chance(self, probability: float) -> bool:
        """Say yes now and then."""
        return bool(self.rng.random() < probability)

    def pair(self, low: int, high: int) -> int | tuple[int, int]:
        """Choose one whole number for both axes, or two."""
        if self.chance(0.5):
            return self.integer(low, high)
        return self.integer(low, high), self.integer(low, high)

    def activation(self) -> str | None:
        """Choose an activation; none or relu most of the time."""
        return self.one((None, "relu", self.one(ACTIVATIONS)))

    def padding(self) -> str:
        """Choose 'valid' or 'same'."""
        return self.one(("valid", "same"))

    def data_format(self) -> dict[str, str]:
        """Choose the argument `data_format`; mostly left out."""
        return {"data_format": "channels_first"} if self.chance(0.12) else {}

    def normal(self, shape: Sequence[int], scale: float = 1.0) -> np.ndarray:
        """Draw float32 numbers around 0."""
        return self.rng.normal(0, scale, shape).astype(np.float32)
