"""States of recurrent layers: returned, given and kept from call to call, against Keras."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.models.functional import Functional
from cnnfast.utils import tree
from layers.rnn.packages import assert_same, judge, numbers
from parity import keras

X = numbers(2, 5, 3)
H, C = numbers(2, 4, seed=1), numbers(2, 4, seed=2)
STATES = {"SimpleRNN": [H], "GRU": [H], "LSTM": [H, C]}
WAYS: list[dict[str, Any]] = [
    {},
    {"return_sequences": True},
    {"go_backwards": True},
    {"return_sequences": True, "go_backwards": True, "unroll": True},
]
KINDS = pytest.mark.parametrize("kind", list(STATES))


@KINDS
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("given", [False, True])
def test_return_state_and_initial_state(kind: str, way: dict[str, Any], given: bool) -> None:
    states = STATES[kind] if given else None
    judge(
        lambda package: getattr(package.layers, kind)(4, return_state=True, **way),
        lambda layer: layer(X, initial_state=states),
    )


@KINDS
def test_initial_states_by_position(kind: str) -> None:
    theirs, ours = judge(
        lambda package: getattr(package.layers, kind)(4), lambda layer: layer(X, STATES[kind])
    )
    assert_same(ours([X, *STATES[kind]]), theirs(X, STATES[kind]))  # as Keras 2 takes them


@KINDS
@pytest.mark.parametrize(("mode", "sequences"), [("concat", True), ("sum", False), (None, True)])
def test_bidirectional(kind: str, mode: str | None, sequences: bool) -> None:
    def make(package: Any) -> Any:
        layer = getattr(package.layers, kind)(4, return_state=True, return_sequences=sequences)
        return package.layers.Bidirectional(layer, merge_mode=mode)

    judge(make, lambda layer: layer(X))
    states = [*STATES[kind], *(-state for state in STATES[kind])]
    judge(make, lambda layer: layer(X, initial_state=states))


def _encoder_decoder(package: Any, kind: str) -> Any:
    make = package.layers
    x, y = make.Input((5, 3)), make.Input((7, 2))
    out, *states = getattr(make, kind)(4, return_state=True)(x)
    z = getattr(make, kind)(4, return_sequences=True)(y, initial_state=states)
    return package.Model([x, y], [make.Dense(3)(z), out, states[-1]])


@KINDS
def test_encoder_and_decoder(kind: str) -> None:
    inputs = [X, numbers(2, 7, 2)]
    judge(
        lambda package: _encoder_decoder(package, kind),
        lambda model: model.predict(inputs, verbose=0),
    )


def _bidirectional_states(package: Any) -> Any:
    make = package.layers
    x = make.Input((5, 3))
    y, *states = make.Bidirectional(make.LSTM(4, return_state=True))(x)
    z = make.Bidirectional(make.LSTM(4))(x, initial_state=states)
    return package.Model(x, [y, z])


def _frames(package: Any) -> Any:
    make = package.layers
    x = make.Input((3, 6, 7, 2))
    y, *states = make.ConvLSTM2D(3, 3, padding="same", return_state=True)(x)
    return package.Model(x, [y, make.ConvLSTM2D(3, 3, padding="same")(x, initial_state=states)])


def _stateful(package: Any) -> Any:
    x = package.layers.Input(batch_shape=(2, 5, 3))
    return package.Model(x, package.layers.LSTM(4, stateful=True)(x))


MODELS: dict[str, tuple[Any, Any]] = {
    "encoder-decoder": (
        lambda package: _encoder_decoder(package, "LSTM"),
        [X, numbers(2, 7, 2)],
    ),
    "bidirectional": (_bidirectional_states, X),
    "frames": (_frames, numbers(2, 3, 6, 7, 2)),
    "stateful": (_stateful, X),
}


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("extension", ["keras", "h5"])
def test_files_in_both_directions(name: str, extension: str, tmp_path: Any) -> None:
    make, inputs = MODELS[name]
    theirs, ours = make(keras), make(cnnfast)
    ours.set_weights(theirs.get_weights())
    expected = theirs(inputs)
    theirs.save(tmp_path / f"theirs.{extension}")
    assert_same(cnnfast.load_model(tmp_path / f"theirs.{extension}")(inputs), expected)
    assert_same(cnnfast.from_keras(theirs)(inputs), expected)
    ours.save(tmp_path / f"ours.{extension}")
    if name != "stateful" or extension != "keras":  # which Keras itself cannot load
        assert_same(keras.models.load_model(tmp_path / f"ours.{extension}")(inputs), expected)


def test_calls_as_keras_2_writes_them() -> None:
    def layer(name: str, kind: str, inbound: Any, **config: Any) -> dict[str, Any]:
        return {
            "class_name": kind,
            "name": name,
            "config": {"name": name, **config},
            "inbound_nodes": inbound,
        }

    model = Functional.from_config(
        {
            "name": "decoder",
            "layers": [
                layer("x", "InputLayer", [], batch_input_shape=[None, 5, 3]),
                layer("h", "InputLayer", [], batch_input_shape=[None, 4]),
                layer("c", "InputLayer", [], batch_input_shape=[None, 4]),
                layer(
                    "lstm",
                    "LSTM",
                    [[["x", 0, 0, {}], ["h", 0, 0, {}], ["c", 0, 0, {}]]],
                    units=4,
                    return_state=True,
                ),
            ],
            "input_layers": [["x", 0, 0], ["h", 0, 0], ["c", 0, 0]],
            "output_layers": [["lstm", 0, 0], ["lstm", 0, 1], ["lstm", 0, 2]],
        }
    )
    same = layers.LSTM(4, return_state=True)
    same.build((None, 5, 3))
    same.set_weights(model.get_weights())
    assert_same(model([X, H, C]), list(same(X, initial_state=[H, C])))


# --- states that are kept ------------------------------------------------------------------


@KINDS
def test_a_stateful_layer_goes_on_chunk_by_chunk(kind: str) -> None:
    def run(layer: Any) -> Any:
        return [np.asarray(layer(chunk)) for chunk in (X, X[:, :2], X[:, 1:])]

    judge(lambda package: getattr(package.layers, kind)(4, stateful=True), run)
    whole = getattr(layers, kind)(4, return_sequences=True)
    streamed = getattr(layers, kind)(4, return_sequences=True, stateful=True)
    expected = whole(X)
    streamed.build(X.shape)
    streamed.set_weights(whole.get_weights())
    chunks = [streamed(np.ascontiguousarray(X[:, i : i + 1])) for i in range(5)]
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), expected)


@KINDS
def test_a_given_state_is_gone_on_from(kind: str) -> None:
    def run(layer: Any) -> Any:
        return [layer(X), layer(X, initial_state=STATES[kind]), layer(X[:, :3])]

    judge(lambda p: getattr(p.layers, kind)(4, stateful=True, return_state=True), run)


@KINDS
def test_both_ways_of_a_bidirectional_layer_go_on(kind: str) -> None:
    def make(package: Any) -> Any:
        return package.layers.Bidirectional(getattr(package.layers, kind)(4, stateful=True))

    theirs, ours = make(keras), make(cnnfast)
    assert ours(X).shape == (2, 8)
    theirs(X)
    ours.set_weights(theirs.get_weights())
    theirs.reset_state()
    ours.reset_state()
    for _ in range(2):
        assert_same(ours(X), theirs(X))


def test_stacked_stateful_layers_of_a_model() -> None:
    def make(package: Any) -> Any:
        x = package.layers.Input(batch_shape=(2, 5, 3))
        y = package.layers.GRU(4, stateful=True, return_sequences=True)(x)
        y = package.layers.Dense(3)(y)
        return package.Model(x, package.layers.LSTM(4, stateful=True, go_backwards=True)(y))

    judge(make, lambda model: [np.asarray(model(x)) for x in (X, -X, X)])


def test_predict_goes_on_from_batch_to_batch() -> None:
    model = _stateful(cnnfast)
    chunks = [np.asarray(model(x)) for x in (X, -X, X)]
    model.reset_states()
    joined = model.predict(np.concatenate([X, -X, X]), batch_size=2, verbose=0)
    np.testing.assert_array_equal(joined, np.concatenate(chunks))
    np.testing.assert_array_equal(model.predict(X, verbose=0), model.layers[-1].states[0].numpy())


def test_threads_do_not_mix_the_states_of_a_large_batch() -> None:
    x = numbers(67, 4, 3)
    layer = layers.GRU(40, stateful=True)
    first, second = layer(x), layer(x)
    model = cnnfast.Sequential(
        [layers.Input(batch_shape=(67, 4, 3)), layers.GRU(40, stateful=True)]
    )
    model.set_weights(layer.get_weights())
    for expected, threads in ((first, 1), (second, 3)):
        np.testing.assert_array_equal(
            model.predict(x, batch_size=67, verbose=0, threads=threads), expected
        )


def test_a_state_makes_no_plans_anew() -> None:
    model = _stateful(cnnfast)
    model.predict(X, verbose=0)
    (plan,) = model._executor.plans.values()
    versions = model.versions
    for _ in range(3):
        model.predict(X, verbose=0)
    model.layers[-1].states[0].assign(H)
    assert list(model._executor.plans.values()) == [plan]
    assert model.versions == versions
    assert len(model.weights) == 3


def test_states_given_in_a_loop_make_no_plans_anew() -> None:
    layer = layers.LSTM(4, return_state=True)
    _, *states = layer(X)
    for _ in range(3):
        _, *states = layer(X, initial_state=states)
    assert len(layer._executor.plans) == 2


def test_states_can_be_read_and_set() -> None:
    layer = layers.LSTM(4, stateful=True)
    assert layer.states is None
    layer(X)
    assert [state.shape for state in layer.states] == [(2, 4), (2, 4)]
    layer.reset_states([H, C])
    assert_same([state.numpy() for state in layer.states], [H, C])
    plain = layers.LSTM(4)
    plain.build((None, 5, 3))
    plain.set_weights(layer.get_weights())
    assert_same(layer(X), plain(X, initial_state=[H, C]))
    layer.reset_state()
    assert not any(state.numpy().any() for state in layer.states)
    with pytest.raises(ValueError, match="must keep its shape"):
        layer.states[0].assign(H[:1])
    with pytest.raises(ValueError, match="must be stateful"):
        plain.reset_states([H, C])


def test_copies_and_pickles_have_states_of_their_own(tmp_path: Any) -> None:
    model = _stateful(cnnfast)
    first, second = model.predict(X, verbose=0), model.predict(X, verbose=0)
    model.save(tmp_path / "model.keras")
    twins = [
        copy.copy(model),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        cnnfast.load_model(tmp_path / "model.keras"),
    ]
    layer = copy.copy(model.layers[-1])
    assert not layer.states[0].numpy().any()
    for twin in twins[1:]:
        np.testing.assert_array_equal(twin.predict(X, verbose=0), first)
        np.testing.assert_array_equal(twin.predict(X, verbose=0), second)
    assert_same(layer(X), first)
    assert_same(model.layers[-1].states[0].numpy(), second)


def test_a_call_that_fails_leaves_the_state() -> None:
    model = _stateful(cnnfast)
    model.predict(X, verbose=0)
    before = [state.numpy() for state in model.layers[-1].states]
    with pytest.raises(ValueError, match="the batch size of the input sequences must be the same"):
        model.predict(numbers(3, 5, 3), verbose=0)
    failing = cnnfast.Sequential(
        [model.layers[0], model.layers[-1], layers.Lambda(_fail, output_shape=(4,))]
    )
    with pytest.raises(RuntimeError, match="no"):
        failing.predict(X, verbose=0)
    assert_same([state.numpy() for state in model.layers[-1].states], before)


def _fail(x: Any) -> Any:
    raise RuntimeError("no")


def test_calls_of_threads_come_one_after_the_other() -> None:
    layer = layers.GRU(30, stateful=True)
    layer(X)
    layer.reset_state()
    expected = [layer(X) for _ in range(40)]
    layer.reset_state()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: layer(X), range(40)))
    assert {y.tobytes() for y in found} == {y.tobytes() for y in expected}


def test_profiling_leaves_the_state() -> None:
    model = _stateful(cnnfast)
    first = model.predict(X, verbose=0)
    model.reset_states()
    model.profile(X, repeats=2)
    assert model.memory_report(2).plans
    np.testing.assert_array_equal(model.predict(X, verbose=0), first)


def test_an_attribute_that_is_set_keeps_the_state() -> None:
    layer = layers.GRU(4, stateful=True)
    layer(X)
    before = layer.states[0].numpy()
    layer.return_sequences = True
    assert_same(layer.states[0].numpy(), before)
    assert layer(X).shape == (2, 5, 4)


def test_a_stateful_layer_that_is_called_again_on_what_it_gave() -> None:
    def make(package: Any) -> Any:
        x = package.layers.Input(batch_shape=(2, 5, 3))
        layer = package.layers.GRU(3, stateful=True, return_sequences=True)
        return package.Model(x, layer(layer(x)))

    judge(make, lambda model: [np.asarray(model(X)), np.asarray(model(X))])


def test_a_model_of_the_users_goes_on() -> None:
    def make(package: Any) -> Any:
        class Streams(package.Model):  # type: ignore[misc,name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.rnn = package.layers.LSTM(4, stateful=True)
                self.head = package.layers.Dense(3)

            def call(self, x: Any) -> Any:
                return self.head(self.rnn(x))

        return Streams()

    theirs, ours = make(keras), make(cnnfast)
    for model in (theirs, ours):
        model(X)
        model.rnn.reset_state()
    ours.set_weights(theirs.get_weights())
    for chunk in (X, -X, X[:, :2]):
        assert_same(ours(chunk), theirs(chunk))
    with pytest.raises(ValueError, match="Received batch size: 1"):
        ours(X[:1])


# --- what is refused -----------------------------------------------------------------------


def _twice() -> Any:
    x = layers.Input(batch_shape=(2, 5, 3))
    layer = layers.GRU(3, stateful=True)
    return cnnfast.Model(x, [layer(x), layer(x)])(X)


def _in_time_distributed() -> Any:
    inner = layers.GRU(3, stateful=True)
    inner.build((2, 5, 3))
    return layers.TimeDistributed(inner)(numbers(2, 4, 5, 3))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.LSTM(4)(layers.Input((5, 3)), initial_state=[H, C]), "others for each"),
        (_twice, "their order is not known"),
        (_in_time_distributed, "cannot keep a state"),
    ],
)
def test_what_is_not_supported_is_refused(make: Any, rule: str) -> None:
    with pytest.raises(UnsupportedError, match=rule):
        make()


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.LSTM(4)(X, initial_state=[H]), "starts from 2 state"),
        (lambda: layers.GRU(3)(X, initial_state=H), r"of the shapes \[\(None, 3\)\]"),
        (lambda: layers.GRU(4, stateful=True)(layers.Input((5, 3))), "batch size must be static"),
        (lambda: layers.GRU(4)(X, initial_state=H[:1]), "the same number of images"),
        (
            lambda: layers.Bidirectional(
                layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True, return_state=True)
            ),
            "`return_state`",
        ),
    ],
)
def test_what_is_illegal_is_refused(make: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make()


def test_a_state_is_no_constant_of_a_call() -> None:
    class Reads(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = layers.GRU(4, stateful=True)

        def call(self, x: Any) -> Any:
            return self.rnn(x) + self.rnn.states[0].numpy()

    with pytest.raises(ValueError, match="has no numbers while a `call` is drawn"):
        Reads()(X)


def test_leaves_of_states_are_flat() -> None:
    assert len(tree.flatten(layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)]).state_size)) == 3
