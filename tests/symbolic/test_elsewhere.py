"""Code that moves the batch behind other axes, or reduces it where nothing needs that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers, ops
from cnnfast.errors import UnsupportedError
from parity import keras


def qkv(k: Any, x: Any) -> Any:
    x = k.ops.transpose(k.ops.reshape(x, (-1, 5, 3, 2, 4)), (2, 0, 3, 1, 4))
    q, keys, v = x[0], x[1], x[2]
    return k.ops.softmax(q @ k.ops.swapaxes(keys, -2, -1)) @ v


def unstacked(k: Any, x: Any) -> Any:
    a, b, c = k.ops.unstack(k.ops.moveaxis(k.ops.reshape(x, (-1, 5, 3, 8)), 2, 0), axis=0)
    return a * b + c


def split(k: Any, x: Any) -> Any:
    a, b = k.ops.split(k.ops.transpose(x, (2, 0, 1)), 2, axis=0)
    return k.ops.transpose(a - 2.0 * b, (1, 2, 0))


def ensemble(k: Any, x: Any) -> Any:
    return k.ops.mean(k.ops.stack([x, k.ops.tanh(x), x * x]), axis=0)


def spread(k: Any, x: Any) -> Any:
    stacked = k.ops.stack([x, k.ops.exp(-x * x)], axis=0)
    return k.ops.max(stacked, axis=0) - k.ops.min(stacked, axis=0)


def weighed(k: Any, x: Any) -> Any:
    weights = np.array([0.2, 0.8], np.float32).reshape(2, 1, 1, 1)
    return k.ops.sum(k.ops.stack([x, -x], axis=0) * weights, axis=0)


def time_major(k: Any, x: Any) -> Any:
    x = k.ops.transpose(x, (1, 0, 2))
    total = x[0]
    for step in range(1, 5):
        total = 0.5 * total + x[step]
    return total


def softmax_over_time(k: Any, x: Any) -> Any:
    x = k.ops.softmax(k.ops.relu(k.ops.swapaxes(x, 0, 1)) + 0.1, axis=0)
    return k.ops.swapaxes(x[1:3, :, ::2], 0, 1)


def kept_axes(k: Any, x: Any) -> Any:
    x = k.ops.transpose(x, (2, 0, 1))
    return k.ops.transpose(x / k.ops.sum(k.ops.abs(x), axis=-1, keepdims=True), (1, 2, 0))


def new_first_axis(k: Any, x: Any) -> Any:
    return k.ops.squeeze(k.ops.transpose(k.ops.expand_dims(x, 0) * 2.0, (1, 0, 2, 3)), 1)


def joined(k: Any, x: Any) -> Any:
    x = k.ops.transpose(x, (1, 0, 2))
    return k.ops.transpose(k.ops.concatenate([x[:2], x[3:]], axis=0), (1, 0, 2))


def gated(k: Any, x: Any) -> Any:
    return k.ops.transpose(k.ops.glu(k.ops.transpose(x, (2, 1, 0)), axis=0), (2, 1, 0))


def sparse(k: Any, x: Any) -> Any:
    return k.ops.transpose(k.ops.sparsemax(k.ops.transpose(x, (1, 2, 0)), axis=1), (2, 0, 1))


FUNCTIONS = [
    *(qkv, unstacked, split, ensemble, spread, weighed, time_major, softmax_over_time),
    *(kept_axes, new_first_axis, joined, gated, sparse),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_batch_behind_other_axes_gives_the_numbers_of_keras(
    function: Any, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(3, 5, 24)).astype(np.float32)
    inputs = layers.Input((5, 24))
    model = cnnfast.Model(inputs, function(cnnfast, inputs))
    expected = np.asarray(function(keras, x))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)
    again = cnnfast.models.model_from_json(model.to_json())
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_turned_tensor_has_the_shape_of_keras() -> None:
    turned = ops.transpose(layers.Input((5, 24)), (2, 0, 1))
    assert turned.shape == (24, None, 5)
    assert turned[0].shape == (None, 5)
    assert ops.mean(turned, axis=0).shape == (None, 5)


NO_AXIS: dict[str, Any] = {
    "a sum": lambda x: ops.sum(ops.transpose(x, (1, 0, 2)), axis=3),
    "a softmax": lambda x: ops.softmax(ops.transpose(x, (1, 0, 2)), axis=-4),
    "a stack": lambda x: ops.stack([x, x], axis=4),
}


@pytest.mark.parametrize("what", NO_AXIS)
def test_an_axis_that_a_turned_tensor_does_not_have_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match=r"axes\. Received: axis="):
        NO_AXIS[what](layers.Input((5, 24)))


WRONG = {
    "a layer": lambda x: layers.Dense(3)(ops.transpose(x, (1, 0, 2))),
    "an operation without a rule": lambda x: ops.cumsum(ops.transpose(x, (1, 0, 2)), axis=0),
    "its own batch": lambda x: ops.sum(ops.transpose(x, (1, 0, 2)), axis=1),
    "a place in its batch": lambda x: ops.transpose(x, (1, 0, 2))[:, 0],
    "another tensor": lambda x: ops.transpose(x, (1, 0, 2)) + x[:, :, :1],
    "a mean over all": lambda x: x - ops.mean(x),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_across_the_batch_is_refused(what: str) -> None:
    with pytest.raises(UnsupportedError, match="batch"):
        WRONG[what](layers.Input((5, 24)))


def test_a_turned_output_is_refused() -> None:
    class Turning(layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.transpose(x, (1, 0, 2))

    with pytest.raises(UnsupportedError, match=r"first axis again.*'turning'"):
        Turning()(layers.Input((5, 24)))


def of_call(call: Any) -> Any:
    return type("Mine", (layers.Layer,), {"call": call})(name="mine")


def test_what_nothing_needs_may_be_across_the_batch() -> None:
    def call(self: Any, x: Any) -> Any:
        mean, variance = ops.mean(x), ops.var(x, axis=0)
        self.add_loss(0.5 * mean + ops.sum(ops.square(variance)))
        return x * 2

    layer = of_call(call)
    np.testing.assert_array_equal(layer(np.ones((2, 3), np.float32)), 2 * np.ones((2, 3)))


def test_the_line_of_what_is_across_the_batch_is_named() -> None:
    def call(self: Any, x: Any) -> Any:
        mean = ops.mean(x, axis=0)
        return x - mean

    words = r"axis=0.*'mine'.*test_elsewhere\.py, line \d+: `mean = ops\.mean"
    with pytest.raises(UnsupportedError, match=words):
        of_call(call)(np.ones((2, 3), np.float32))


def test_the_loss_of_a_call_is_not_left_out() -> None:
    def call(self: Any, x: Any) -> Any:
        self.add_loss(ops.mean(x))
        return x * 2

    model = cnnfast.Sequential([layers.Input((3,)), of_call(call)])
    model.compile(loss="mse")
    with pytest.raises(UnsupportedError, match=r"`add_loss` adds.*'mine'"):
        model.evaluate(np.ones((2, 3)), np.ones((2, 3)), verbose=0)
