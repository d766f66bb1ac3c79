"""Recurrent layers over cells of the user's, against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from layers.rnn.own import cells
from layers.rnn.packages import assert_same, judge, numbers
from parity import keras

X = numbers(2, 5, 3)
H, C = numbers(2, 4, seed=1), numbers(2, 4, seed=2)
STATES = {"Plain": [H], "Starting": [H], "Two": [H, C], "Doubled": [H, C]}
NAMES = pytest.mark.parametrize("name", list(STATES))
WAYS: list[dict[str, Any]] = [
    {"return_state": True},
    {"return_sequences": True, "go_backwards": True},
    {"unroll": True},
]


@NAMES
@pytest.mark.parametrize("way", WAYS)
def test_over_the_time(name: str, way: dict[str, Any]) -> None:
    judge(lambda p: p.layers.RNN(cells(p)[name](4), **way), lambda layer: layer(X))


@NAMES
@pytest.mark.parametrize("below", [False, True])
def test_among_other_cells(name: str, below: bool) -> None:
    def make(package: Any) -> Any:
        stack = [cells(package)[name](4), package.layers.LSTMCell(3)]
        return package.layers.RNN(stack if below else stack[::-1], return_sequences=True)

    judge(make, lambda layer: layer(X))


@NAMES
def test_from_states_that_are_given_and_kept(name: str) -> None:
    judge(
        lambda p: p.layers.RNN(cells(p)[name](4), return_state=True),
        lambda layer: layer(X, initial_state=STATES[name]),
    )

    def make(package: Any) -> Any:
        return package.layers.RNN(cells(package)[name](4), stateful=True)

    theirs, ours = make(keras), make(cnnfast)
    first = [np.asarray(theirs(X)), np.asarray(theirs(X))]
    ours.build(X.shape)
    ours.set_weights(theirs.get_weights())
    starts = np.zeros if name in ("Plain", "Doubled") else np.ones
    ours.reset_states([starts((2, 4)), np.zeros((2, 4))][: len(STATES[name])])
    assert_same([ours(X), ours(X)], first)


@NAMES
def test_both_ways(name: str) -> None:
    def make(package: Any) -> Any:
        own = cells(package)
        with package.saving.custom_object_scope(own):
            rnn = package.layers.RNN(own[name](4), return_sequences=True)
            return package.layers.Bidirectional(rnn)

    judge(make, lambda layer: layer(X))


def test_both_ways_of_a_class_that_is_not_registered() -> None:
    layer = layers.Bidirectional(layers.RNN(cells(cnnfast)["Plain"](4)))
    assert layer(X).shape == (2, 8)


@NAMES
def test_called_by_hand(name: str) -> None:
    judge(lambda p: cells(p)[name](4), lambda cell: cell(X[:, 0], STATES[name]))


def _model(package: Any, name: str) -> Any:
    x = package.layers.Input((5, 3))
    stack = [cells(package)[name](4), package.layers.LSTMCell(2)]
    return package.Model(x, package.layers.RNN(stack)(x))


@NAMES
@pytest.mark.parametrize("extension", ["keras", "h5"])
def test_files(name: str, extension: str, tmp_path: Any) -> None:
    theirs, ours = _model(keras, name), _model(cnnfast, name)
    expected = theirs(X)
    theirs.save(tmp_path / f"theirs.{extension}")
    own = {name: cells(cnnfast)[name]}
    loaded = cnnfast.load_model(tmp_path / f"theirs.{extension}", custom_objects=own)
    assert_same(loaded(X), expected)
    ours.set_weights(theirs.get_weights())
    ours.save(tmp_path / f"ours.{extension}")
    own = {name: cells(keras)[name]}
    again = keras.models.load_model(tmp_path / f"ours.{extension}", custom_objects=own)
    assert_same(again(X), expected)


def test_weights_that_are_set_later_count() -> None:
    layer = layers.RNN(cells(cnnfast)["Plain"](4))
    layer(X)
    layer.cell.kernel.assign(np.zeros((3, 4)))
    assert not layer(X).any()


def test_a_loop_over_a_cell_in_a_call() -> None:
    def make(package: Any) -> Any:
        class Loop(package.layers.Layer):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.cell = package.layers.LSTMCell(4)

            def build(self, shape: Any) -> None:
                self.cell.build((shape[0], shape[2]))

            def call(self, x: Any) -> Any:
                states = self.cell.get_initial_state(batch_size=package.ops.shape(x)[0])
                outputs = []
                for time in range(x.shape[1]):
                    y, states = self.cell(x[:, time], states)
                    outputs.append(y)
                return package.ops.stack(outputs, axis=1)

        return Loop()

    judge(make, lambda layer: layer(X))


# --- what is refused -----------------------------------------------------------------------


class _Bad(layers.Layer):
    state_size = 4

    def __init__(self, returned: Any) -> None:
        super().__init__()
        self.returned = returned

    def call(self, x: Any, states: Any) -> Any:
        return self.returned(x, states)


class _NoLayer:
    state_size = 4

    def call(self, x: Any, states: Any) -> Any:
        return x, states


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.RNN(_NoLayer()), "a cell must be a layer"),
        (
            lambda: layers.RNN(cells(cnnfast)["Plain"](2))(numbers(1, 1025, 2)),
            "at most 1024 steps",
        ),
        (
            lambda: layers.RNN(cells(cnnfast)["Plain"](2))(layers.Input((None, 2))),
            "",
        ),
    ],
)
def test_what_is_not_supported_is_refused(make: Any, rule: str) -> None:
    if not rule:  # open sizes are known when it runs
        assert make().shape == (None, 2)
        return
    with pytest.raises(UnsupportedError, match=rule):
        make()


@pytest.mark.parametrize(
    ("returned", "rule"),
    [
        (lambda x, states: x, "must return the output and the new states"),
        (lambda x, states: (states[0], [x]), "the states that `call` returns must have the shapes"),
        (lambda x, states: (x, states), "the output of `call` must have the shapes"),
    ],
)
def test_what_a_cell_returns_must_fit(returned: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        layers.RNN(_Bad(returned))(X)
