"""Open sizes: what was computed and asked of them holds for other sizes, or is refused."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnfast.engine.sizes import Size, Sizes

ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod)
QUESTIONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)


def program(data, first, second):
    """A computation on two numbers that branches; the same draws give the same one."""
    values = [first, second, 3, -2, 1]
    for function, a, b, question in data:
        x, y = values[a % len(values)], values[b % len(values)]
        if question(x, y):
            values.append(function(x, y) if function in ARITHMETIC[:3] else function(x, 7))
        else:
            values.append(max(x, y) - min(x, 5))
    return values


steps = st.lists(
    st.tuples(
        st.sampled_from(ARITHMETIC),
        st.integers(0, 99),
        st.integers(0, 99),
        st.sampled_from(QUESTIONS),
    ),
    max_size=8,
)
numbers = st.integers(0, 40)


@given(steps, numbers, numbers, numbers, numbers)
def test_solved_values_are_those_of_a_new_computation(data, a, b, c, d):
    sizes = Sizes()
    traced = program(data, sizes.open(a), sizes.open(b))
    assert [int(value) for value in program(data, a, b)] == [
        sizes._now[value.index] if isinstance(value, Size) else value for value in traced
    ]
    solved = sizes.solve([c, d])
    if solved is None:
        return
    got = [solved[value.index] if isinstance(value, Size) else value for value in traced]
    assert got == program(data, c, d)


@given(numbers, numbers)
def test_the_same_sizes_always_solve(a, b):
    sizes = Sizes()
    program([(operator.add, 0, 1, operator.lt)] * 3, sizes.open(a), sizes.open(b))
    assert sizes.solve([a, b]) is not None


PINNING = {
    "index": lambda size: [0] * 9 + [operator.index(size)],
    "int": int,
    "float": float,
    "range": range,
    "hash": hash,
    "text": str,
    "format": lambda size: f"{size:03d}",
    "array": np.zeros,
    "arange": lambda size: np.arange(size).sum(),
    "array of it": lambda size: np.array([size, 2]).astype(np.int64),
    "true division": lambda size: size / 2,
    "divided": lambda size: 10 / size,
    "power": lambda size: size**2,
    "float product": lambda size: size * 0.5,
    "float comparison": lambda size: size < 4.5,
    "list": lambda size: [None] * size,
    "slice": lambda size: list(range(9))[:size],
    "equal": lambda size: size == 5,
    "key": lambda size: {5: "five"}[size],
}


@pytest.mark.parametrize("use", PINNING.values(), ids=PINNING)
def test_what_needs_a_plain_number_pins_the_size(use):
    """It gets the number, and the size is no longer open."""
    sizes = Sizes()
    got = use(sizes.open(5))
    np.testing.assert_array_equal(got, use(5))
    assert sizes.solve([5]) is not None
    assert sizes.solve([6]) is None


def test_arithmetic_leaves_a_size_open():
    sizes = Sizes()
    size = sizes.open(9)
    outputs = -(-size // 2)
    pads = max((outputs - 1) * 2 + 3 - size, 0)
    assert (outputs == 5, pads // 2 == 1) == (True, True)
    sizes = Sizes()
    size = sizes.open(9)
    outputs = -(-size // 2)
    pads = max((outputs - 1) * 2 + 3 - size, 0)
    values = sizes.solve([32])
    assert [values[outputs.index], values[pads.index]] == [16, 1]


def test_numpy_scalars_take_part():
    sizes = Sizes()
    size = sizes.open(9)
    product = np.int64(3) * size + np.int32(1)
    assert sizes.solve([10])[product.index] == 31


def test_none_and_text_are_never_equal_to_a_size():
    sizes = Sizes()
    size = sizes.open(9)
    assert (size == None, size != None, size == "9") == (False, True, False)  # noqa: E711
    assert sizes.solve([10]) is not None


def test_a_division_by_zero_elsewhere_is_another_lowering():
    sizes = Sizes()
    assert 12 // sizes.open(4) == 3
    assert sizes.solve([0]) is None
