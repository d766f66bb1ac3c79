"""The batch of a symbolic tensor, which has no number, stands where operations need it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import ops
from cnnfast.errors import UnsupportedError
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.utils import tree
from cnnfast.variables import Variable
from parity import keras

rng = np.random.default_rng(7)
X = rng.normal(size=(3, 6, 4)).astype(np.float32)
TOKEN = rng.normal(size=(1, 1, 4)).astype(np.float32)
POSITIONS = rng.normal(size=(1, 6, 4)).astype(np.float32)


def test_the_shape_of_a_tensor_is_known_but_for_its_batch() -> None:
    x = cnnfast.Input((6, None, 4))
    batch, *sizes = ops.shape(x)
    assert isinstance(batch, BatchSize)
    assert sizes == [6, None, 4]
    assert all(type(size) is int for size in sizes if size is not None)
    assert ops.shape(cnnfast.Input(batch_shape=(2, 3))) == (2, 3)
    assert ops.shape(Variable(X, name="v")) == ops.shape(X) == (3, 6, 4)
    assert batch == ops.shape(cnnfast.Input((2,)))[0]
    assert len({batch, ops.shape(x)[0]}) == 1


# On Keras' side of a test, `o.shape` gives numbers: it runs on arrays.
CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "reshape": lambda o, x, w: o.reshape(x, (o.shape(x)[0], 24)),
    "reshape with -1": lambda o, x, w: o.reshape(x, (o.shape(x)[0], 2, -1)),
    "reshape behind -1": lambda o, x, w: o.reshape(x, (-1, 3, 8)),
    "reshape with None": lambda o, x, w: o.reshape(x, (x.shape[0], 3, -1)),
    "all sizes": lambda o, x, w: o.reshape(x, (*o.shape(x)[:1], o.shape(x)[1] * 4)),
    "broadcast_to": lambda o, x, w: o.broadcast_to(w(TOKEN), (o.shape(x)[0], 1, 4)),
    "broadcast a vector": lambda o, x, w: o.broadcast_to(w(TOKEN[0, 0]), (o.shape(x)[0], 2, 4)),
    "broadcast a tensor": lambda o, x, w: o.broadcast_to(x[:, :1], (o.shape(x)[0], 5, 4)),
    "tile": lambda o, x, w: o.tile(w(TOKEN), (o.shape(x)[0], 2, 1)),
    "tile a vector": lambda o, x, w: o.tile(w(TOKEN[0]), (o.shape(x)[0], 1)),
    "repeat": lambda o, x, w: o.repeat(w(TOKEN), o.shape(x)[0], axis=0),
    "class token": lambda o, x, w: o.concatenate(
        [o.broadcast_to(w(TOKEN), (o.shape(x)[0], 1, 4)), x], axis=1
    ),
    "class token and positions": lambda o, x, w: o.concatenate(
        [o.tile(w(TOKEN), (o.shape(x)[0], 1, 1)), x + w(POSITIONS)], axis=1
    ),
    "zeros": lambda o, x, w: o.zeros((o.shape(x)[0], 5)),
    "zeros beside a tensor": lambda o, x, w: o.concatenate([x, o.zeros(o.shape(x))], axis=-1),
    "ones": lambda o, x, w: o.ones((o.shape(x)[0], 2), dtype="int32"),
    "full": lambda o, x, w: o.full((o.shape(x)[0], 2, 2), 1.5),
    "full of truths": lambda o, x, w: o.full((o.shape(x)[0], 2), True, dtype="bool"),
    "zeros_like": lambda o, x, w: (o.zeros_like(x), o.ones_like(x), o.full_like(x, 2.5)),
}


def run_in_a_model(case: str) -> tuple[Any, list[np.ndarray[Any, Any]]]:
    x = cnnfast.Input((6, 4))
    outputs = CASES[case](ops, x, lambda array: Variable(array, name="w"))
    model = cnnfast.Model(x, list(outputs) if isinstance(outputs, tuple) else outputs)
    return model, tree.flatten(model.predict(X, verbose=0))


@pytest.mark.parametrize("case", CASES)
def test_the_batch_stands_where_keras_has_a_number(case: str) -> None:
    theirs = CASES[case](keras.ops, keras.ops.convert_to_tensor(X), keras.ops.convert_to_tensor)
    model, made = run_in_a_model(case)
    for tensor, ours, expected in zip(model.outputs, made, tree.flatten(theirs), strict=True):
        assert tensor.shape == (None, *expected.shape[1:])
        assert tensor.dtype == keras.backend.standardize_dtype(expected.dtype)
        np.testing.assert_array_equal(ours, np.asarray(expected, np.float32))


OF_VARIABLES: dict[str, Callable[[Any, Any], Any]] = {
    "broadcast_to": lambda x, w: ops.broadcast_to(w, (ops.shape(x)[0], 6, 4)),
    "tile": lambda x, w: ops.tile(w, (ops.shape(x)[0], 2, 3)),
    "tile to more axes": lambda x, w: ops.tile(w, (ops.shape(x)[0], 1, 1, 2)),
    "repeat": lambda x, w: ops.repeat(w, ops.shape(x)[0], axis=0),
    "full": lambda x, w: ops.full((ops.shape(x)[0], 2, 4), w),
    "beside a batch behind another axis": lambda x, w: ops.transpose(
        ops.transpose(x, (1, 0, 2)) * w, (1, 0, 2)
    ),
    "before a batch": lambda x, w: ops.transpose(ops.transpose(x, (2, 1, 0)) * w, (2, 1, 0)),
}
SHAPES = {"before a batch": (4, 6, 1), "beside a batch behind another axis": (6, 1, 4)}


@pytest.mark.parametrize("case", OF_VARIABLES)
def test_a_variable_that_is_the_same_for_each_image_may_change(case: str) -> None:
    x = cnnfast.Input((6, 4))
    shape = SHAPES.get(case, (1, 1, 4))
    first, second = (rng.normal(size=shape).astype(np.float32) for _ in range(2))
    weight = Variable(first, name="w")
    model = cnnfast.Model(x, OF_VARIABLES[case](x, weight))
    constant = cnnfast.Model(x, OF_VARIABLES[case](x, second))
    before = model.predict(X, verbose=0)
    weight.assign(second)
    after = model.predict(X, verbose=0)
    np.testing.assert_array_equal(after, constant.predict(X, verbose=0))
    assert (before != after).any()
    read = keras.models.model_from_json(model.to_json())
    np.testing.assert_allclose(after, np.asarray(read(X)), rtol=1e-6)


SAVED = [case for case in CASES if case != "reshape with None"]


@pytest.mark.parametrize("case", SAVED)
def test_keras_reads_what_follows_the_batch(case: str) -> None:
    x = cnnfast.Input((6, 4))
    outputs = CASES[case](ops, x, lambda array: array)
    model = cnnfast.Model(x, list(outputs) if isinstance(outputs, tuple) else outputs)
    read = keras.models.model_from_json(model.to_json())
    made = tree.flatten(model.predict(X, verbose=0))
    for ours, theirs in zip(made, tree.flatten(read(X)), strict=True):
        np.testing.assert_array_equal(ours, np.asarray(theirs, np.float32))


REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "joined with another axis": lambda x, b: ops.reshape(x, (b * 6, 24)),
    "divided": lambda x, b: ops.reshape(x, (b // 2, 48)),
    "among other axes": lambda x, b: ops.reshape(x, (24, b)),
    "as a number": lambda x, b: np.zeros((b, 2)),
    "as an integer": lambda x, b: int(b),
    "as a condition": lambda x, b: "many" if b > 1 else "one",
    "as a truth": lambda x, b: bool(b),
    "in a range": lambda x, b: ops.arange(b),
    "repeated numbers": lambda x, b: ops.repeat(POSITIONS[0][:, None], b, axis=0),
    "tiled along another axis": lambda x, b: ops.tile(POSITIONS, (b, 2)),
    "repeated tensor": lambda x, b: ops.tile(x, (b, 1, 1)),
    "repeat of a tensor": lambda x, b: ops.repeat(x, b, axis=0),
    "other axis": lambda x, b: ops.repeat(TOKEN, b, axis=1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_needs_the_number_of_images_is_refused_with_what_works(case: str) -> None:
    x = cnnfast.Input((6, 4))
    with pytest.raises(UnsupportedError, match=r"batch.*Received: ") as caught:
        REFUSED[case](x, ops.shape(x)[0])
    assert "ops." in str(caught.value) or "image" in str(caught.value)


def test_an_unknown_size_is_refused_with_where_the_batch_is() -> None:
    x = cnnfast.Input((6, 4))
    with pytest.raises(UnsupportedError, match=r"ops\.shape\(x\)\[0\].*Received: "):
        ops.zeros((x.shape[0], 4))


def test_numbers_for_each_image_are_the_same_in_a_batch_of_any_size() -> None:
    model, _ = run_in_a_model("class token and positions")
    many = model.predict(np.repeat(X, 5, 0), verbose=0)
    for index in range(15):
        one = model.predict(X[index // 5][None], verbose=0)
        np.testing.assert_array_equal(many[index], one[0])
