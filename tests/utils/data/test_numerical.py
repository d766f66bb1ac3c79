"""What scripts take from `keras.utils`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import initializers
from cnnfast.utils import clear_session, set_random_seed, to_categorical
from parity import keras


@pytest.mark.parametrize(
    ("x", "num_classes"),
    [([0, 2, 1], None), ([[0], [3]], 5), ([[0, 1], [2, 0]], 3), (np.uint8([1, 1]), None), (2, 4)],
)
def test_to_categorical_gives_the_rows_of_keras(x: Any, num_classes: int | None) -> None:
    expected = keras.utils.to_categorical(x, num_classes)
    result = to_categorical(x, num_classes)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype


@pytest.mark.parametrize("x", [[0, 3], [-1, 0]])
def test_to_categorical_refuses_numbers_outside_of_the_classes(x: list[int]) -> None:
    with pytest.raises(ValueError, match="between 0 and num_classes - 1 = 2"):
        to_categorical(x, 3)


def test_a_seed_makes_new_initializers_repeat() -> None:
    set_random_seed(3)
    first = initializers.HeNormal()((3, 3))
    set_random_seed(3)
    np.testing.assert_array_equal(initializers.HeNormal()((3, 3)), first)


def test_clearing_the_session_starts_names_again() -> None:
    clear_session()
    names = [cnnfast.layers.Dense(1).name for _ in range(2)]
    clear_session()
    assert [*names, cnnfast.layers.Dense(1).name] == ["dense", "dense_1", "dense"]
