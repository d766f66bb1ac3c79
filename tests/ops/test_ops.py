"""Operations in a graph give what Keras' give: shapes, dtypes and numbers."""

from __future__ import annotations

import inspect
import json
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from annotations import vague
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.utils import tree
from operation_parity import Case, model_of
from parity import keras
from reference import tolerance

ACTIVATIONS = (
    *("relu", "relu6", "sigmoid", "sparse_sigmoid", "silu", "softplus", "softsign", "swish"),
    *("sparse_plus", "log_sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh"),
    *("tanh_shrink", "selu", "leaky_relu", "elu", "celu", "gelu", "squareplus", "soft_shrink"),
    *("hard_shrink", "softmax", "log_softmax", "tanh"),
)
FUNCTIONS = (
    *("absolute", "abs", "negative", "square", "exp", "expm1", "sin", "cos", "floor", "ceil"),
    *("round", "sign", "erf", "reciprocal"),
)
OF_POSITIVE = ("sqrt", "rsqrt", "log", "log1p")
VECTOR = np.array([1.5, -0.5, 2.0, 0.25], np.float32)
MATRIX = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
MAP = np.linspace(-1, 1, 24, dtype=np.float32).reshape(6, 1, 4)

CASES: dict[str, Case] = {
    **{name: lambda o, x, y, n=name: getattr(o, n)(x) for name in (*ACTIVATIONS, *FUNCTIONS)},
    **{name: lambda o, x, y, n=name: getattr(o, n)(o.abs(x) + 0.1) for name in OF_POSITIVE},
    "gelu exact": lambda o, x, y: o.gelu(x, approximate=False),
    "leaky_relu slope": lambda o, x, y: o.leaky_relu(x, negative_slope=0.3),
    "threshold": lambda o, x, y: o.threshold(x, 0.3, -1.0),
    "softmax of axis 1": lambda o, x, y: o.softmax(x, axis=1),
    "softmax of two axes": lambda o, x, y: o.softmax(x, axis=(1, 2)),
    "log_softmax of axis 2": lambda o, x, y: o.log_softmax(x, axis=2),
    "normalize": lambda o, x, y: o.normalize(x, axis=-1),
    "normalize of axis 1": lambda o, x, y: o.normalize(x, axis=1, epsilon=1.5),
    "round decimals": lambda o, x, y: o.round(x, 1),
    "clip": lambda o, x, y: o.clip(x, -0.5, 0.25),
    "cast to integers": lambda o, x, y: o.cast(x * 3, "int32"),
    "cast to bool and back": lambda o, x, y: o.cast(o.cast(o.relu(x), "bool"), "float32"),
    "tensors": lambda o, x, y: (x + y, x - y, x * y, o.maximum(x, y), o.minimum(x, y)),
    "quotients": lambda o, x, y: (x / (o.abs(y) + 1), o.floor_divide(x, o.abs(y) + 1)),
    # Of one decimal: most quotients are whole numbers but for their rounding.
    "quotients of decimals": lambda o, x, y: (
        *(o.floor_divide(o.round(x, 1), o.round(y, 1)), o.round(x, 1) // 0.1),
        *(1 // o.round(y, 1), o.round(x, 1) % o.round(y, 1)),
    ),
    "power of tensors": lambda o, x, y: o.power(o.abs(x) + 0.1, y),
    "broadcast tensors": lambda o, x, y: (x * x[:, :1, :, :1], x[..., :1] + x[:, :1]),
    "numbers": lambda o, x, y: (x + 1, 1 - x, x * 2.5, x / 3, 3 / (o.abs(x) + 1), x**2, -x),
    "powers": lambda o, x, y: (o.abs(x) ** 0.5, x**3, 2.0**x, (o.abs(x) + 1) ** -0.5),
    "number limits": lambda o, x, y: (o.maximum(x, 0.2), o.minimum(0.2, x), x // 0.3),
    "vectors": lambda o, x, y: (x + VECTOR, o.subtract(VECTOR, x), x * VECTOR, x / VECTOR),
    "vector quotient": lambda o, x, y: o.divide(VECTOR, o.abs(x) + 1),
    "vector limits": lambda o, x, y: (o.maximum(x, VECTOR), o.power(o.abs(x), VECTOR)),
    "maps": lambda o, x, y: (x * MAP, x + MAP[None], x - MAP, x[:, :1] * MAP),
    "matmul constant": lambda o, x, y: (o.matmul(x, MATRIX), x @ MATRIX),
    "matmul tensors": lambda o, x, y: o.matmul(x, o.transpose(y, (0, 1, 3, 2))),
    "reshape": lambda o, x, y: (o.reshape(x, (-1, 30, 4)), o.reshape(x, (-1, 120))),
    "transpose": lambda o, x, y: o.transpose(x, (0, 3, 1, 2)),
    "moveaxis": lambda o, x, y: (o.moveaxis(x, -1, 1), o.moveaxis(x, (1, 2), (-1, 1))),
    "swapaxes": lambda o, x, y: o.swapaxes(x, 1, -1),
    "expand_dims": lambda o, x, y: (o.expand_dims(x, 1), o.expand_dims(x, -1)),
    "squeeze": lambda o, x, y: (o.squeeze(x[..., :1], -1), o.squeeze(x[:, :1, :, :1], (1, 3))),
    "stack": lambda o, x, y: (o.stack([x, y], axis=1), o.stack([x, y, x], axis=-1)),
    "concatenate": lambda o, x, y: (o.concatenate([x, y], -1), o.concatenate([x, y[:, :2]], 1)),
    "split": lambda o, x, y: o.split(x, 2, axis=-1),
    "split at": lambda o, x, y: o.split(x, [1, 4], axis=1),
    "depth_to_space": lambda o, x, y: (
        o.depth_to_space(x, 2),
        o.depth_to_space(o.transpose(x, (0, 3, 1, 2)), 2, data_format="channels_first"),
    ),
    "space_to_depth": lambda o, x, y: o.space_to_depth(x[:, :, :4], 2),
    "resize": lambda o, x, y: (
        o.image.resize(x, (9, 3)),
        o.image.resize(x, (4, 8), interpolation="nearest"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operation_is_that_of_keras(case: str, rng: np.random.Generator) -> None:
    theirs, ours = (model_of(lib, CASES[case], (6, 5, 4)) for lib in (keras, cnnfast))
    loaded = layers.deserialize(json.loads(theirs.to_json()))
    x = [rng.normal(size=(2, 6, 5, 4)).astype(np.float32) for _ in range(2)]
    expected = [np.asarray(y) for y in tree.flatten(theirs(x))]
    for model in (ours, loaded):
        assert [t.shape for t in model.outputs] == [t.shape for t in theirs.outputs]
        assert [t.dtype for t in model.outputs] == [t.dtype for t in theirs.outputs]
        for a, b in zip(tree.flatten(model.predict(x, verbose=0)), expected, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, atol=tolerance(120, 8.0), rtol=2e-5)


@pytest.mark.parametrize("case", CASES)
def test_keras_reads_the_config_of_an_operation(case: str, rng: np.random.Generator) -> None:
    ours = model_of(cnnfast, CASES[case], (6, 5, 4))
    theirs = keras.models.model_from_json(ours.to_json())
    x = [rng.normal(size=(2, 6, 5, 4)).astype(np.float32) for _ in range(2)]
    for a, b in zip(tree.flatten(ours(x)), tree.flatten(theirs(x)), strict=True):
        np.testing.assert_allclose(a, np.asarray(b), atol=tolerance(120, 8.0), rtol=2e-5)


@pytest.mark.parametrize("shape", [(6, 4), (6, 5, 4)])
@pytest.mark.parametrize(("name", "layer"), [("max", "Max"), ("average", "Average")])
def test_poolings_are_those_of_keras_layers(
    name: str, layer: str, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    # Keras' own operations fail on JAX for some of these arguments.
    x = rng.normal(size=(2, *shape)).astype(np.float32)
    for options in (
        {"pool_size": 2},
        {"pool_size": 3, "strides": 2, "padding": "same"},
        {"pool_size": [2] * (len(shape) - 1), "data_format": "channels_first"},
    ):
        theirs = getattr(keras.layers, f"{layer}Pooling{len(shape) - 1}D")(**options)
        begin = cnnfast.Input(shape)
        model = cnnfast.Model(begin, getattr(cnnfast.ops, f"{name}_pool")(begin, **options))
        assert model.output_shape == theirs.compute_output_shape((None, *shape))
        np.testing.assert_allclose(model(x), np.asarray(theirs(x)), atol=1e-6)


OPEN = ("tensors", "stack", "resize")


@pytest.mark.parametrize("case", OPEN)
def test_unknown_sizes_give_the_shapes_of_keras(case: str, rng: np.random.Generator) -> None:
    theirs, ours = (model_of(lib, CASES[case], (None, None, 4)) for lib in (keras, cnnfast))
    x = [rng.normal(size=(2, 6, 5, 4)).astype(np.float32) for _ in range(2)]
    expected = [np.asarray(y) for y in tree.flatten(theirs(x))]
    for a, b in zip(tree.flatten(ours.predict(x, verbose=0)), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance(30, 8.0), rtol=2e-5)
    for mine, other in zip(ours.outputs, theirs.outputs, strict=True):
        pairs = zip(mine.shape, other.shape, strict=True)
        assert all(n is None or n == size for n, size in pairs)


@pytest.mark.parametrize("mode", ["tf", "caffe", "torch"])
def test_preprocessing_in_a_graph_is_that_of_keras(mode: str, rng: np.random.Generator) -> None:
    inputs = keras.Input((5, 4, 3))
    graph = keras.applications.imagenet_utils.preprocess_input(inputs, mode=mode)
    theirs = keras.Model(inputs, graph)
    ours = layers.deserialize(json.loads(theirs.to_json()))
    x = rng.uniform(0, 255, (2, 5, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-4, rtol=1e-5)


# --- at once ----------------------------------------------------------------------------------


def test_arrays_are_computed_at_once(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 4)).astype(np.float32)
    ops = cnnfast.ops
    np.testing.assert_allclose(ops.softmax(x).sum(-1), np.ones((2, 3)), rtol=1e-6)
    np.testing.assert_array_equal(ops.add(x, VECTOR), x + VECTOR)
    np.testing.assert_array_equal(ops.multiply(x, x), x * x)
    np.testing.assert_array_equal(ops.concatenate([x, x], axis=-1), np.concatenate([x, x], -1))
    first, second = ops.split(x, 2, axis=-1)
    np.testing.assert_array_equal(np.concatenate([first, second], -1), x)


def test_space_to_depth_of_channels_first_is_that_of_channels_last(
    rng: np.random.Generator,
) -> None:
    x = rng.normal(size=(2, 4, 6, 3)).astype(np.float32)
    first = cnnfast.ops.space_to_depth(x.transpose(0, 3, 1, 2), 2, data_format="channels_first")
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), cnnfast.ops.space_to_depth(x, 2))


MODULES = {"image", "linalg", "nn", "numpy"}
NAMES = sorted(set(cnnfast.ops.__all__) - {"Operation", *MODULES})
OF_IMAGES = [f"image.{name}" for name in cnnfast.ops.image.__all__ if name.islower()]


@pytest.mark.parametrize("name", [*NAMES, *OF_IMAGES, "nn.relu"])
def test_functions_have_the_arguments_of_keras(name: str) -> None:
    function = operator.attrgetter(name)
    ours = inspect.signature(function(cnnfast.ops)).parameters.values()
    theirs = inspect.signature(function(keras.ops)).parameters.values()
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.parametrize("name", [*NAMES, *OF_IMAGES, "nn.relu"])
def test_types_say_what_a_function_takes_and_returns(name: str) -> None:
    assert vague(operator.attrgetter(name)(cnnfast.ops)) == set()


# --- what is refused --------------------------------------------------------------------------

ACROSS_THE_BATCH: list[Case] = [
    lambda o, x, y: o.mean(x),
    lambda o, x, y: o.sum(x, axis=0),
    lambda o, x, y: o.max(x, axis=(0, 1)),
    lambda o, x, y: o.concatenate([x, y], axis=0),
    lambda o, x, y: o.stack([x, y], axis=0),
    lambda o, x, y: o.transpose(x),
    lambda o, x, y: o.swapaxes(x, 0, 1),
    lambda o, x, y: o.reshape(x, (-1, 4)),
    lambda o, x, y: o.reshape(x, (2, -1)),
    lambda o, x, y: o.expand_dims(x, 0),
    lambda o, x, y: o.flip(x),
    lambda o, x, y: o.tile(x, (2, 1, 1, 1)),
    lambda o, x, y: o.pad(x, 1),
    lambda o, x, y: o.softmax(x, axis=0),
    lambda o, x, y: x[1:],
    lambda o, x, y: x[0],
    lambda o, x, y: x[None],
    lambda o, x, y: x + np.ones((2, 6, 5, 4)),
    lambda o, x, y: x + x[:, 0],
]


@pytest.mark.parametrize("case", ACROSS_THE_BATCH)
def test_what_would_cross_the_batch_is_refused(case: Case) -> None:
    with pytest.raises(UnsupportedError, match=r"batch.*Received: "):
        model_of(cnnfast, case, (6, 5, 4))


def test_small_integers_are_refused_where_they_would_wrap() -> None:
    x = cnnfast.Input((3,), dtype="uint8")
    with pytest.raises(UnsupportedError, match=r"wraps around"):
        x - 127
    assert (x / 255).dtype == "float32"
    assert (cnnfast.ops.cast(x, "float32") - 127.0).dtype == "float32"


SHAPES_THAT_DO_NOT_FIT: list[tuple[Case, str]] = [
    (lambda o, x, y: o.split(x, 4, axis=1), "6 positions cannot be split evenly"),
    (lambda o, x, y: o.split(x, [3, 2], axis=1), "a part must not be empty"),
    (lambda o, x, y: o.split(cnnfast.Input((None, 4)), 2, axis=1), "must have a known size"),
    (lambda o, x, y: o.concatenate([x, y[:, :, :2]], axis=1), "the same in the other axes"),
    (lambda o, x, y: o.concatenate([x, y[:, 0]], axis=-1), "the same number of axes"),
    (lambda o, x, y: o.stack([x, y[:, 0]], axis=1), "the same number of axes"),
    (lambda o, x, y: o.stack(x, axis=1), "expected a list of tensors"),
    (lambda o, x, y: o.matmul(x, MATRIX.T), "inner sizes must be the same"),
    (lambda o, x, y: o.matmul(x, np.ones((2, 6, 4, 3))), "must be the same for every image"),
    (lambda o, x, y: o.matmul(x, np.ones((3, 4, 3))), "the same axes before the last two"),
    (lambda o, x, y: o.matmul(MATRIX, x[:, 0, 0]), "must have matrices beside its batch"),
    (lambda o, x, y: o.matmul(x, 2.0), "a scalar is no matrix"),
    (lambda o, x, y: o.matmul(x, y[:, :3, :4]), "the same axes before the last two"),
    (lambda o, x, y: o.matmul(x, y[:, 0, 0, 0]), "the same axes before the last two"),
    (lambda o, x, y: o.dot(x, y), "the right operand must be a constant matrix"),
]


@pytest.mark.parametrize(("case", "rule"), SHAPES_THAT_DO_NOT_FIT)
def test_shapes_that_do_not_fit_are_refused(case: Case, rule: str) -> None:
    with pytest.raises((ValueError, UnsupportedError), match=rf"{rule}.*Received: "):
        model_of(cnnfast, case, (6, 5, 4))


def test_more_parts_than_any_network_has_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 4096 parts can be made. Received: 4097"):
        cnnfast.ops.split(cnnfast.Input((4097,)), 4097, axis=1)


@pytest.mark.parametrize("use", [len, list, bool, np.asarray])
def test_a_symbolic_tensor_is_no_array(use: Callable[[Any], Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=r"symbolic tensor.*Received: <KerasTensor "):
        use(cnnfast.Input((3,), name="image"))


def test_an_unknown_operation_is_refused_with_what_works() -> None:
    inputs = keras.Input((2, 3, 3))
    config = json.loads(keras.Model(inputs, keras.ops.cholesky(inputs)).to_json())
    with pytest.raises(
        UnsupportedError, match=r"'cholesky' of class Cholesky: .*by a `Lambda`.*Received: "
    ):
        layers.deserialize(config)
