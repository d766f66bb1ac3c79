"""Operations that choose and repeat positions are those of Keras, in a graph and in files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from operation_parity import Case, compare, model_of

CASES: dict[str, Case] = {
    "flip": lambda o, x, y: (o.flip(x, 1), o.flip(x, (1, -1))),
    "roll": lambda o, x, y: o.roll(x, 2, axis=1),
    "repeat": lambda o, x, y: o.repeat(x, 3, axis=2),
    "tile": lambda o, x, y: o.tile(x, (1, 2, 1, 3)),
    "take": lambda o, x, y: o.take(x, [3, 0, 0], axis=-1),
    "pad": lambda o, x, y: o.pad(x, [[0, 0], [1, 2], [0, 3], [0, 0]], constant_values=2.5),
    "pad reflect": lambda o, x, y: o.pad(x, [[0, 0], [1, 2], [3, 0], [0, 0]], mode="reflect"),
    "pad symmetric": lambda o, x, y: o.pad(x, [[0, 0], [1, 2], [3, 0], [0, 1]], mode="symmetric"),
    "slices": lambda o, x, y: (x[:, 1:4], x[:, ::-2, 1:], x[..., 2], x[:, 1, ..., -1]),
    "new axes": lambda o, x, y: (x[:, None], x[..., None, 1:3], x[:, 2, None, :, -3:]),
}


@pytest.mark.parametrize("case", CASES)
def test_positions_are_those_of_keras(case: str, rng: np.random.Generator) -> None:
    compare(CASES[case], [rng.normal(size=(2, 6, 5, 4)).astype(np.float32) for _ in range(2)])


@pytest.mark.parametrize("case", ["slices", "pad", "flip", "tile"])
def test_sizes_may_be_unknown_before(case: str, rng: np.random.Generator) -> None:
    x = [rng.normal(size=(2, 6, 5, 4)).astype(np.float32) for _ in range(2)]
    known, unknown = (
        model_of(cnnfast, CASES[case], shape) for shape in ((6, 5, 4), (None, None, 4))
    )
    for one, other in zip(unknown(x), known(x), strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_position_may_be_repeated_another_number_of_times() -> None:
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    expected = np.repeat(x, [1, 0, 2, 1], axis=1)
    np.testing.assert_array_equal(cnnfast.ops.repeat(x, [1, 0, 2, 1], axis=1), expected)


def test_an_index_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"axis 1 has 3 positions. Received: index 3"):
        cnnfast.Input((3,))[:, 3]


FAR = 10**15
MORE_THAN_MEMORY: list[Callable[[Any, Any], Any]] = [
    lambda o, x: o.flip(x, axis=1),
    lambda o, x: o.roll(x, 3, axis=1),
    lambda o, x: o.take(x, [0, 1], axis=1),
    lambda o, x: o.repeat(x, 2, axis=1),
    lambda o, x: o.repeat(x, FAR, axis=2),
    lambda o, x: o.repeat(x, [1, FAR], axis=2),
    lambda o, x: o.tile(x, (1, 1, FAR)),
    lambda o, x: o.pad(x, ((0, 0), (0, 0), (FAR, 0))),
    lambda o, x: x[:, ::-1],
    lambda o, x: x[:, 3],
]


@pytest.mark.parametrize("case", MORE_THAN_MEMORY)
def test_an_axis_of_more_positions_than_memory_holds_is_refused(
    case: Callable[[Any, Any], Any],
) -> None:
    with pytest.raises(ValueError, match=r"16777216 positions at most. Received: "):
        case(cnnfast.ops, cnnfast.Input((FAR, 2)))
