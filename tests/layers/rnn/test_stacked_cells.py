"""Cells one on the other, against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from layers.rnn.packages import assert_same, judge, numbers
from parity import keras, plain

X = numbers(2, 5, 3)
STATES = [[numbers(2, 4), numbers(2, 4, seed=1)], [numbers(2, 3)], [numbers(2, 5)]]


def _stack(package: Any) -> list[Any]:
    make = package.layers
    return [make.LSTMCell(4), make.GRUCell(3), make.SimpleRNNCell(5)]


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_over_the_time(sequences: bool, backwards: bool) -> None:
    way = {"return_sequences": sequences, "go_backwards": backwards}
    judge(lambda p: p.layers.RNN(_stack(p), **way), lambda layer: layer(X))


@pytest.mark.parametrize("states", [None, STATES])
def test_states_come_out_and_go_in(states: Any) -> None:
    judge(
        lambda p: p.layers.RNN(_stack(p), return_state=True),
        lambda layer: layer(X, initial_state=states),
        structure=False,  # what Keras lists depends on whether it runs or draws
    )


def test_structure_of_the_states_is_that_of_drawn_ones() -> None:
    shapes = [
        package.layers.RNN(_stack(package), return_state=True).compute_output_shape((2, 5, 3))
        for package in (keras, cnnfast)
    ]
    assert shapes[0] == shapes[1]
    assert [np.shape(s) for s in layers.RNN(_stack(cnnfast), return_state=True)(X)[2:]] == [
        (2, 3),
        (2, 5),
    ]


def test_stateful() -> None:
    theirs, ours = (p.layers.RNN(_stack(p), stateful=True) for p in (keras, cnnfast))
    expected = [np.asarray(theirs(X)), np.asarray(theirs(-X))]
    ours.build(X.shape)
    ours.set_weights(theirs.get_weights())
    assert_same([ours(X), ours(-X)], expected)


def test_stacks_in_stacks() -> None:
    def make(package: Any) -> Any:
        stacked, cell = package.layers.StackedRNNCells, package.layers.LSTMCell
        return package.layers.RNN(stacked([stacked([cell(4), cell(3)]), cell(2)]))

    judge(make, lambda layer: layer(X))


def test_called_by_hand() -> None:
    judge(lambda p: p.layers.StackedRNNCells(_stack(p)), lambda cell: cell(X[:, 0], STATES))


def test_both_ways() -> None:
    judge(
        lambda p: p.layers.Bidirectional(p.layers.RNN(_stack(p), return_sequences=True)),
        lambda layer: layer(X),
    )


def _model(package: Any) -> Any:
    x = package.layers.Input((5, 3))
    y, first, *_ = package.layers.RNN(_stack(package), return_state=True)(x)
    return package.Model(x, [y, *first])


@pytest.mark.parametrize("extension", ["keras", "h5"])
def test_files(extension: str, tmp_path: Any) -> None:
    theirs, ours = _model(keras), _model(cnnfast)
    expected = theirs(X)
    theirs.save(tmp_path / f"theirs.{extension}")
    assert_same(cnnfast.load_model(tmp_path / f"theirs.{extension}")(X), expected)
    assert_same(cnnfast.from_keras(theirs)(X), expected)
    ours.set_weights(theirs.get_weights())
    ours.save(tmp_path / f"ours.{extension}")
    assert_same(keras.models.load_model(tmp_path / f"ours.{extension}")(X), expected)


def test_configs() -> None:
    theirs, ours = (
        p.layers.StackedRNNCells([p.layers.GRUCell(3, name="a")], name="s")
        for p in (keras, cnnfast)
    )
    assert plain(ours.get_config()) == plain(theirs.get_config())
    assert plain(layers.deserialize(layers.serialize(ours)).get_config()) == plain(
        ours.get_config()
    )


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ([layers.Dense(3)], "without a `state_size`"),
        ([3], "without a `call`"),
        ([], "must be a list of cells"),
    ],
)
def test_what_is_no_cell_is_refused(cells: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        layers.StackedRNNCells(cells)
