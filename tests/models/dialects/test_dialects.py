"""Functional models in the configs of Keras 1 and 2, which Keras 3 does not read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError


def _input(name: str, *shape: int | None) -> dict[str, Any]:
    config = {"batch_input_shape": [None, *shape], "dtype": "float32", "sparse": False}
    return {
        "class_name": "InputLayer",
        "name": name,
        "config": {**config, "name": name},
        "inbound_nodes": [],
    }


def _layer(class_name: str, name: str, *calls: Any, **config: Any) -> dict[str, Any]:
    inner = {"name": name, "trainable": True, "dtype": "float32", **config}
    return {"class_name": class_name, "name": name, "config": inner, "inbound_nodes": list(calls)}


def _function(symbol: str, name: str, *calls: Any) -> dict[str, Any]:
    return _layer("TFOpLambda", name, *calls, function=symbol)


def _model(items: list[Any], inputs: Any, outputs: Any, class_name: str = "Functional") -> Any:
    config = {"name": "net", "layers": items, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": class_name, "config": config}


def _of_one(*items: Any, shape: tuple[int | None, ...] = (4,)) -> Any:
    """Return a model from input x to the last item."""
    return _model([_input("x", *shape), *items], [["x", 0, 0]], [[items[-1]["name"], 0, 0]])


def _predict(config: Any, x: np.ndarray) -> np.ndarray:
    return layers.deserialize(config)(x)  # type: ignore[no-any-return]


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(3, 4)).astype(np.float32)


@pytest.mark.parametrize("class_name", ["Model", "Functional"])
@pytest.mark.parametrize("kwargs", [[], [{}]])
def test_layers_take_lists_of_tensors(
    class_name: str, kwargs: list[Any], rng: np.random.Generator
) -> None:
    config = _model(
        [
            _input("a", 4),
            _input("b", 4),
            _layer("Subtract", "sub", [["b", 0, 0, *kwargs], ["a", 0, 0, *kwargs]]),
            _layer("Activation", "act", [["sub", 0, 0, *kwargs]], activation="relu"),
        ],
        [["a", 0, 0], ["b", 0, 0]],
        [["act", 0, 0], ["sub", 0, 0]],
        class_name,
    )
    a, b = rng.normal(size=(2, 3, 4)).astype(np.float32)
    act, sub = layers.deserialize(config).predict([a, b], verbose=0)
    np.testing.assert_array_equal(sub, b - a)
    np.testing.assert_array_equal(act, np.maximum(b - a, 0))


def test_functions_take_numbers_and_hidden_tensors(x: np.ndarray) -> None:
    config = _of_one(
        _function("math.multiply", "twice", ["x", 0, 0, {"y": 2.0, "name": None}]),
        _function("math.subtract", "from", ["_CONSTANT_VALUE", -1, 1.0, {"y": ["x", 0, 0]}]),
        _function("__operators__.add", "sum", ["twice", 0, 0, {"y": ["from", 0, 0], "name": None}]),
    )
    np.testing.assert_allclose(_predict(config, x), 2 * x + (1 - x), rtol=1e-6)


def test_functions_take_lists_of_tensors(x: np.ndarray) -> None:
    config = _of_one(
        _function("math.negative", "neg", ["x", 0, 0, {}]),
        _function("concat", "cat", [["x", 0, 0, {"axis": -1}], ["neg", 0, 0, {"axis": -1}]]),
    )
    np.testing.assert_array_equal(_predict(config, x), np.concatenate([x, -x], -1))


def test_indices_are_slices_and_ellipses(x: np.ndarray) -> None:
    key = [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]
    item = _layer(
        "SlicingOpLambda",
        "flip",
        ["x", 0, 0, {"slice_spec": key}],
        function="__operators__.getitem",
    )
    np.testing.assert_array_equal(_predict(_of_one(item), x), x[:, ::-1])


def _blocks(x: np.ndarray) -> np.ndarray:
    """Return blocks of 2 x 2 pixels of images of 4 x 6."""
    return x.reshape(-1, 2, 2, 3, 2, 3)


_PADS = [[0, 0], [1, 0], [0, 2], [0, 0]]
FUNCTIONS: list[tuple[str, dict[str, Any], Any]] = [
    (
        "math.reduce_mean",
        {"axis": [1, 2], "keepdims": True},
        lambda x: x.mean((1, 2), keepdims=True),
    ),
    ("math.reduce_max", {"axis": -1}, lambda x: x.max(-1)),
    ("nn.relu6", {"name": None}, lambda x: np.clip(x, 0, 6)),
    ("nn.leaky_relu", {"alpha": 0.3}, lambda x: np.where(x > 0, x, 0.3 * x)),
    ("nn.silu", {"beta": 1.0}, lambda x: x / (1 + np.exp(-x))),
    ("nn.softmax", {"axis": None}, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    ("nn.bias_add", {"bias": [1.0, 2.0, 3.0]}, lambda x: x + np.float32([1, 2, 3])),
    ("nn.l2_normalize", {"axis": -1}, lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True)),
    ("keras.activations.hard_sigmoid", {}, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ("math.truediv", {"y": [1.0, 2.0, 4.0]}, lambda x: x / np.float32([1, 2, 4])),
    ("math.pow", {"y": 2.0}, lambda x: x**2),
    ("clip_by_value", {"clip_value_min": -1, "clip_value_max": 0.5}, lambda x: x.clip(-1, 0.5)),
    ("reshape", {"shape": [-1, 8, 9]}, lambda x: x.reshape(-1, 8, 9)),
    ("transpose", {"perm": [0, 3, 1, 2]}, lambda x: x.transpose(0, 3, 1, 2)),
    ("expand_dims", {"axis": 1}, lambda x: x[:, None]),
    ("pad", {"paddings": _PADS}, lambda x: np.pad(x, _PADS)),
    ("tile", {"multiples": [1, 2, 1, 1]}, lambda x: np.tile(x, (1, 2, 1, 1))),
    ("cast", {"dtype": "int32"}, np.trunc),
    (
        "nn.space_to_depth",
        {"block_size": 2},
        lambda x: _blocks(x).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 2, 3, 12),
    ),
    (
        "nn.max_pool",
        {"ksize": 2, "strides": 2, "padding": "VALID"},
        lambda x: _blocks(x).max((2, 4)),
    ),
    ("image.resize", {"size": [8, 12], "method": "nearest"}, lambda x: x.repeat(2, 1).repeat(2, 2)),
]


@pytest.mark.parametrize(("symbol", "kwargs", "expected"), FUNCTIONS, ids=lambda v: str(v)[:24])
def test_a_function_of_tensorflow_is_that_of_numpy(
    symbol: str, kwargs: dict[str, Any], expected: Any, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(2, 4, 6, 3)).astype(np.float32) * 3
    y = _predict(_of_one(_function(symbol, "f", ["x", 0, 0, kwargs]), shape=(4, 6, 3)), x)
    np.testing.assert_allclose(y, expected(x), rtol=2e-6, atol=1e-6)


def _inner() -> dict[str, Any]:
    return _of_one(_layer("Activation", "act", [["x", 0, 0, {}]], activation="relu"))


@pytest.mark.parametrize("first", [0, 1])
def test_calls_of_a_model_inside_count_from_one_or_none(first: int, x: np.ndarray) -> None:
    inner = {**_inner(), "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]], [["n", 0, 0, {}]]]}
    inner["config"]["name"] = "inner"
    config = _of_one(
        _function("math.negative", "n", ["x", 0, 0, {}]),
        inner,
        _layer("Subtract", "sub", [["inner", first, 0, {}], ["inner", first + 1, 0, {}]]),
    )
    expected = np.maximum(x, 0) - np.maximum(-x, 0)
    np.testing.assert_array_equal(_predict(config, x), expected)


def test_one_call_of_a_model_inside_counts_from_one(x: np.ndarray) -> None:
    inner = {**_inner(), "name": "inner", "inbound_nodes": [[["x", 0, 0, {}]]]}
    config = _of_one(inner, _layer("Activation", "a", [["inner", 1, 0, {}]], activation="tanh"))
    np.testing.assert_allclose(_predict(config, x), np.tanh(np.maximum(x, 0)), rtol=1e-6)


def _node(op: str, name: str, *calls: Any, constants: Any = None, **attributes: Any) -> Any:
    node = {"name": name, "op": op, "input": [], "attr": {"T": {"type": "DT_FLOAT"}, **attributes}}
    item = _layer("TensorFlowOpLayer", name, *calls, node_def=node, constants=constants or {})
    return {**item, "name": f"tf_op_layer_{name}"}


def test_nodes_of_tensorflow_hold_constants_by_input(x: np.ndarray) -> None:
    config = _of_one(
        _node("Mul", "mul", [["x", 0, 0, {}]], constants={"0": 3.0}),
        _node("Sub", "sub", [["tf_op_layer_mul", 0, 0, {}]], constants={"1": 0.5}),
        _node(
            "Mean",
            "mean",
            [["tf_op_layer_sub", 0, 0, {}]],
            constants={"1": [1]},
            keep_dims={"b": True},
        ),
        _node("AddV2", "add", [["tf_op_layer_mean", 0, 0, {}], ["tf_op_layer_sub", 0, 0, {}]]),
    )
    y = 3 * x - 0.5
    np.testing.assert_allclose(_predict(config, x), y.mean(1, keepdims=True) + y, rtol=1e-5)


def test_a_strided_slice_is_an_index(x: np.ndarray) -> None:
    config = _of_one(
        _node(
            "StridedSlice",
            "flip",
            [["x", 0, 0, {}]],
            constants={"1": [0, 0], "2": [0, 0], "3": [1, -1]},
            begin_mask={"i": "2"},
            end_mask={"i": "2"},
            ellipsis_mask={"i": "1"},
        )
    )
    np.testing.assert_array_equal(_predict(config, x), x[:, ::-1])


def test_an_unknown_function_is_refused_with_the_nearest() -> None:
    config = _of_one(_function("py_function", "evil", ["x", 0, 0, {"func": "os.system"}]))
    with pytest.raises(UnsupportedError, match=r"'evil' with function py_function: not supp"):
        layers.deserialize(config)
    config = _of_one(_function("nn.reluu", "typo", ["x", 0, 0, {}]))
    with pytest.raises(UnsupportedError, match=r"Nearest: 'nn\.relu', 'nn\.relu6'.*function="):
        layers.deserialize(config)


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        (
            _layer("Activation", "a", [["nowhere", 0, 0, {}]], activation="relu"),
            "cannot be reached",
        ),
        (_layer("Activation", "a", [["x", 3, 0, {}]], activation="relu"), "cannot be reached"),
        (_layer("Activation", "a", [["x", 0, 1, {}]], activation="relu"), "no such tensor"),
        (_layer("Activation", "a", [["a", 0, 0, {}]], activation="relu"), "cannot be reached"),
        (_layer("Activation", "a", [["x", "0", 0, {}]], activation="relu"), "layer, call, output"),
        (_layer("Activation", "a", [[]], activation="relu"), "list of tensors"),
        (_layer("Activation", "a", 7, activation="relu"), "list of tensors"),
        (_layer("Activation", "x", [["x", 0, 0, {}]], activation="relu"), "unique names"),
    ],
)
def test_a_damaged_graph_is_a_value_error(item: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        layers.deserialize(_of_one(item))
