"""From what was seen to the range of the bytes."""

import numpy as np
import pytest

from cnnfast.engine.quantized.scheme import scheme_of
from cnnfast.quantization.histogram import Histogram
from cnnfast.quantization.ranges import NAMES, ranges_of


def seen(numbers: np.ndarray) -> Histogram:
    histogram = Histogram()
    histogram.add(numbers.astype(np.float32))
    return histogram


def range_of(numbers: np.ndarray, method: str, percentile: float = 99.0) -> tuple[float, float]:
    return ranges_of({"x": seen(numbers)}, method, percentile)["x"]


def error(numbers: np.ndarray, ends: tuple[float, float]) -> float:
    scheme = scheme_of(ends)
    kept = [scheme.number(scheme.byte(x)) for x in numbers]
    return float(np.mean((numbers - kept) ** 2))


@pytest.fixture
def normal() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(20000)


def test_minimum_and_maximum_hold_zero():
    assert range_of(np.array([2.0, 5.0]), "min_max") == (0.0, 5.0)
    assert range_of(np.array([-5.0, -2.0]), "min_max") == (-5.0, 0.0)


def test_a_percentile_cuts_off_both_ends(normal):
    low, high = range_of(normal, "percentile", 98.0)
    assert low == pytest.approx(np.percentile(normal, 1), abs=0.02)
    assert high == pytest.approx(np.percentile(normal, 99), abs=0.02)


def test_a_percentile_of_one_side_is_cut_off_at_that_side(normal):
    positive = np.abs(normal)
    low, high = range_of(positive, "percentile", 98.0)
    assert low == 0
    assert high == pytest.approx(np.percentile(positive, 98), abs=0.02)


def test_all_percent_are_the_extremes(normal):
    low, high = range_of(normal, "percentile", 100.0)
    assert low == pytest.approx(normal.min(), rel=1e-3)
    assert high == pytest.approx(normal.max(), rel=1e-3)


def test_the_squared_error_is_less_than_that_of_the_extremes(normal):
    numbers = normal**3  # some lie far off
    ends = range_of(numbers, "mse")
    assert ends[1] < numbers.max()
    assert error(numbers, ends) < error(numbers, (numbers.min(), numbers.max()))


@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("sign", [1, -1])
def test_every_method_gives_python_floats_around_zero(method, sign, normal):
    low, high = range_of(sign * np.abs(normal), method)
    assert type(low) is type(high) is float
    assert low <= 0 <= high
    assert low < high
    assert (low == 0) == (sign == 1)


@pytest.mark.parametrize("method", NAMES)
def test_every_method_takes_a_value_that_is_always_zero(method):
    assert range_of(np.zeros(100), method) == (0.0, 0.0)
