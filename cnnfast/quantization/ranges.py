"""From what was seen of a value to the range that its 256 bytes stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from cnnfast.engine.quantized.scheme import LEVELS, Range, scheme_of
from cnnfast.quantization.histogram import Histogram

_SHARES = np.linspace(0.3, 1.0, 36)
"""Of the extremes, that are tried as ends of a range."""
_ROUNDS = 2


def minimum_maximum(seen: Histogram, percentile: float) -> Range:
    """Return all that was seen."""
    return min(seen.low, 0.0), max(seen.high, 0.0)


def by_percentile(seen: Histogram, percentile: float) -> Range:
    """Return what holds this percentage of the numbers, the rest cut off at both ends."""
    low, high = minimum_maximum(seen, percentile)
    total = np.cumsum(seen.counts)
    beyond = (1 - percentile / 100) / (2 if low < 0 < high else 1) * total[-1]
    centers = seen.centers
    first = centers[np.searchsorted(total, beyond, side="right")]
    last = centers[min(np.searchsorted(total, total[-1] - beyond), len(centers) - 1)]
    return min(max(low, first), 0.0), max(min(high, last), 0.0)


def by_squared_error(seen: Histogram, percentile: float) -> Range:
    """Return the range with the smallest mean squared error, one end after the other."""
    filled = seen.counts > 0
    numbers, counts = seen.centers[filled], seen.counts[filled]
    low, high = minimum_maximum(seen, percentile)

    def error(numbers_of: Range) -> float:
        scheme = scheme_of(numbers_of)
        steps = np.rint(numbers / scheme.scale)
        kept = scheme.scale * np.clip(steps, scheme.lowest, scheme.highest)
        return float(counts @ (numbers - kept) ** 2)

    return _least(error, (low, high))


def by_entropy(seen: Histogram, percentile: float) -> Range:
    """Return the range whose bytes tell the most of the numbers.

    The smallest divergence (Kullback and Leibler) of the histogram cut to the range from the one
    that its bytes can say, as Migacz, "8-bit inference with TensorRT" (2017).
    """
    low, high = minimum_maximum(seen, percentile)
    centers, counts = seen.centers, seen.counts.astype(np.float64)

    def divergence(numbers_of: Range) -> float:
        scheme = scheme_of(numbers_of)
        inside = (centers >= numbers_of[0]) & (centers <= numbers_of[1])
        if not inside.any():
            return np.inf
        cut = counts[inside]
        told = cut.copy()
        cut[0] += counts[centers < numbers_of[0]].sum()
        cut[-1] += counts[centers > numbers_of[1]].sum()
        bytes_ = np.rint(centers[inside] / scheme.scale).astype(np.int64) + scheme.zero_point
        bytes_ = np.clip(bytes_, 0, LEVELS)
        filled = told > 0
        sums = np.bincount(bytes_, told, LEVELS + 1)
        places = np.maximum(np.bincount(bytes_, filled, LEVELS + 1), 1)
        spread = np.where(filled, (sums / places)[bytes_], 0)
        p = cut / cut.sum()
        q = spread / max(spread.sum(), 1)
        both = p > 0
        return float(np.sum(p[both] * np.log(p[both] / np.maximum(q[both], 1e-12))))

    return _least(divergence, (low, high))


def _least(error: Callable[[Range], float], ends: Range) -> Range:
    """Return the range inside `ends` with the least error, of those tried."""
    low, high = ends
    for _ in range(_ROUNDS):
        if high > 0:
            high = min((error((low, share * ends[1])), share * ends[1]) for share in _SHARES)[1]
        if low < 0:
            low = min((error((share * ends[0], high)), -share * ends[0]) for share in _SHARES)[1]
            low = -low
    return low, high


_METHODS: dict[str, Callable[[Histogram, float], Range]] = {
    "mse": by_squared_error,
    "min_max": minimum_maximum,
    "percentile": by_percentile,
    "entropy": by_entropy,
}
NAMES = tuple(_METHODS)


def ranges_of(seen: Mapping[str, Histogram], method: str, percentile: float) -> dict[str, Range]:
    """Return the range of each value, as one of `NAMES` chooses it."""

    def choose(numbers: Histogram) -> Range:
        counted = numbers.counts.any()
        return (_METHODS[method] if counted else minimum_maximum)(numbers, percentile)

    found = {name: choose(numbers) for name, numbers in seen.items()}
    return {name: (float(low), float(high)) for name, (low, high) in found.items()}
