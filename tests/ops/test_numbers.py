"""Operations on arrays, variables and numbers are computed at once, as Keras computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError
from cnnfast.utils import tree
from cnnfast.variables import Variable
from parity import keras

rng = np.random.default_rng(5)
X = rng.normal(size=(4, 3, 5)).astype(np.float32)
Y = rng.normal(size=(4, 3, 5)).astype(np.float32)
N = rng.integers(1, 9, (4, 3)).astype(np.int32)
Q = rng.integers(0, 255, (4, 3)).astype(np.uint8)
T = rng.integers(0, 2, (4, 3)).astype(bool)

CASES: dict[str, Callable[[Any], Any]] = {
    **{
        f"{name} over {axis}": lambda o, n=name, a=axis: getattr(o, n)(X, axis=a, keepdims=a == 1)
        for name in ("mean", "sum", "max", "min", "prod", "var", "std", "logsumexp", "amax", "amin")
        for axis in (None, 0, 1, (0, 2))
    },
    **{
        f"{name} of integers": lambda o, n=name: (getattr(o, n)(N), getattr(o, n)(Q, axis=0))
        for name in ("mean", "sum", "max", "std")
    },
    "sum of truths": lambda o: o.sum(T, axis=0),
    **{
        name: lambda o, n=name: (getattr(o, n)(X), getattr(o, n)(N))
        for name in (
            *("abs", "negative", "square", "exp", "sin", "cos", "tanh", "floor", "ceil", "sign"),
            *("expm1", "round", "tan", "arctan", "sinh", "cosh", "arcsinh", "exp2", "deg2rad"),
            *("isnan", "isinf", "isfinite", "logical_not"),
        )
    },
    **{
        name: lambda o, n=name: (getattr(o, n)(np.abs(X)), getattr(o, n)(N))
        for name in ("sqrt", "log", "log1p", "log2", "log10")
    },
    **{
        name: lambda o, n=name: getattr(o, n)(X)
        for name in (
            *("sigmoid", "relu", "gelu", "silu", "softplus", "elu", "erf", "erfc", "rad2deg"),
            *("selu", "leaky_relu", "tanh", "hard_sigmoid", "log_sigmoid"),
        )
    },
    "rsqrt": lambda o: o.rsqrt(np.abs(X)),
    **{
        name: lambda o, n=name: (
            *(getattr(o, n)(X, Y), getattr(o, n)(N, N), getattr(o, n)(N, 2), getattr(o, n)(X, 2)),
            *(getattr(o, n)(N, 2.5), getattr(o, n)(N, X[:, :, 0]), getattr(o, n)([1, 2], [3, 4])),
        )
        for name in (
            *("add", "subtract", "multiply", "divide", "maximum", "minimum", "floor_divide"),
            *("true_divide", "mod", "arctan2", "equal", "not_equal", "greater", "greater_equal"),
            *("less", "less_equal", "logical_and", "logical_or", "logical_xor"),
        )
    },
    "power": lambda o: (o.power(np.abs(X), Y), o.power(N, 2), o.power(X, 2), o.power(N, 0.5)),
    "softmax": lambda o: (o.softmax(X), o.softmax(X, axis=0), o.log_softmax(X, axis=0)),
    "normalize": lambda o: o.normalize(X, axis=0),
    "clip": lambda o: (o.clip(X, -0.5, 0.5), o.clip(N, 2, 4)),
    "cast": lambda o: (o.cast(X * 3, "int32"), o.cast(N, "float32"), o.cast(X, "bool")),
    "reshape": lambda o: (o.reshape(X, (2, 30)), o.reshape(X, -1), o.ravel(N)),
    "transpose": lambda o: (o.transpose(X), o.transpose(X, (2, 0, 1)), o.swapaxes(X, 0, 1)),
    "moveaxis": lambda o: o.moveaxis(X, 0, -1),
    "expand_dims": lambda o: (o.expand_dims(X, 0), o.squeeze(X[:1]), o.squeeze(X[:1], 0)),
    "concatenate": lambda o: (o.concatenate([X, Y]), o.concatenate([N, X[..., 0]], axis=1)),
    "stack": lambda o: (o.stack([X, Y]), o.stack([1.0, 2.0, 3.0])),
    "split": lambda o: (o.split(X, 2), o.split(X, [1], axis=1)),
    "flip": lambda o: (o.flip(X), o.flip(X, 0), o.roll(X, 1), o.roll(X, 2, axis=0)),
    "repeat": lambda o: (o.repeat(X, 2), o.repeat(X, 2, axis=0), o.tile(X, (2, 1, 1))),
    "take": lambda o: (o.take(X, [0, 2], axis=0), o.take(X, N, axis=None), o.take(X, 1, axis=0)),
    "take_along_axis": lambda o: o.take_along_axis(X, N[:, :1, None] % 3, axis=1),
    "pad": lambda o: (o.pad(X, 1), o.pad(X, [[1, 0], [0, 0], [2, 1]], mode="reflect")),
    "get_item": lambda o: (o.get_item(X, 0), o.get_item(X, (slice(1, None), 0))),
    "where": lambda o: (o.where(T, N, 0), o.where(T, 1.5, N), o.where(X > 0, X, Y), o.where(T)),
    "argmax": lambda o: (o.argmax(X), o.argmax(X, axis=0), o.argmin(X, axis=1, keepdims=True)),
    "sort": lambda o: (o.sort(X), o.sort(X, axis=0), o.argsort(X, axis=0), o.sort(N, axis=0)),
    "cumsum": lambda o: (o.cumsum(X), o.cumsum(N, axis=0), o.cumprod(X, axis=0), o.cumsum(T, 0)),
    "top_k": lambda o: (*o.top_k(X, 2), *o.top_k(N, 3)),
    "matmul": lambda o: (o.matmul(X, Y.transpose(0, 2, 1)), o.matmul(N, N.T), o.dot(X, Y[0].T)),
    "einsum": lambda o: (o.einsum("ijk,ljk->il", X, Y), o.einsum("ii", N[:3])),
    "tensordot": lambda o: (o.tensordot(X, Y[0], axes=[[2], [1]]), o.inner(X[0], Y[0])),
    "arange": lambda o: (o.arange(5), o.arange(1, 5, 2), o.arange(0.0, 1.0, 0.25), o.arange(3.0)),
    "arange as": lambda o: o.arange(4, dtype="float32"),
    "linspace": lambda o: (o.linspace(0, 1, 5), o.linspace(0.0, 2.0, 4, endpoint=False)),
    "linspace step": lambda o: o.linspace(0.0, 1.0, 5, retstep=True),
    "logspace": lambda o: (o.logspace(0, 2, 3), o.geomspace(1.0, 8.0, 4)),
    "eye": lambda o: (o.eye(3), o.eye(2, 4, 1), o.identity(2), o.tri(3), o.tri(2, 4, 1, "int32")),
    "meshgrid": lambda o: (o.meshgrid(o.arange(3), o.arange(2)), o.meshgrid(N[0], indexing="ij")),
    "zeros": lambda o: (o.zeros((2, 3)), o.ones(4, dtype="int32"), o.full((2,), 3), o.zeros(())),
    "full of numbers": lambda o: o.full((2, 3), np.arange(3.0)),
    "zeros_like": lambda o: (o.zeros_like(X), o.ones_like(N), o.full_like(X, 2.5)),
    "ones_like as": lambda o: o.ones_like(X, dtype="int32"),
    "broadcast_to": lambda o: o.broadcast_to(N[:, :1], (4, 5)),
    "convert_to_tensor": lambda o: tuple(
        o.convert_to_tensor(value)
        for value in ([1, 2], [1.0, 2], 3, 2.5, True, np.arange(3), np.ones(2), X)
    ),
    "convert_to_tensor as": lambda o: o.convert_to_tensor([1, 2], dtype="float32"),
    "array": lambda o: o.array([[1.0], [2.0]]),
    "numbers alone": lambda o: (o.sqrt(2.0), o.add(1, 2), o.add(1, 2.5), o.exp(1), o.maximum(1, 2)),
    "lists": lambda o: (o.mean([1, 2, 4]), o.sum([[1, 2], [3, 4]], axis=0), o.exp([0.0, 1.0])),
    "half": lambda o: (o.exp(X.astype(np.float16)), o.add(X.astype(np.float16), N[..., None])),
    "empty": lambda o: (o.exp(X[:0]), o.gelu(X[:0]), o.sum(X[:0], axis=0)),
}


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_computed_at_once_over_any_axis_in_the_dtype_of_keras(case: str) -> None:
    expected = tree.flatten(CASES[case](keras.ops))
    made = tree.flatten(CASES[case](cnnfast.ops))
    for ours, keras_tensor in zip(made, expected, strict=True):
        theirs = np.asarray(keras_tensor)
        assert isinstance(ours, np.ndarray)
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        low = ours.dtype == np.float16
        np.testing.assert_allclose(
            ours.astype(np.float64),
            theirs.astype(np.float64),
            rtol=1e-2 if low else 2e-5,
            atol=2e-6,
        )


def test_keras_names_for_what_a_tensor_is() -> None:
    ops = cnnfast.ops
    x = cnnfast.Input((3, 2))
    assert (ops.ndim(X), ops.dtype(N), ops.shape(X)) == (3, "int32", (4, 3, 5))
    assert (ops.ndim(x), ops.dtype(x)) == (3, "float32")
    assert ops.is_tensor(X)
    assert ops.is_tensor(x)
    assert not ops.is_tensor([1.0])
    assert ops.convert_to_tensor(x) is x
    copy = ops.convert_to_numpy(X)
    copy[:] = 0  # the caller's own
    assert X.any()


def test_a_symbolic_tensor_is_no_numpy_array() -> None:
    x = cnnfast.Input((3,))
    with pytest.raises(UnsupportedError, match=r"has no numbers.*Received: "):
        cnnfast.ops.convert_to_numpy(x)
    with pytest.raises(UnsupportedError, match=r"stack\(tensors, axis=1\).*Received: "):
        cnnfast.ops.convert_to_tensor([x, x])


# --- variables --------------------------------------------------------------------------------

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda v, y: (v + y, y + v, v + 1, 1 + v),
    "-": lambda v, y: (v - y, y - v, v - 1, 1 - v),
    "*": lambda v, y: (v * y, y * v, v * 2.5, 2 * v),
    "/": lambda v, y: (v / y, y / v, v / 3, 3 / v, v / 0),
    "//": lambda v, y: (v // y, y // v, v // 0.3, 1 // v),
    "%": lambda v, y: (v % y, y % v, v % 0.3, 1 % v),
    "**": lambda v, y: (v**2, abs(v) ** y, 2**v),
    "@": lambda v, y: (v @ y.T, y @ v[:].T),
    "comparisons": lambda v, y: (v < y, v <= y, v > 0, v >= 0.5, v == y, v != y, y < v),
    "one": lambda v, y: (-v, +v, abs(v), round(v), v[0], v[1:, ::2]),
    "NumPy": lambda v, y: (np.float32(2) * v, np.float64(2) * v, np.ones(3) * v, np.sqrt(abs(v))),
    "integers": lambda v, y: (v * np.arange(3), np.arange(3) + v),
}


@pytest.mark.parametrize("case", OPERATORS)
def test_operators_of_a_variable_are_those_of_keras(case: str) -> None:
    array = X[0, :3, :3]
    theirs = OPERATORS[case](keras.Variable(array), keras.ops.convert_to_tensor(Y[0, :3, :3]))
    ours = OPERATORS[case](Variable(array, name="v"), Y[0, :3, :3])
    for made, expected in zip(ours, theirs, strict=True):
        assert made.shape == expected.shape
        # NumPy, to which Keras may leave it, would make float64 of both.
        assert made.dtype == (bool if np.asarray(expected).dtype == bool else np.float32)
        np.testing.assert_allclose(made, np.asarray(expected), rtol=1e-6, atol=1e-7)


def test_a_variable_is_found_by_what_it_is_and_not_by_its_numbers() -> None:
    first, second = (Variable([1.0, 2.0], name="v") for _ in range(2))
    assert {first: 1, second: 2}[second] == 2
    assert first in [first]
    assert float(Variable(2.5, name="v")) == 2.5
    assert int(Variable(2.5, name="v")) == 2


def test_statistics_of_a_variable_are_numbers() -> None:
    kernel = Variable(X, name="kernel")
    mean = cnnfast.ops.mean(kernel, axis=[0, 1])
    np.testing.assert_allclose(mean, X.mean((0, 1)), rtol=1e-6)
    assert mean.dtype == np.float32
    np.testing.assert_array_equal(cnnfast.ops.transpose(kernel), X.T)
    np.testing.assert_array_equal(cnnfast.ops.convert_to_tensor(kernel), X)


SHAPES = {"scalar": (), "channels": (5,), "class token": (1, 1, 5), "positions": (1, 3, 5)}
BESIDE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "+": lambda o, x, v: (x + v, v + x),
    "-": lambda o, x, v: (x - v, v - x),
    "*": lambda o, x, v: (x * v, v * x),
    "/": lambda o, x, v: (x / v, v / x),
    "//": lambda o, x, v: (x // v, v // x),
    "%": lambda o, x, v: (x % v, v % x),
    "**": lambda o, x, v: (o.abs(x) ** v, o.power(o.abs(v), x)),
    "comparisons": lambda o, x, v: (x < v, v < x, x >= v, v >= x, x == v, v != x),
    "functions": lambda o, x, v: (o.maximum(v, x), o.minimum(x, v), o.arctan2(v, x)),
    "where": lambda o, x, v: (o.where(x > 0, x, v), o.where(v > 0, x, v), o.where(x > v, 1.0, v)),
    "logic": lambda o, x, v: (o.logical_and(x > 0, v), o.logical_or(v, x > 0)),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", BESIDE)
def test_a_variable_stands_on_either_side_of_a_symbolic_tensor(case: str, shape: str) -> None:
    numbers = rng.normal(size=SHAPES[shape]).astype(np.float32)
    x = cnnfast.Input((3, 5))
    outputs = BESIDE[case](cnnfast.ops, x, Variable(numbers, name="v"))
    made = cnnfast.Model(x, list(outputs)).predict(X, verbose=0)
    expected = BESIDE[case](keras.ops, keras.ops.convert_to_tensor(X), numbers)
    for a, b in zip(made, expected, strict=True):
        np.testing.assert_allclose(a, np.asarray(b, np.float32), rtol=2e-5, atol=1e-5)


PRODUCTS: dict[str, tuple[tuple[int, ...], Callable[[Any, Any, Any], Any]]] = {
    "matrix on the right": ((5, 2), lambda o, x, w: (o.matmul(x, w), x @ w)),
    "matrix on the left": ((2, 3), lambda o, x, w: (o.matmul(w, x), w @ x)),
    "vectors": ((5,), lambda o, x, w: (o.matmul(x, w), o.dot(x, w))),
    "vector on the left": ((3,), lambda o, x, w: o.matmul(w, x)),
    "a matrix with the batch": ((1, 5, 2), lambda o, x, w: o.matmul(x, w)),
    "joined": ((1, 2, 5), lambda o, x, w: o.concatenate([w, x[:1]], axis=1)),
    "einsum": ((5, 2, 4), lambda o, x, w: o.einsum("bij,jhd->bihd", x, w)),
    "einsum on the left": ((4, 5), lambda o, x, w: o.einsum("dj,bij->bid", w, x)),
    "einsum in step": ((3, 5, 2), lambda o, x, w: o.einsum("bij,ijd->bid", x, w)),
    "einsum to one": ((3, 5), lambda o, x, w: o.einsum("bij,ij->b", x, w)),
    "tensordot": ((5, 2), lambda o, x, w: o.tensordot(x, w, axes=1)),
    "inner": ((2, 5), lambda o, x, w: o.inner(x, w)),
}


@pytest.mark.parametrize("case", PRODUCTS)
def test_a_variable_is_a_factor_of_products(case: str) -> None:
    shape, function = PRODUCTS[case]
    weights = rng.normal(size=shape).astype(np.float32)
    x = cnnfast.Input((3, 5))
    if case == "joined":
        model = cnnfast.Model(x, cnnfast.ops.concatenate([Variable(weights, name="w"), x], axis=1))
        expected = [np.concatenate([np.repeat(weights, 4, 0), X], axis=1)]
        made = [model.predict(X, verbose=0)]
    else:
        outputs = function(cnnfast.ops, x, Variable(weights, name="w"))
        model = cnnfast.Model(x, list(outputs) if isinstance(outputs, tuple) else outputs)
        made = tree.flatten(model.predict(X, verbose=0))
        expected = tree.flatten(function(keras.ops, keras.ops.convert_to_tensor(X), weights))
    for a, b in zip(made, expected, strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=2e-5, atol=1e-5)


def test_an_assigned_variable_gives_other_numbers() -> None:
    x = cnnfast.Input((3, 5))
    weight = Variable(np.ones((5, 2), np.float32), name="w")
    model = cnnfast.Model(x, cnnfast.ops.matmul(x, weight) + weight[0])
    before = model.predict(X, verbose=0)
    weight.assign(2 * np.ones((5, 2)))
    after = model.predict(X, verbose=0)
    np.testing.assert_allclose(after - 1, 2 * (before - 1), rtol=1e-5, atol=1e-5)
