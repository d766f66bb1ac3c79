"""Each algorithm beside what it replaced, on one core.

``pytest benchmarks/test_algorithms.py`` prints a group for each case: with the algorithm and
without it. Both answers are compared before they are timed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cnnfast._core import ActivationKind, BinaryKind, Plan, PlanBuilder, PoolKind

Array = npt.NDArray[np.float32]
Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int, int, int]]

LINEAR = (ActivationKind.LINEAR, 0.0, 0.0)
RELU = (ActivationKind.RELU, 0.0, 0.0)
HALVING = ((2, 2), (2, 2), (1, 1), (0, 0, 0, 0))
rng = np.random.default_rng(1)


def normal(*shape: int) -> Array:
    """Draw from the normal distribution."""
    return rng.standard_normal(shape, np.float32)


@dataclass(frozen=True)
class Case:
    """Two plans for the same numbers: `build` takes whether the algorithm is used."""

    name: str
    shape: tuple[int, ...]
    build: Callable[[bool], Plan]


def same(height: int, width: int) -> Window:
    """Give a window the padding that keeps an image's size."""
    top, left = height // 2, width // 2
    return (height, width), (1, 1), (1, 1), (top, top, left, left)


def winograd(size: int, channels: int, window: tuple[int, int] = (3, 3)) -> Case:
    """Make a convolution by Winograd's algorithm or by the direct product."""
    kernel = normal(*window, channels, channels) / np.float32(np.sqrt(np.prod(window) * channels))
    shape = (size, size, channels)

    def build(used: bool) -> Plan:
        builder = PlanBuilder(winograd=used)
        x = builder.input(shape)
        made = builder.conv2d(x, shape, kernel, None, same(*window), 1, RELU)
        return builder.build([made])

    taps = "x".join(map(str, window))
    return Case(f"winograd {taps} {size}x{size}x{channels}", shape, build)


def max_pool(size: int, channels: int, filters: int) -> Case:
    """Make a convolution store maxima, or pool its output in a step of its own."""
    kernel = normal(3, 3, channels, filters) / np.float32(3 * np.sqrt(channels))
    half = (size // 2, size // 2, filters)

    def build(used: bool) -> Plan:
        builder = PlanBuilder()
        x = builder.input((size, size, channels))
        shape = half if used else (size, size, filters)
        made = builder.conv2d(x, shape, kernel, None, same(3, 3), 1, RELU, max_pool=used)
        if not used:
            made = builder.pool2d(made, half, PoolKind.MAX, HALVING)
        return builder.build([made])

    return Case(f"max-pool {size}x{size}x{channels}->{filters}", (size, size, channels), build)


def residual(size: int, channels: int, filters: int) -> Case:
    """Make a 1x1 convolution add the other branch, or add it in a step of its own."""
    kernel = normal(1, 1, channels, filters) / np.float32(np.sqrt(channels))
    shape = (size, size, filters)
    back = normal(1, 1, filters, channels) / np.float32(np.sqrt(filters))
    window = ((1, 1), (1, 1), (1, 1), (0, 0, 0, 0))

    def build(used: bool) -> Plan:
        builder = PlanBuilder()
        x = builder.input(shape)
        y = builder.conv2d(x, (size, size, channels), back, None, window, 1, RELU)
        if used:
            return builder.build([builder.conv2d(y, shape, kernel, None, window, 1, LINEAR, x)])
        y = builder.conv2d(y, shape, kernel, None, window, 1, LINEAR)
        return builder.build([builder.binary(y, x, shape, BinaryKind.ADD)])

    return Case(f"residual {size}x{size}x{filters}", shape, build)


CASES = [
    winograd(56, 64),
    winograd(28, 128),
    winograd(14, 256),
    winograd(7, 512),
    winograd(28, 64, (5, 5)),
    winograd(32, 128, (1, 3)),
    winograd(32, 128, (5, 1)),
    max_pool(64, 3, 32),
    max_pool(112, 64, 64),
    residual(56, 64, 256),
]


@pytest.mark.parametrize("used", [True, False], ids=["with", "without"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_algorithm(case: Case, used: bool, benchmark: BenchmarkFixture) -> None:
    """Time one of the two, after comparing them."""
    x = normal(1, *case.shape)
    answers = []
    for plan in (case.build(used), case.build(not used)):
        out = np.full((1, *plan.output_shapes[0]), np.nan, np.float32)
        plan.run([x], [out], 1)
        answers.append((plan, out))
    (plan, out), (_, other) = answers
    np.testing.assert_allclose(out, other, rtol=0, atol=2e-5 * float(np.abs(other).max()))
    benchmark.group = case.name
    benchmark(plan.run, [x], [out], 1)
