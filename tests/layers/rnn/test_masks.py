"""Recurrent layers whose sequences have masks, against Keras on JAX."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from layers.rnn.own import cells
from layers.rnn.packages import judge, numbers

X = numbers(2, 5, 3)
MASK = np.array([[True, True, False, True, False], [False, False, True, False, True]])
H, C = numbers(2, 4, seed=1), numbers(2, 4, seed=2)
STATES = {"SimpleRNN": [H], "GRU": [H], "LSTM": [H, C]}
KINDS = pytest.mark.parametrize("kind", list(STATES))
WAYS: list[dict[str, Any]] = [
    {},
    {"return_sequences": True, "go_backwards": True},
    {"return_sequences": True, "unroll": True, "zero_output_for_mask": True},
    {"return_sequences": True, "zero_output_for_mask": True},
]
TOKENS = np.array([[1, 2, 0, 0, 3, 0], [0, 4, 5, 8, 0, 0]])


@KINDS
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("given", [False, True])
def test_masked_steps_leave_the_state(kind: str, way: dict[str, Any], given: bool) -> None:
    states = STATES[kind] if given else None
    judge(
        lambda p: getattr(p.layers, kind)(4, return_state=True, **way),
        lambda layer: layer(X, mask=MASK, initial_state=states),
    )


@KINDS
@pytest.mark.parametrize("sequences", [False, True])
def test_both_ways(kind: str, sequences: bool) -> None:
    def make(package: Any) -> Any:
        rnn = getattr(package.layers, kind)(4, return_sequences=sequences)
        return package.layers.Bidirectional(rnn)

    judge(make, lambda layer: layer(X, mask=MASK))


@KINDS
def test_masks_go_through_a_model_of_text(kind: str) -> None:
    def make(package: Any) -> Any:
        make = package.layers
        x = make.Input((6,))
        y = make.Embedding(9, 5, mask_zero=True)(x)
        y = make.Bidirectional(getattr(make, kind)(4, return_sequences=True))(y)
        y = make.TimeDistributed(make.Dense(3))(y)
        return package.Model(x, getattr(make, kind)(4)(y))

    judge(make, lambda model: model.predict(TOKENS, verbose=0))


def test_a_decoder_sees_no_mask_beside_its_states() -> None:
    def make(package: Any) -> Any:
        make = package.layers
        x, y = make.Input((6,)), make.Input((4,))
        embed = make.Embedding(9, 5, mask_zero=True)
        _, *states = make.LSTM(4, return_state=True)(embed(x))
        z = make.LSTM(4, return_sequences=True)(embed(y), initial_state=states)
        return package.Model([x, y], make.Dense(9)(z))

    inputs = [TOKENS, np.array([[1, 0, 2, 3], [3, 4, 0, 0]])]
    judge(make, lambda model: model.predict(inputs, verbose=0))


@pytest.mark.parametrize("way", WAYS)
def test_stacked_cells(way: dict[str, Any]) -> None:
    judge(
        lambda p: p.layers.RNN([p.layers.LSTMCell(4), p.layers.GRUCell(3)], **way),
        lambda layer: layer(X, mask=MASK),
    )


@pytest.mark.parametrize("name", ["Plain", "Doubled"])
@pytest.mark.parametrize("way", WAYS)
def test_own_cells(name: str, way: dict[str, Any]) -> None:
    judge(
        lambda p: p.layers.RNN(cells(p)[name](4), return_state=True, **way),
        lambda layer: layer(X, mask=MASK),
    )


def test_a_layer_of_each_step_gets_the_mask_of_that_step() -> None:
    tokens = np.random.default_rng(0).integers(0, 3, (3, 4, 5))
    tokens[:, :, 0] = 1  # no step without any, of which an average would be NaN
    given, mask = numbers(3, 4, 5, 2), np.random.default_rng(1).random((3, 4, 5)) > 0.4

    def model(package: Any, inside: Any) -> Any:
        x = package.layers.Input((4, 5))
        y = package.layers.Embedding(9, 2, mask_zero=True)(x)
        return package.Model(x, package.layers.TimeDistributed(inside)(y))

    def within(package: Any) -> Any:
        x = package.layers.Input((5, 2))
        return package.Model(x, package.layers.LSTM(3)(package.layers.Dense(4)(x)))

    insides = (
        lambda p: p.layers.LSTM(3),
        lambda p: p.layers.Bidirectional(p.layers.GRU(2, return_sequences=True)),
        lambda p: p.layers.GlobalAveragePooling1D(),
        within,
    )
    for inside in insides:
        judge(
            lambda p, inside=inside: model(p, inside(p)),
            lambda made: made.predict(tokens, verbose=0),
        )
    judge(
        lambda p: p.layers.TimeDistributed(p.layers.LSTM(3)),
        lambda layer: layer(given, mask=mask),
    )
    with pytest.raises(ValueError, match="stateful"):
        layers.TimeDistributed(layers.LSTM(3, stateful=True))(given, mask=mask)


@KINDS
def test_a_mask_leaves_what_is_kept(kind: str) -> None:
    def run(layer: Any) -> Any:
        return [np.asarray(y) for y in (layer(X), layer(X, mask=MASK), layer(X))]

    judge(lambda p: getattr(p.layers, kind)(4, stateful=True), run)


def test_numbers_of_masked_steps_do_not_count() -> None:
    layer = layers.LSTM(4, return_state=True)
    expected = layer(X, mask=MASK)
    poisoned = np.where(MASK[..., None], X, np.float32(np.nan))
    for one, other in zip(layer(poisoned, mask=MASK), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.ConvLSTM1D(2, 2)(numbers(2, 5, 4, 3), mask=MASK), "runs without masks"),
        (
            lambda: layers.TimeDistributed(layers.GRU(2))(numbers(2, 5, 4, 3), mask=MASK),
            "hands the mask of each step on",
        ),
        (
            lambda: layers.RNN([layers.GRUCell(2), layers.GRUCell(2)])(
                X, mask=MASK, initial_state=[H[:, :2], H[:, 2:]]
            ),
            "another sequence's state",
        ),
        (lambda: layers.GRU(2)(X, mask=MASK[..., None]), "say of each step"),
    ],
)
def test_what_is_not_supported_is_refused(make: Any, rule: str) -> None:
    with pytest.raises(UnsupportedError, match=rule):
        make()
