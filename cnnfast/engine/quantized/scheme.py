"""How float32 numbers are written in 8 bits: ``x = scale * (q - zero_point)``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cnnfast.utils.records import record

if TYPE_CHECKING:
    import numpy.typing as npt

Float64Array: TypeAlias = "npt.NDArray[np.float64]"

LEVELS = 255
"""The largest byte of an activation."""
WEIGHT_LEVELS = 127
"""The largest integer of a weight; the smallest is its negative."""

# Smaller ranges hold nothing that float32 sums would not lose.
_SMALLEST = 2.0**-100
_LARGEST = 2.0**100


@record(frozen=True, eq=False)
class Scheme:
    """Bytes 0 to 255 that stand for ``scale * (q - zero_point)``.

    Attributes
    ----------
    scale
        From each byte to the next; positive.
    zero_point
        The byte that is zero, which so has no error.
    factors
        By channel, what the scale is multiplied by; None where it is one for all.
    """

    scale: float
    zero_point: int
    factors: Float64Array | None = None

    @property
    def factor(self) -> float:
        """What a number is multiplied by to be counted in bytes, as the core has it."""
        return float(np.float32(1 / self.scale))

    @property
    def lowest(self) -> float:
        """The smallest byte, counted from the zero point."""
        return float(-self.zero_point)

    @property
    def highest(self) -> float:
        """The largest byte, counted from the zero point."""
        return float(LEVELS - self.zero_point)

    def counted(self, number: float) -> float:
        """Return the whole number of steps from the zero point to `number`, inside the range."""
        if math.isnan(number):
            return self.lowest
        return min(max(float(np.rint(number / self.scale)), self.lowest), self.highest)

    def byte(self, number: float) -> int:
        """Return the byte that stands for `number`."""
        return int(self.counted(number)) + self.zero_point

    def number(self, byte: int) -> float:
        """Return what `byte` stands for."""
        return self.scale * (byte - self.zero_point)


Range = tuple[float, float]


def scheme_of(numbers: Range, factors: Float64Array | None = None) -> Scheme:
    """Return the scheme for numbers of a range, which is widened to hold zero.

    Parameters
    ----------
    numbers
        The smallest and the largest, finite; over their factors, if there are any.
    factors
        By channel.

    Returns
    -------
    Scheme
        With the zero point that Jacob et al., "Quantization and Training of Neural Networks"
        (2018), section 2, give: zero is a byte, and the range is moved by less than a step for it.
    """
    low, high = min(numbers[0], 0.0), max(numbers[1], 0.0)
    scale = min(max((high - low) / LEVELS, _SMALLEST), _LARGEST)
    return Scheme(scale, min(max(round(-low / scale), 0), LEVELS), factors)


def joined(ranges: Iterable[Range]) -> Range:
    """Return the range that holds all of `ranges`."""
    lows, highs = zip(*ranges, strict=True)
    return min(lows), max(highs)
