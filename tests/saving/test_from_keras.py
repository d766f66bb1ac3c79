"""`from_keras` makes a model of one that Keras holds in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError

keras = pytest.importorskip("keras")

TOLERANCE = 1e-5


def _sequential() -> Any:
    lay = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            lay.Conv2D(4, 3, activation="relu", trainable=False),
            lay.BatchNormalization(trainable=False),
            keras.Sequential([lay.Conv2D(4, 3), lay.BatchNormalization()]),
            lay.Flatten(),
            lay.Dense(3),
        ]
    )


def _recurrent() -> Any:
    lay = keras.layers
    return keras.Sequential(
        [
            keras.Input((5, 6)),
            lay.TimeDistributed(lay.Dense(4)),
            lay.Bidirectional(lay.LSTM(3, return_sequences=True)),
            lay.Bidirectional(lay.GRU(3)),
        ]
    )


def _functional() -> Any:
    lay = keras.layers
    inner = keras.Input((8, 8, 3))
    x = lay.BatchNormalization()(lay.Conv2D(4, 3)(inner))
    backbone = keras.Model(inner, lay.Add()([x, lay.Conv2D(4, 1)(x)]), name="backbone")
    backbone.trainable = False
    inputs = keras.Input((8, 8, 3))
    y = backbone(inputs) * 2.0 + 0.5
    y = lay.Concatenate()([y, backbone(keras.ops.flip(inputs, 1))])
    return keras.Model(inputs, lay.Dense(3)(lay.Flatten()(y)))


MODELS: dict[str, Callable[[], Any]] = {
    "sequential": _sequential,
    "recurrent": _recurrent,
    "functional": _functional,
}


@pytest.mark.parametrize("kind", MODELS)
def test_the_model_predicts_as_keras_does(kind: str, rng: np.random.Generator) -> None:
    theirs = MODELS[kind]()
    theirs.set_weights([rng.uniform(0.2, 1.0, w.shape) - 0.1 for w in theirs.get_weights()])
    ours = cnnfast.from_keras(theirs)
    x = rng.normal(size=(2, *theirs.input_shape[1:])).astype(np.float32)
    expected = theirs.predict(x, verbose=0)
    received = ours.predict(x, verbose=0)
    np.testing.assert_allclose(received, expected, atol=TOLERANCE * np.abs(expected).max())
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]


def test_outputs_are_tuples_and_lists_where_those_of_keras_are() -> None:
    inputs = keras.Input((3,))
    a, b = keras.layers.Dense(2)(inputs), keras.layers.Dense(4)(inputs)
    x = np.ones((2, 3), np.float32)
    for outputs in ((a, b), [a, b], {"x": a, "y": (a, [b])}, (a, [b, (a,)]), (a,)):
        theirs = keras.Model(inputs, outputs)
        ours = cnnfast.from_keras(theirs)
        again = type(ours).from_config(ours.get_config())
        for model in (ours, again):
            for got in (model(x), model.predict(x, verbose=0)):
                keras.tree.assert_same_structure(got, theirs(x))


def test_later_changes_of_one_do_not_reach_the_other() -> None:
    theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    ours = cnnfast.from_keras(theirs)
    before = ours.get_weights()[0].copy()
    theirs.layers[0].kernel.assign(np.zeros((2, 2), np.float32))
    np.testing.assert_array_equal(ours.get_weights()[0], before)


def test_half_precision_weights_are_converted() -> None:
    for dtype in ("float16", "bfloat16"):
        theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, dtype=dtype)])
        expected = np.asarray(theirs.layers[0].kernel).astype(np.float32)
        np.testing.assert_array_equal(cnnfast.from_keras(theirs).get_weights()[0], expected)


def test_the_model_is_compiled_as_keras_has_it(rng: np.random.Generator) -> None:
    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    assert not cnnfast.from_keras(theirs).compiled
    theirs.compile("sgd", "mse", metrics=["mae"])
    assert not cnnfast.from_keras(theirs, compile=False).compiled
    x, y = rng.normal(size=(9, 3)).astype(np.float32), rng.normal(size=(9, 2)).astype(np.float32)
    expected = theirs.evaluate(x, y, verbose=0, return_dict=True)
    received = cnnfast.from_keras(theirs).evaluate(x, y, verbose=0, return_dict=True)
    assert received == pytest.approx(expected, rel=1e-5)


def test_a_model_that_is_not_built_is_refused() -> None:
    with pytest.raises(ValueError, match="not yet been built"):
        cnnfast.from_keras(keras.Sequential([keras.layers.Dense(2)]))


def test_what_keras_cannot_draw_is_named() -> None:
    def through_numpy(x: Any) -> Any:
        return keras.ops.convert_to_tensor(np.asarray(x))

    mine = keras.layers.Lambda(through_numpy, output_shape=(3,), name="mine")
    with pytest.raises(UnsupportedError, match=r"'mine'.*`keras.ops`, which Keras can draw"):
        cnnfast.from_keras(keras.Sequential([keras.Input((3,)), mine]))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x / keras.ops.shape(x)[0],
        lambda x: x * keras.ops.shape(x)[0],
        lambda x: x - keras.ops.mean(x, axis=0) * keras.ops.shape(x)[0],
        lambda x: keras.ops.reshape(x, (keras.ops.shape(x)[0] * 3, 1)),
        lambda x: x + keras.random.normal(keras.ops.shape(x)),
    ],
)
def test_the_size_of_the_batch_is_no_number(call: Any) -> None:
    image = keras.Input((3,))
    with pytest.raises(UnsupportedError, match=r"batch"):
        cnnfast.from_keras(keras.Model(image, keras.layers.Lambda(call, (3,))(image)))


def test_something_else_is_refused() -> None:
    for other in (None, "model.keras", np.zeros(3), cnnfast.Sequential):
        with pytest.raises(TypeError, match=r"Expected a Keras model. Received: "):
            cnnfast.from_keras(other)


def relu(x: Any) -> Any:
    return keras.ops.relu(x) * 2


def own(x: Any) -> Any:
    return keras.ops.gelu(x)


class Seen(keras.layers.Layer):
    """Makes a mask."""

    def call(self, x: Any) -> Any:
        return x * 1

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return keras.ops.any(x > 0, -1)


@pytest.mark.parametrize("function", [relu, keras.ops.gelu], ids=["own", "of_ops"])
@pytest.mark.parametrize("kind", ["TimeDistributed", "LSTM"])
def test_an_activation_that_has_the_name_of_another_is_refused(kind: str, function: Any) -> None:
    lay = keras.layers
    layer = {
        "TimeDistributed": lambda: lay.TimeDistributed(lay.Dense(3, activation=function)),
        "LSTM": lambda: lay.LSTM(3, activation=function),
    }[kind]()
    model = keras.Sequential([keras.Input((5, 4)), layer])
    with pytest.raises(UnsupportedError, match="computes something else") as caught:
        cnnfast.from_keras(model)
    assert [item.class_name for item in caught.value.items] == [function.__name__]


@pytest.mark.parametrize("function", [relu, own, lambda x: x * keras.ops.tanh(x)])
@pytest.mark.parametrize("kind", ["Dense", "Conv1D", "Activation"])
def test_an_activation_of_ones_own_is_drawn(
    kind: str, function: Any, rng: np.random.Generator
) -> None:
    lay = keras.layers
    layer = {
        "Dense": lambda: lay.Dense(3, activation=function),
        "Conv1D": lambda: lay.Conv1D(3, 2, activation=function),
        "Activation": lambda: lay.Activation(function),
    }[kind]()
    model = keras.Sequential([keras.Input((5, 4)), layer])
    x = rng.normal(size=(5, 5, 4)).astype(np.float32)
    ours = cnnfast.from_keras(model)
    np.testing.assert_allclose(ours.predict(x, verbose=0), model(x), atol=TOLERANCE)
    assert layer.activation is function


def test_the_advice_for_an_activation_with_another_name_works(rng: np.random.Generator) -> None:
    lay = keras.layers
    model = keras.Sequential([keras.Input((4,)), lay.Dense(9, activation=keras.ops.gelu)])
    with pytest.raises(UnsupportedError, match=r"layer.activation = own"):
        cnnfast.from_keras(model, custom_objects={"another": np.tanh})
    model.layers[0].activation = own

    def approximate(x: Any) -> Any:
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    x = rng.normal(size=(5, 4)).astype(np.float32)
    ours = cnnfast.from_keras(model, custom_objects={"own": approximate})
    np.testing.assert_allclose(ours.predict(x, verbose=0), model(x), atol=TOLERANCE)


def test_the_advice_for_a_recurrent_layer_names_it_and_not_its_cell() -> None:
    lay = keras.layers
    around = lay.RNN(lay.GRUCell(3, recurrent_activation=keras.ops.gelu), name="around")
    for layer in (lay.LSTM(3, activation=keras.ops.gelu, name="around"), around):
        model = keras.Sequential([keras.Input((5, 4)), layer])
        with pytest.raises(UnsupportedError, match=r"custom_objects=\{'around': function\}"):
            cnnfast.from_keras(model)


def test_functions_of_other_modules_that_compute_the_same_are_taken(
    rng: np.random.Generator,
) -> None:
    lay, ops = keras.layers, keras.ops
    functions = [ops.relu, ops.leaky_relu, ops.hard_sigmoid, ops.softmax, ops.silu, ops.selu]
    stack = [lay.Dense(4, activation=function) for function in functions]
    model = keras.Sequential([keras.Input((4,)), *stack])
    x = rng.normal(size=(5, 4)).astype(np.float32)
    actual = cnnfast.from_keras(model).predict(x, verbose=0)
    np.testing.assert_allclose(actual, model(x), atol=TOLERANCE)


def test_a_call_that_was_set_on_a_layer_is_what_runs(rng: np.random.Generator) -> None:
    layer = keras.layers.ReLU(name="twice")
    layer.call = lambda x: x * 2
    model = keras.Sequential([keras.Input((4,)), layer])
    x = rng.normal(size=(5, 4)).astype(np.float32)
    ours = cnnfast.from_keras(model)
    np.testing.assert_array_equal(ours.predict(x, verbose=0), model(x))
    with pytest.raises(UnsupportedError, match="runs a `call` that was set on it"):
        cnnfast.from_keras(model, custom_objects={"another": np.tanh})
    ours = cnnfast.from_keras(model, custom_objects={"twice": lambda x: x * 2})
    np.testing.assert_array_equal(ours.predict(x, verbose=0), model(x))


@pytest.mark.parametrize("nested", [False, True])
def test_a_function_for_a_layer_that_makes_a_mask_is_refused(nested: bool) -> None:
    lay = keras.layers
    stack = [keras.Input((5, 4)), Seen(name="seen"), lay.LSTM(3)]
    model = keras.Sequential(stack)
    if nested:
        model = keras.Sequential([keras.Input((5, 4)), model])
    for name in ("Seen", "seen"):
        with pytest.raises(UnsupportedError, match="makes a mask"):
            cnnfast.from_keras(model, custom_objects={name: lambda x: x})
