"""Cells that are called by hand, against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from layers.rnn.packages import judge, numbers

X = numbers(2, 3)
H, C = numbers(2, 4, seed=1), numbers(2, 4, seed=2)
STATES = {"SimpleRNNCell": [H], "GRUCell": [H], "LSTMCell": [H, C]}


@pytest.mark.parametrize("name", list(STATES))
def test_on_arrays(name: str) -> None:
    judge(lambda p: getattr(p.layers, name)(4), lambda cell: cell(X, STATES[name]))


@pytest.mark.parametrize("name", ["SimpleRNNCell", "GRUCell"])
def test_on_a_state_that_is_not_in_a_list(name: str) -> None:
    judge(lambda p: getattr(p.layers, name)(4), lambda cell: cell(X, H))


@pytest.mark.parametrize("name", list(STATES))
def test_on_symbolic_tensors_twice(name: str) -> None:
    def make(package: Any) -> Any:
        x = package.layers.Input((3,))
        states = [package.layers.Input((4,)) for _ in STATES[name]]
        cell = getattr(package.layers, name)(4)
        first, after = cell(x, states)
        second, after = cell(x, after)
        return package.Model([x, *states], [first, second, *after])

    judge(make, lambda model: model([X, *STATES[name]]))


def test_first_states_are_zeros_for_each_sequence() -> None:
    shapes = [zeros.shape for zeros in layers.LSTMCell(4).get_initial_state(batch_size=3)]
    assert shapes == [(3, 4), (3, 4)]
    x = layers.Input((3,))
    (zeros,) = layers.GRUCell(4).get_initial_state(batch_size=cnnfast.ops.shape(x)[0])
    given = np.full((2, 3), np.inf, np.float32)
    assert not cnnfast.Model(x, zeros)(given).any()
    frames = layers.ConvLSTM1D(4, 3)
    frames.build((None, 2, 8, 3))
    assert frames.cell.get_initial_state(batch_size=2)[0].shape == (2, 6, 4)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.LSTMCell(4)(X), "and on its states"),
        (lambda: layers.LSTMCell(4)(X, [H]), "starts from 2 state"),
        (lambda: layers.GRUCell(3)(X, [H]), "starts from 1 state"),
    ],
)
def test_wrong_states_are_refused(make: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make()
