"""Operations on tensors of bytes in the core, and the rule of their rounding in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnfast._core import Plan, PlanBuilder

Floats = npt.NDArray[np.float32]
Add = Callable[..., int]


@dataclass(frozen=True)
class Bytes:
    """A batch of numbers in bytes."""

    numbers: npt.NDArray[np.uint8]
    zero_point: int

    @property
    def counted(self) -> npt.NDArray[np.int64]:
        """Integers from the zero point."""
        return self.numbers.astype(np.int64) - self.zero_point


def random_bytes(rng: np.random.Generator, *shape: int, zero_point: int | None = None) -> Bytes:
    """A batch of this shape, many of whose bytes are the first or last one."""
    numbers = rng.integers(0, 256, shape)
    ends = rng.choice([0, 255], shape)
    zero = int(rng.integers(0, 256)) if zero_point is None else zero_point
    return Bytes(np.where(rng.random(shape) < 0.3, ends, numbers).astype(np.uint8), zero)


def plan_of(add: Add, inputs: Sequence[Bytes], shown: bool = True) -> Plan:
    """The plan of what `add` makes of the inputs; in bytes, it is `shown` as float32."""
    builder: Any = PlanBuilder()
    given = [builder.input(x.numbers.shape[1:]) for x in inputs]
    values = [
        builder.quantize(value, 1.0, x.zero_point) for value, x in zip(given, inputs, strict=True)
    ]
    made = add(builder, *values)
    return builder.build([builder.dequantize(made, 1.0) if shown else made])


def run(plan: Plan, inputs: Sequence[Bytes], threads: int = 1) -> Floats:
    """What the plan makes, of bytes counted from their zero point; NaN where it writes nothing."""
    given = [x.counted.astype(np.float32) for x in inputs]
    out = np.full((len(given[0]), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run(given, [out], threads)
    return out


def check(add: Add, inputs: Sequence[Bytes], expected: Floats, shown: bool = True) -> Plan:
    """Compare the bits on one thread and on three, and image by image."""
    plan = plan_of(add, inputs, shown)
    assert expected.dtype == np.float32
    for threads in (1, 3):
        np.testing.assert_array_equal(run(plan, inputs, threads), expected)
    first = [Bytes(x.numbers[:1], x.zero_point) for x in inputs]
    np.testing.assert_array_equal(run(plan, first, 2), expected[:1])
    return plan


@dataclass(frozen=True)
class Rounding:
    """What becomes of a number r by channel."""

    multiplier: Floats
    zero_point: int | None
    lower: Floats
    upper: Floats

    @property
    def numbers(self) -> tuple[Floats, int | None, Floats, Floats]:
        """As the core is told."""
        return self.multiplier, self.zero_point, self.lower, self.upper

    def of_sums(self, sums: npt.NDArray[np.int64]) -> Floats:
        """What is stored of exact sums, of bytes counted from the zero point."""
        assert abs(sums).max() < 2**31
        return self.of_numbers(sums.astype(np.float32) * self.multiplier)

    def of_numbers(self, r: Floats) -> Floats:
        """What is stored of numbers that are multiplied already."""
        bounded = np.minimum(np.maximum(r, self.lower), self.upper)
        return bounded if self.zero_point is None else nearest(bounded, self.zero_point)


def nearest(r: Floats, zero_point: int) -> Floats:
    """The byte next to r, counted from the zero point; of two the even one."""
    assert r.dtype == np.float32
    return (np.rint(r.astype(np.float64) + zero_point) - zero_point).astype(np.float32)


def all_bytes(r: Floats, zero_point: int) -> Floats:
    """The same of a number that may be out of their range."""
    return nearest(np.clip(r, np.float32(-zero_point), np.float32(255 - zero_point)), zero_point)


def random_rounding(rng: np.random.Generator, channels: int, depth: int) -> Rounding:
    """To bytes, with bounds for some channels, of sums of so many products."""
    zero_point = int(rng.integers(0, 256))
    ends = np.sort(rng.integers(-zero_point, 256 - zero_point, (2, channels)), axis=0)
    wide = rng.random(channels) < 0.7
    return Rounding(
        (rng.uniform(-1, 2, channels) * 128 / (8000 * depth**0.5)).astype(np.float32),
        zero_point,
        np.where(wide, -zero_point, ends[0]).astype(np.float32),
        np.where(wide, 255 - zero_point, ends[1]).astype(np.float32),
    )
