"""Windows that `ops.reshape` moves into the batch, and what is done to them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers, ops
from cnnfast._core import Plan
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Constant, Rebatch, Value
from cnnfast.engine.program import build
from cnnfast.errors import AcrossBatchError, UnsupportedError
from parity import keras

rng = np.random.default_rng(11)
X = rng.normal(size=(3, 4, 6, 8)).astype(np.float32)
EACH = rng.normal(size=(6, 4, 8)).astype(np.float32)


def into(k: Any, x: Any) -> Any:
    """Return the windows of 2 x 2 pixels as sequences."""
    x = k.ops.transpose(k.ops.reshape(x, (-1, 2, 2, 3, 2, 8)), (0, 1, 3, 2, 4, 5))
    return k.ops.reshape(x, (-1, 4, 8))


def back(k: Any, x: Any) -> Any:
    x = k.ops.reshape(x, (-1, 2, 3, 2, 2, 8))
    return k.ops.reshape(k.ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 4, 6, 8))


def attended(k: Any, x: Any) -> Any:
    qkv = k.ops.transpose(k.ops.reshape(into(k, x), (-1, 4, 2, 2, 2)), (2, 0, 3, 1, 4))
    q, v = qkv[0], qkv[1]
    y = k.ops.softmax(q @ k.ops.swapaxes(q, -2, -1)) @ v
    return k.ops.reshape(k.ops.transpose(y, (0, 2, 1, 3)), (-1, 6 * 4 * 4))


def heads_in_the_batch(k: Any, x: Any) -> Any:
    batch = k.ops.shape(x)[0]
    qkv = k.ops.transpose(k.ops.reshape(x, (batch, 24, 2, 2, 2)), (2, 0, 3, 1, 4))
    q, v = k.ops.unstack(k.ops.reshape(qkv, (2, batch * 2, 24, 2)), axis=0)
    y = k.ops.softmax(q @ k.ops.transpose(q, (0, 2, 1))) @ v
    y = k.ops.transpose(k.ops.reshape(y, (batch, 2, 4, 6, 2)), (0, 2, 3, 1, 4))
    return k.ops.reshape(y, (batch, 4, 6, -1))


def heads_and_back_behind_others(k: Any, x: Any) -> Any:
    batch = k.ops.shape(x)[0]
    x = k.ops.transpose(k.ops.reshape(x, (batch, 24, 2, 2, 2)), (2, 0, 3, 1, 4))
    x = k.ops.softmax(k.ops.reshape(x, (2, batch * 2, 24 * 2)), axis=-1)
    x = k.ops.reshape(x, (2, batch, 2, 24, 2))
    return k.ops.transpose(x, (1, 3, 0, 2, 4))


def rearranged(k: Any, x: Any) -> Any:
    windows = k.ops.rearrange(x, "b (h p) (w q) c -> (b h w) (p q) c", p=2, q=2)
    windows = k.ops.softmax(windows, axis=1)
    return k.ops.rearrange(windows, "(b h w) (p q) c -> b (h p) (w q) c", h=2, w=3, p=2)


def in_two_steps(k: Any, x: Any) -> Any:
    rows = k.ops.cumsum(k.ops.reshape(x, (-1, 6, 8)), axis=1)
    pixels = k.ops.softmax(k.ops.reshape(rows, (-1, 8)))
    rows = k.ops.reshape(pixels, (-1, 6, 8)) * rows
    return k.ops.reshape(rows, (-1, 4, 6, 8))


def beside_the_image(k: Any, x: Any) -> Any:
    norm = k.ops.max(k.ops.abs(x), axis=(1, 2, 3), keepdims=True)
    return back(k, k.ops.sort(into(k, x / norm), axis=1)) * norm + k.ops.sin(x)


def each_window_its_own(k: Any, x: Any) -> Any:
    batch = k.ops.shape(x)[0]
    return back(k, into(k, x) * k.ops.tile(EACH, (batch, 1, 1)))


def numbers_of_windows(k: Any, x: Any) -> Any:
    windows = into(k, x)
    count = k.ops.shape(windows)[0]
    zeros, ones = k.ops.zeros((count, 1, 8)), k.ops.ones_like(windows)
    fives = k.ops.broadcast_to(k.ops.reshape(EACH[0, 0], (1, 1, 8)), (count, 1, 8))
    return k.ops.reshape(k.ops.concatenate([zeros, windows + ones, fives], 1), (count // 6, -1))


def constants_alone(k: Any, x: Any) -> Any:
    windows = into(k, x)
    return back(k, k.ops.where(windows > 0, windows, k.ops.ones_like(windows) * EACH[0]))


def by_layers(k: Any, x: Any) -> Any:
    return back(k, k.layers.UnitNormalization(axis=1)(into(k, x)))


FUNCTIONS = [
    *(attended, rearranged, in_two_steps, beside_the_image, each_window_its_own),
    *(numbers_of_windows, constants_alone, by_layers, heads_in_the_batch),
    heads_and_back_behind_others,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_windows_in_the_batch_give_the_numbers_of_keras(function: Callable[..., Any]) -> None:
    inputs = layers.Input((4, 6, 8))
    model = cnnfast.Model(inputs, function(cnnfast, inputs))
    expected = np.asarray(function(keras, keras.ops.convert_to_tensor(X)))
    got = model.predict(X, verbose=0)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_array_equal(model.predict(X[1:2], verbose=0), got[1:2])
    again = cnnfast.models.model_from_json(model.to_json())
    np.testing.assert_array_equal(again.predict(X, verbose=0), got)
    if function is not rearranged:  # Keras does not read its own file of it
        theirs = keras.models.model_from_json(model.to_json())
        np.testing.assert_allclose(np.asarray(theirs(X)), expected, atol=1e-5)


# Keras itself does not draw a pattern with numbers for the batch.
@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f is not rearranged])
def test_keras_draws_windows_with_numbers_for_the_batch(function: Callable[..., Any]) -> None:
    class Own(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return function(keras, x)

    inputs = keras.Input((4, 6, 8))
    theirs = keras.Model(inputs, Own()(inputs))
    got = cnnfast.from_keras(theirs).predict(X, verbose=0)
    np.testing.assert_allclose(got, np.asarray(theirs(X)), atol=1e-5)


def test_a_tensor_knows_how_many_places_an_image_has() -> None:
    x = layers.Input((4, 6, 8))
    windows = into(cnnfast, x)
    assert (windows.shape, windows.parts) == ((None, 4, 8), 6)
    assert back(cnnfast, windows).parts == 1
    fixed = ops.reshape(layers.Input(batch_shape=(2, 4, 3)), (-1, 3))
    assert (fixed.shape, fixed.parts) == ((8, 3), 4)
    assert ops.shape(windows)[0] == ops.shape(x)[0] * 6 != ops.shape(x)[0]
    assert ops.shape(windows)[0] // 3 == ops.shape(x)[0] * 2


def tensor() -> Any:
    return layers.Input((4, 6, 8))


REFUSED: dict[str, Callable[[], Any]] = {
    "an output": lambda: cnnfast.Model(x := tensor(), into(cnnfast, x)),
    "an input": lambda: cnnfast.Model(w := into(cnnfast, tensor()), back(cnnfast, w)),
    "the image beside its windows": lambda: into(cnnfast, x := tensor()) + x[:, 0, :4],
    "other windows": lambda: into(cnnfast, x := tensor()) + ops.reshape(x, (-1, 4, 4))[..., :1],
    "what is no part of an image": lambda: ops.reshape(tensor(), (-1, 5, 8)),
    "two images in one": lambda: ops.reshape(tensor(), (-1, 8, 6, 8)),
    "an image in too few windows": lambda: ops.reshape(into(cnnfast, tensor()), (-1, 4, 4, 8, 6)),
    "another batch": lambda: ops.reshape(x := tensor(), (ops.shape(x)[0] * 5, 4, 8)),
    "an open size that does not fit": lambda: ops.reshape(
        x := tensor(), (ops.shape(x)[0] * 6, -1, 9)
    ),
    "a multiple for an image": lambda: ops.broadcast_to(
        x := tensor(), (ops.shape(x)[0] * 2, 4, 6, 8)
    ),
    "half a batch": lambda: ops.shape(tensor())[0] // 2,
    "a size of all": lambda: ops.shape(tensor())[0] + 1,
    "a sum over windows": lambda: ops.sum(into(cnnfast, tensor()), axis=0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_image_has_to_itself_is_refused(case: str) -> None:
    with pytest.raises(UnsupportedError, match=r"(batch|image).*Received: "):
        REFUSED[case]()


def test_a_layer_that_returns_windows_to_no_one_is_refused() -> None:
    class Windows(layers.Layer):
        def call(self, x: Any) -> Any:
            return into(cnnfast, x)

    with pytest.raises(UnsupportedError, match=r"must be moved back.*6 places"):
        Windows()(X)


def test_a_graph_that_moves_constants_is_refused() -> None:
    graph = Graph()
    x = graph.add_input((4,))
    array = np.ones((4, 2), np.float32)
    constant = graph.add(Constant(Value(array.shape), array))
    graph.add(Rebatch(constant, Value((2,))))
    graph.outputs = [x]
    with pytest.raises(AcrossBatchError, match=r"depend on images.*no places"):
        build(graph)


def test_a_report_counts_windows_as_images() -> None:
    inputs = layers.Input((4, 6, 8))
    windows = layers.Dense(8)(into(cnnfast, inputs))
    model = cnnfast.Model(inputs, back(cnnfast, windows))
    flat = cnnfast.Model(inputs, layers.Dense(8)(inputs))
    one, other = (m.profile(X, repeats=1) for m in (model, flat))
    assert sum(row.flops for row in one.rows) == sum(row.flops for row in other.rows)
    model.predict(X, verbose=0)
    assert model.memory_report(batch=4).plans[0].workspace_bytes >= 0


def test_arrays_between_plans_are_let_go() -> None:
    inputs = layers.Input((4, 6, 8))
    x = inputs
    for _ in range(3):
        x = back(cnnfast, ops.sin(into(cnnfast, x)))
    model = cnnfast.Model(inputs, x)
    model.predict(X, verbose=0)
    (program,) = model._executor.plans.values()
    assert not isinstance(program, Plan)
    finished = [value for stage in program._stages for value in stage.finished]
    made = [value for stage in program._stages for value in stage.outputs]
    assert {*made} - {*finished} == {*program._graph.outputs}
