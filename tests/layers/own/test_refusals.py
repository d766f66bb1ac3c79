"""What cannot be traced, and what a class of the user's must not do: type, words, line, state."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers, ops
from cnnfast.errors import UnsupportedError

IMAGES = np.ones((2, 4, 4, 3), np.float32)


def layer_of(call: Callable[..., Any], package: Any = cnnfast, **attributes: Any) -> Any:
    """Return a layer whose `call` is `call`, in Keras or here."""
    kind = type("Mine", (package.layers.Layer,), {"call": call})
    made = kind(name="mine")
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def by_value(self: Any, x: Any) -> Any:
    if ops.sum(x, axis=(1, 2, 3)) > 0:
        return x
    return -x


def by_truth(self: Any, x: Any) -> Any:
    return x if x else -x


def by_loop(self: Any, x: Any) -> Any:
    return [y * 2 for y in x]


def by_asarray(self: Any, x: Any) -> Any:
    return np.asarray(x) * 2


def by_numpy_function(self: Any, x: Any) -> Any:
    return np.maximum(x, 0)


def by_numpy_reduction(self: Any, x: Any) -> Any:
    return np.mean(x, axis=-1)


def by_method(self: Any, x: Any) -> Any:
    return x.numpy() * 2


def by_float(self: Any, x: Any) -> Any:
    return x * float(x[:, 0, 0, 0])


def by_randomness(self: Any, x: Any) -> Any:
    return x + np.random.normal(size=(3,))


def by_python_randomness(self: Any, x: Any) -> Any:
    return x * random.random()


def by_clock(self: Any, x: Any) -> Any:
    return x * time.perf_counter()


def by_unknown_op(self: Any, x: Any) -> Any:
    return ops.nonzero_of_my_own(x)


def by_backend(self: Any, x: Any) -> Any:
    return keras.ops.relu(x)


def without_return(self: Any, x: Any) -> None:
    ops.relu(x)


def with_a_number(self: Any, x: Any) -> Any:
    return 3.0


def with_an_array(self: Any, x: Any) -> Any:
    return [x, np.ones(3)]


UNTRACEABLE: dict[str, tuple[Callable[..., Any], type[Exception], str]] = {
    "a condition on values": (by_value, TypeError, r"neither true nor false.*ops\.where"),
    "the truth of a tensor": (by_truth, TypeError, r"neither true nor false.*ops\.where"),
    "a loop over the batch": (by_loop, TypeError, r"Iterating over a symbolic tensor.*unstack"),
    "asarray": (by_asarray, ValueError, r"cannot be converted to an array.*cnnfast\.ops"),
    "a NumPy function": (by_numpy_function, TypeError, r"a function of NumPy needs numbers"),
    "a NumPy reduction": (by_numpy_reduction, Exception, r"cnnfast\.ops"),
    "numpy()": (by_method, AttributeError, "numpy"),
    "float()": (by_float, TypeError, "float"),
    "NumPy's randomness": (by_randomness, UnsupportedError, "must compute the same whenever"),
    "Python's randomness": (by_python_randomness, UnsupportedError, "must compute the same"),
    "the clock": (by_clock, UnsupportedError, "must compute the same whenever"),
    "an op that is not there": (by_unknown_op, AttributeError, "nonzero_of_my_own"),
    "an op of Keras": (by_backend, Exception, "import|keras"),
    "no return": (without_return, ValueError, "must return a tensor; a `return` may be missing"),
    "a number": (with_a_number, ValueError, r"must return tensors.*3\.0"),
    "an array": (with_an_array, ValueError, "must return tensors"),
}
# What no line of `call` is to blame for, but the whole.
OF_THE_WHOLE = {
    *("NumPy's randomness", "Python's randomness", "the clock"),
    *("no return", "a number", "an array"),
}


@pytest.mark.parametrize("on", ["arrays", "symbolic tensors"])
@pytest.mark.parametrize("what", UNTRACEABLE)
def test_what_cannot_be_traced_is_said_with_the_layer_and_the_line(what: str, on: str) -> None:
    call, error, words = UNTRACEABLE[what]
    x = IMAGES if on == "arrays" else layers.Input((4, 4, 3))
    with pytest.raises(error, match=re.compile(words, re.DOTALL)) as caught:
        layer_of(call)(x)
    message = str(caught.value)
    assert "'mine'" in message
    assert "Mine" in message
    if what not in OF_THE_WHOLE:
        first = call.__code__.co_firstlineno
        line = re.search(r"test_refusals\.py, line (\d+): `(.+)`", message)
        assert line is not None, message
        assert first < int(line[1]) <= first + 2


def test_the_state_before_stays_where_a_call_fails() -> None:
    def call(self: Any, x: Any) -> Any:
        if x.shape[1] == 2:
            raise RuntimeError("two rows are too few")
        return self.dense(x)

    layer = layer_of(call, dense=layers.Dense(3))
    before = layer(IMAGES)
    with pytest.raises(RuntimeError, match=r"too few.*'mine'.*`raise RuntimeError"):
        layer(IMAGES[:, :2])
    np.testing.assert_array_equal(layer(IMAGES), before)


def test_the_line_is_that_of_a_helper_in_the_users_code() -> None:
    def helper(x: Any) -> Any:
        return np.exp(x)

    def call(self: Any, x: Any) -> Any:
        return helper(x)

    with pytest.raises(TypeError, match=r"line \d+: `return np\.exp\(x\)`"):
        layer_of(call)(IMAGES)


# --- weights and layers ----------------------------------------------------------------------


def test_a_call_must_not_change_weights() -> None:
    def call(self: Any, x: Any) -> Any:
        self.count.assign(self.count + 1)
        return x * self.count

    layer = layers.Layer.__class__("Counting", (layers.Layer,), {"call": call})(name="counting")
    layer.count = layer.add_weight(shape=(), initializer="ones", name="count")
    with pytest.raises(ValueError, match=r"must not change its weights.*'counting'"):
        layer(IMAGES)
    assert layer.count.numpy() == 1


@pytest.mark.parametrize("package", [keras, cnnfast])
def test_a_built_layer_makes_no_weights(package: Any) -> None:
    def call(self: Any, x: Any) -> Any:
        if not hasattr(self, "w"):
            self.w = self.add_weight(shape=(), initializer="ones", name="w")
        return x * self.w

    layer = layer_of(call, package)
    words = "cannot add new elements of state|You cannot add new"
    with pytest.raises(ValueError, match=words):
        layer(IMAGES)
    assert layer.weights == []


@pytest.mark.parametrize("package", [keras, cnnfast])
def test_a_built_layer_takes_no_layers(package: Any) -> None:
    layer = layer_of(lambda self, x: self.dense(x), package, dense=package.layers.Dense(3))
    layer(IMAGES)
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.other = package.layers.Dense(3)
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.others = [package.layers.Dense(3)]
    assert len(layer.weights) == 2
    assert not hasattr(layer, "other")
    assert not hasattr(layer, "others")


def test_a_layer_that_a_call_makes_must_be_an_attribute() -> None:
    def call(self: Any, x: Any) -> Any:
        return layers.Dense(3)(x)

    with pytest.raises(ValueError, match=r"'mine'.*as attributes.*Dense"):
        layer_of(call)(IMAGES)


def test_a_layer_from_outside_must_be_an_attribute() -> None:
    outside = layers.Dense(3)
    with pytest.raises(ValueError, match=r"'mine'.*as attributes.*Dense"):
        layer_of(lambda self, x: outside(x))(IMAGES)


@pytest.mark.parametrize("package", [keras, cnnfast])
@pytest.mark.parametrize("kind", ["Layer", "Model"])
def test_a_constructor_must_call_that_of_the_base(kind: str, package: Any) -> None:
    base = getattr(package.layers, kind, None) or package.Model

    class Forgetful(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            self.dense = package.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    with pytest.raises(RuntimeError, match=r"forgot to call `super\(\).__init__\(\)`"):
        Forgetful()(IMAGES)


@pytest.mark.parametrize("package", [keras, cnnfast])
def test_a_layer_without_a_call_cannot_run(package: Any) -> None:
    class Silent(package.layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(shape=(3,), name="w")

    with pytest.raises(NotImplementedError, match="does not have a `call` method"):
        Silent()(IMAGES)


@pytest.mark.parametrize("package", [keras, cnnfast])
def test_a_build_asks_for_shapes_of_arguments(package: Any) -> None:
    class Asking(package.layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, x_shape: Any, other_shape: Any) -> None:
            self.w = self.add_weight(shape=(3,), name="w")

        def call(self, x: Any) -> Any:
            return x * self.w

    with pytest.raises(ValueError, match="should have a `_shape` suffix"):
        Asking()(IMAGES)


@pytest.mark.parametrize("package", [keras, cnnfast])
def test_a_weight_needs_sizes(package: Any) -> None:
    class Open(package.layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(shape=input_shape, name="w")

        def call(self, x: Any) -> Any:
            return x * self.w

    with pytest.raises((ValueError, TypeError), match="None"):
        Open()(package.Input((4, 4, 3)))


def test_weights_of_wide_integers_are_refused() -> None:
    class Counting(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.n = self.add_weight(shape=(), dtype="int64", name="n")

        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(UnsupportedError, match=r"of floats and of int32 only.*dtype='int64'"):
        Counting()(IMAGES)


# --- calls -----------------------------------------------------------------------------------


def test_a_tensor_of_another_graph_must_be_an_argument() -> None:
    other = layers.Input((4, 4, 3))
    with pytest.raises(ValueError, match=r"from its own arguments alone.*pass it to the call"):
        layer_of(lambda self, x: x + other)(IMAGES)


def test_a_call_with_other_arguments_is_refused() -> None:
    layer = layer_of(lambda self, x, factor=1.0: x * factor)
    with pytest.raises(TypeError, match=r"'mine'.*unexpected keyword argument 'scale'"):
        layer(IMAGES, scale=2.0)
    with pytest.raises((TypeError, ValueError), match="'mine'"):
        layer()


def test_two_names_of_one_layer_are_one(rng: np.random.Generator) -> None:
    shared = layers.Dense(3)
    layer = layer_of(lambda self, x: self.a(self.b(x)), a=shared, b=shared)
    layer(IMAGES)
    assert len(layer.weights) == 2


def test_half_of_a_size_that_inputs_leave_open_is_known_when_it_runs() -> None:
    class Halved(layers.Layer):
        def call(self, x: Any) -> Any:
            return x[:, : cnnfast.ops.shape(x)[1] // 2]

    inputs = cnnfast.Input((None, 3))
    model = cnnfast.Model(inputs, Halved()(inputs))
    assert model.output_shape == (None, None, 3)
    for size in (4, 7, 1000):
        x = np.arange(2 * size * 3, dtype=np.float32).reshape(2, size, 3)
        np.testing.assert_array_equal(model.predict(x, verbose=0), x[:, : size // 2])
