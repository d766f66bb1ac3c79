"""What was seen of a value: its extremes, and a histogram that grows with them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.engine.ops import Float32Array

Counts: TypeAlias = "npt.NDArray[np.int64]"

BINS = 2048
"""On each side of zero."""
SAMPLED = 1 << 16
"""Numbers of one batch that are counted, evenly spaced; the extremes are those of all."""


class Histogram:
    """Counts of numbers in bins of one width, a power of two, on both sides of zero.

    Where a number lies beyond the last bin, bins are joined in pairs until it does not, so that
    batches may come in one pass and in any order.

    Attributes
    ----------
    low, high
        The smallest and the largest number.
    largest
        The largest absolute number of each channel, the last axis.
    """

    def __init__(self) -> None:
        self.low = math.inf
        self.high = -math.inf
        self.largest: Float32Array | None = None
        self.counts: Counts = np.zeros(2 * BINS, np.int64)
        self._exponent = -126

    @property
    def width(self) -> float:
        """Of a bin."""
        return float(2.0**self._exponent)

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """The middle of each bin."""
        return np.arange(-BINS + 0.5, BINS, dtype=np.float64) * self.width

    def add(self, numbers: Float32Array) -> None:
        """Count an array of finite numbers; not zeros, which bytes have exactly."""
        flat = numbers.reshape(-1)
        low, high = float(flat.min()), float(flat.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._reach(max(-low, high))
        channels = np.abs(numbers.reshape(-1, numbers.shape[-1])).max(axis=0)
        self.largest = channels if self.largest is None else np.maximum(self.largest, channels)
        sample = flat[:: -(-flat.size // SAMPLED)]
        sample = sample[sample != 0]
        places = np.floor(sample / np.float32(self.width)).astype(np.int64) + BINS
        self.counts += np.bincount(np.clip(places, 0, 2 * BINS - 1), minlength=2 * BINS)

    def _reach(self, size: float) -> None:
        if size <= 0:
            return
        needed = math.frexp(size)[1] - int(math.log2(BINS))
        while self._exponent < needed:
            if not self.counts.any():
                self._exponent = needed
                return
            self.counts = _in_pairs(self.counts)
            self._exponent += 1


def _in_pairs(counts: Counts) -> Counts:
    pairs = counts.reshape(-1, 2).sum(axis=1)
    return np.pad(pairs, BINS // 2)
