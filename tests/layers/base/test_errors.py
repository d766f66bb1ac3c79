"""Bad arguments, inputs and configs: one sentence that states the rule, and what was received."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.layers import Layer
from parity import keras

# Keras raises ValueError for these too, in nearly these words.
ILLEGAL_IN_BOTH: list[tuple[str, dict[str, Any], str]] = [
    ("Conv2D", {"filters": 0, "kernel_size": 3}, "strictly positive"),
    ("Conv2D", {"filters": 4, "kernel_size": 0}, "`kernel_size` argument must be a tuple of 2"),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 3, 3)}, "`kernel_size` argument"),
    ("Conv2D", {"filters": 4, "kernel_size": "x"}, "`kernel_size` argument"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": -1}, "`strides` argument"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": (1, 0)}, "do not satisfy `value > 0`"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": 0}, "`dilation_rate` argument"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "full"}, "`padding` argument"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, "`padding` argument"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "data_format": "nchw"}, "`data_format` argument"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 0}, "number of groups must be a pos"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 3}, "evenly divisible by the number of"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "activation": "rely"}, "activation function id"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "kernel_initializer": "x"}, "initializer id"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "kernel_regularizer": "x"}, "regularizer id"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "kernel_constraint": "x"}, "constraint id"),
    (
        "Conv2D",
        {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2},
        "`strides > 1` not supported in conjunction with `dilation_rate > 1`",
    ),
    ("Dense", {"units": 0}, "invalid value for `units`, expected a positive integer"),
    ("Dense", {"units": 2.5}, "invalid value for `units`, expected a positive integer"),
    ("Dense", {"units": 3, "foo": 1}, "Unrecognized keyword arguments passed to Dense: {'foo': 1}"),
    ("Dense", {"units": 3, "name": "a/b"}, "cannot contain character `/`"),
    ("Dense", {"units": 3, "name": 3}, "`name` must be a string"),
    ("Dense", {"units": 3, "trainable": "yes"}, "`trainable` to be a boolean"),
    ("Dense", {"units": 3, "dtype": "floaty"}, "floaty"),
    ("Dropout", {"rate": 1.5}, "Expected a float value between 0 and 1"),
    ("Flatten", {"data_format": "nchw"}, "`data_format` argument"),
    ("InputLayer", {"shape": (-1, 3)}, "Negative dimensions are not allowed"),
    ("InputLayer", {"shape": 3}, "Cannot convert '3' to a shape"),
    ("InputLayer", {"shape": ("a",)}, "to a shape"),
    ("InputLayer", {}, "You must pass a `shape` argument"),
    ("InputLayer", {"shape": (3,), "batch_shape": (None, 3)}, "both `shape` and `batch_shape`"),
    ("MaxPooling2D", {"pool_size": (2, 2, 2)}, "`pool_size` argument must be a tuple of 2"),
    ("MaxPooling2D", {"strides": -1}, "`strides` argument"),
    ("ReLU", {"max_value": -1.0}, "negative"),
    ("ReLU", {"negative_slope": -1.0}, "negative"),
    ("ReLU", {"threshold": -1.0}, "negative"),
]


@pytest.mark.parametrize(("class_name", "kwargs", "rule"), ILLEGAL_IN_BOTH)
def test_an_argument_that_keras_refuses_is_refused(
    class_name: str, kwargs: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValueError, match=r".") as theirs:
        getattr(keras.layers, class_name)(**kwargs)
    with pytest.raises(ValueError, match=re.escape(rule)) as ours:
        getattr(layers, class_name)(**kwargs)
    assert rule in str(ours.value)
    assert str(theirs.value)


# Keras takes these and fails later, or in other words.
ILLEGAL: list[tuple[Callable[[], Layer], str]] = [
    (lambda: layers.MaxPooling2D(padding="full"), "`padding` argument must be one of"),
    (lambda: layers.MaxPooling2D(strides=0), "`strides` argument"),
    (lambda: layers.Conv2D(4.5, 3), "Received: 4.5"),  # type: ignore[arg-type]
    (lambda: layers.Conv2D(True, 3), "Received: True"),
    (lambda: layers.Conv2D(10**12, 3), "Received: 1000000000000"),
    (lambda: layers.MaxPooling2D(2**31), "`value <= 2147483647`"),
    (lambda: layers.Conv2D(4, (2.5, 2)), "kernel_size=(2.5, 2)"),  # type: ignore[arg-type]
    (lambda: layers.Dropout("much"), "must be a number"),  # type: ignore[arg-type]
    (lambda: layers.Softmax(axis="x"), "`axis` argument"),  # type: ignore[arg-type]
    (lambda: layers.InputLayer((3,), sparse=True), "sparse=True"),
    (lambda: layers.BatchNormalization(axis=[1, 2]), "single `axis`"),
    (lambda: layers.Dense(3, dtype={"class_name": "QuantizedDTypePolicy"}), "dtype policies"),
]


@pytest.mark.parametrize(("make", "rule"), ILLEGAL)
def test_an_illegal_argument_is_refused_at_once(make: Callable[[], Layer], rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(rule)) as error:
        make()
    assert "Received" in str(error.value)


IMPOSSIBLE: list[tuple[Layer, tuple[int | None, ...], str]] = [
    (
        layers.Conv2D(4, 3, name="c"),
        (None, 9),
        "layer 'c' is incompatible with the layer: expected",
    ),
    (layers.Conv2D(4, 3, name="c"), (None, 2, 9, 3), "Layer 'c': computed output size would be ze"),
    (layers.Conv2D(4, 3, name="c", groups=2), (None, 9, 9, 3), "input channels must be evenly div"),
    (layers.Conv2D(4, 3, name="c"), (None, 9, 9, None), "must be fully-defined"),
    (
        layers.Dense(4, name="d"),
        (3,),
        "layer 'd' is incompatible with the layer: expected min_ndim",
    ),
    (layers.Dense(4, name="d"), (None, None), "must be fully-defined"),
    (layers.BatchNormalization(axis=4, name="b"), (None, 9, 9, 3), "Layer 'b': axis 4 is out of b"),
    (layers.BatchNormalization(axis=0, name="b"), (None, 9, 9, 3), "Layer 'b': the batch cannot"),
]


@pytest.mark.parametrize(("layer", "shape", "rule"), IMPOSSIBLE)
def test_building_for_an_impossible_shape_names_the_layer(
    layer: Layer, shape: tuple[int | None, ...], rule: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(rule)) as error:
        layer.build(shape)
    assert str(shape) in str(error.value) or "Received" in str(error.value)
    assert not layer.built
    assert layer.weights == []


BAD_INPUTS: list[tuple[Any, str]] = [
    (np.zeros((2, 9, 9)), "expected ndim=4, found ndim=3. Received: input with shape"),
    (np.zeros((2, 9, 9, 4)), "expected axis -1 of input shape to have value 3"),
    (np.zeros((2, 2, 9, 3)), "computed output size would be zero or negative"),
    (np.float32(1.0), "must be a batch of images"),
    (np.zeros((1, 0, 9, 3)), "no size may be 0 but that of the batch"),
    (np.zeros((0, 9, 0, 3)), "no size may be 0 but that of the batch"),
    (np.zeros((2, 9, 9, 3), dtype=object), "array of real numbers"),
    (np.zeros((2, 9, 9, 3), dtype=complex), "array of real numbers"),
    ([["a"]], "array of real numbers"),
    ([[1.0, 2.0], [3.0]], "array of numbers"),
    ([np.zeros((2, 9, 9, 3))] * 2, "expects 1 input(s). Received: 2 input tensors"),
]


@pytest.mark.parametrize(("x", "rule"), BAD_INPUTS)
def test_a_bad_input_is_refused_and_the_layer_named(x: Any, rule: str) -> None:
    layer = layers.Conv2D(4, 3, name="conv")
    layer.build((None, 9, 9, 3))
    with pytest.raises(ValueError, match=re.escape(rule)) as error:
        layer(x)
    assert "'conv'" in str(error.value)


def test_a_softmax_axis_outside_of_the_input_is_refused() -> None:
    for axis in (0, 3, -3, [1, 0]):
        with pytest.raises(ValueError, match="Layer 'softmax'"):
            layers.Softmax(axis=axis, name="softmax")(np.zeros((2, 3, 4)))


def test_weights_of_another_shape_are_refused_and_nothing_is_assigned() -> None:
    layer = layers.Dense(2, name="dense")
    layer.build((None, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"Layer dense weight shape \(2,\) is not compatible"):
        layer.set_weights([np.ones((3, 2)), np.ones(3)])
    with pytest.raises(ValueError, match=r"with a weight list of length 1, but the layer was exp"):
        layer.set_weights([np.ones((3, 2))])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def test_counting_parameters_needs_a_built_layer() -> None:
    with pytest.raises(ValueError, match="the layer isn't built"):
        layers.Dense(2).count_params()


@pytest.mark.parametrize(
    ("layer", "weight"),
    [
        (layers.Conv2D(2, 3), "kernel"),
        (layers.Dense(2), "kernel"),
        (layers.EinsumDense("ab,bc->ac", 2), "kernel"),
        (layers.Embedding(3, 2), "embeddings"),
        (layers.GRUCell(2), "recurrent_kernel"),
        (layers.SeparableConv2D(2, 3), "depthwise_kernel"),
        (layers.SeparableConv2D(2, 3), "pointwise_kernel"),
    ],
)
def test_a_weight_needs_a_built_layer(layer: layers.Layer, weight: str) -> None:
    with pytest.raises(AttributeError, match=f"build the layer before accessing `{weight}`"):
        getattr(layer, weight)


HOSTILE_CONFIGS: list[tuple[Any, str]] = [
    ({"class_name": "Lambda", "config": {"name": "x"}}, "Layer 'x' of class Lambda: not supported"),
    ({"class_name": "os.system", "config": {}}, "not supported"),
    ({"class_name": "__init__", "config": {}}, "not supported"),
    ({"class_name": "Dense", "module": "os", "config": {"units": 1}}, "not supported"),
    ({"class_name": "Dense", "module": "kerasevil", "config": {"units": 1}}, "not supported"),
    (
        {"class_name": "Dense", "registered_name": "Mine>Dense", "config": {"units": 1}},
        "not supported",
    ),
    (
        {"class_name": "Dense", "module": "keras.src.ops.numpy", "config": {"units": 1}},
        "not supported",
    ),
]


@pytest.mark.parametrize(("config", "rule"), HOSTILE_CONFIGS)
def test_a_class_outside_of_the_table_is_refused_in_a_line(config: Any, rule: str) -> None:
    with pytest.raises(UnsupportedError, match=re.escape(rule)) as error:
        layers.deserialize(config)
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)


BROKEN_CONFIGS: list[Any] = [
    None,
    [],
    {},
    {"class_name": ["Dense"], "config": {}},
    {"class_name": "Dense", "config": None},
    {"class_name": "Dense", "config": {}},
    {"class_name": "Dense", "config": {"units": "many", "name": "d"}},
    {"class_name": "Dense", "config": {"units": [4], "name": "d"}},
    {"class_name": "Dense", "config": {"units": 4, "self": 1}},
    {"class_name": "Dense", "config": {"units": 4, "kernel_initializer": {"class_name": 3}}},
    {"class_name": "Dense", "config": {"units": 4, "dtype": {"class_name": "DTypePolicy"}}},
    {"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": {"a": 1}}},
    {"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": [10**400, "x"]}},
    {"class_name": "BatchNormalization", "config": {"axis": []}},
    {"class_name": "BatchNormalization", "config": {"epsilon": None}},
    {"class_name": "Sequential", "config": {"name": "s"}},
    {"class_name": "Sequential", "config": {"name": "s", "layers": [3]}},
    {"class_name": "InputLayer", "config": {"batch_shape": "abc"}},
]


@pytest.mark.parametrize("config", BROKEN_CONFIGS)
def test_a_broken_config_is_a_value_error(config: Any) -> None:
    with pytest.raises(ValueError, match=r"Received|unexpected keyword|missing|multiple values"):
        layers.deserialize(config)
