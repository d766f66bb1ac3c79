"""Bytes for numbers: zero is exact, the ends are reached, and nothing leaves the range."""

import math

import numpy as np
import pytest

from cnnfast.engine.quantized.scheme import joined, scheme_of


@pytest.mark.parametrize(
    "numbers", [(0.0, 6.0), (-1.0, 1.0), (-3.7, 0.2), (-5.0, 0.0), (2.0, 5.0), (-4.0, -1.0)]
)
def test_a_range_is_covered_to_half_a_step_and_zero_is_exact(numbers):
    scheme = scheme_of(numbers)
    assert 0 <= scheme.zero_point <= 255
    assert scheme.number(scheme.zero_point) == 0
    for number in (*numbers, 0.0, sum(numbers) / 2):
        assert abs(scheme.number(scheme.byte(number)) - number) <= 0.5001 * scheme.scale


def test_numbers_outside_a_range_take_its_ends():
    scheme = scheme_of((-1.0, 3.0))
    assert (scheme.byte(-99.0), scheme.byte(99.0)) == (0, 255)
    assert (scheme.counted(-math.inf), scheme.counted(math.inf)) == (scheme.lowest, scheme.highest)
    assert scheme.byte(math.nan) == 0


@pytest.mark.parametrize("numbers", [(0.0, 0.0), (0.0, 1e-300), (-1e300, 1e300), (0.0, 5e-324)])
def test_extreme_ranges_have_a_scale_that_float32_holds(numbers):
    scheme = scheme_of(numbers)
    assert 0 < np.float32(scheme.scale) < np.inf
    assert 0 < np.float32(scheme.factor) < np.inf


def test_joined_ranges_hold_all():
    assert joined([(0.0, 1.0), (-2.0, 0.5)]) == (-2.0, 1.0)
