"""TensorFlow's functions that compare, choose, pick and multiply, as old files hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError

KERNEL = np.linspace(-1, 1, 54, dtype=np.float32).reshape(3, 3, 3, 2)
GRAY = np.array([0.2989, 0.5870, 0.1140], np.float32)


def _config(symbol: str, kwargs: dict[str, Any], output: int = 0) -> dict[str, Any]:
    """Return a model of images (4, 6, 3) that ends in one call of a function."""
    shape = {"batch_input_shape": [None, 4, 6, 3], "dtype": "float32", "name": "x"}
    function = {"name": "f", "trainable": True, "dtype": "float32", "function": symbol}
    items = [
        {"class_name": "InputLayer", "name": "x", "config": shape, "inbound_nodes": []},
        {
            "class_name": "TFOpLambda",
            "name": "f",
            "config": function,
            "inbound_nodes": [["x", 0, 0, kwargs]],
        },
    ]
    graph = {"name": "net", "layers": items, "input_layers": [["x", 0, 0]]}
    return {"class_name": "Functional", "config": {**graph, "output_layers": [["f", 0, output]]}}


def _top(x: np.ndarray, k: int) -> np.ndarray:
    return np.sort(x, -1)[..., ::-1][..., :k]


def _normalized(
    x: np.ndarray, depth_radius: int = 5, bias: float = 1, alpha: float = 1, beta: float = 0.5
) -> np.ndarray:
    """What TensorFlow's documentation of the function says."""
    wide = x.astype(np.float64)
    sums = [
        (wide[..., max(d - depth_radius, 0) : d + depth_radius + 1] ** 2).sum(-1)
        for d in range(x.shape[-1])
    ]
    return wide / (bias + alpha * np.stack(sums, -1)) ** beta


def _standardized(x: np.ndarray) -> np.ndarray:
    rows = x.reshape(len(x), -1).astype(np.float64)
    rows = rows - rows.mean(1, keepdims=True)
    deviation = np.maximum(rows.std(1, keepdims=True), rows.shape[1] ** -0.5)
    return (rows / deviation).reshape(x.shape)


FUNCTIONS: list[tuple[str, dict[str, Any], Callable[[np.ndarray], np.ndarray]]] = [
    ("math.greater", {"y": 0.5}, lambda x: x > 0.5),
    ("math.greater_equal", {"y": 0.5}, lambda x: x >= 0.5),
    ("math.less", {"y": 0.5}, lambda x: x < 0.5),
    ("math.less_equal", {"y": 0.5}, lambda x: x <= 0.5),
    ("math.equal", {"y": 0.0}, lambda x: x == 0),
    ("__operators__.ne", {"other": 0.0}, lambda x: x != 0),
    ("math.logical_not", {}, lambda x: x == 0),
    ("math.is_nan", {}, np.isnan),
    ("where", {"x": ["x", 0, 0], "y": 2.0}, lambda x: np.where(x != 0, x, 2.0)),
    ("math.argmax", {"axis": -1}, lambda x: x.argmax(-1)),
    ("math.argmin", {"axis": 1}, lambda x: x.argmin(1)),
    ("unstack", {"axis": 1}, lambda x: x[:, 0]),
    ("slice", {"begin": [0, 1, 2, 0], "size": [-1, 2, 3, -1]}, lambda x: x[:, 1:3, 2:5]),
    ("math.floormod", {"y": 0.7}, lambda x: np.mod(x, np.float32(0.7))),
    ("math.squared_difference", {"y": 2.0}, lambda x: (x - 2) ** 2),
    ("math.cumsum", {"axis": 2}, lambda x: x.cumsum(2)),
    ("sort", {"axis": -1}, lambda x: np.sort(x, -1)),
    ("math.top_k", {"k": 2}, lambda x: _top(x, 2)),
    ("norm", {"axis": -1}, lambda x: np.linalg.norm(x, axis=-1)),
    ("norm", {"ord": 1, "axis": -1, "keepdims": True}, lambda x: np.abs(x).sum(-1, keepdims=True)),
    ("image.rgb_to_grayscale", {}, lambda x: (x * GRAY).sum(-1, keepdims=True)),
    *[
        ("nn.local_response_normalization", kwargs, lambda x, k=kwargs: _normalized(x, **k))
        for kwargs in ({}, {"depth_radius": 1, "bias": 2.0, "alpha": 0.3, "beta": 0.75})
    ],
    ("image.per_image_standardization", {}, _standardized),
    ("nn.moments", {"axes": [1, 2]}, lambda x: x.mean((1, 2))),
    (
        "nn.conv2d",
        {"filters": KERNEL.tolist(), "strides": [1, 1, 1, 1], "padding": "VALID"},
        lambda x: np.einsum(
            "bhwcij,ijcd->bhwd", np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2)), KERNEL
        ),
    ),
    (
        "linalg.matmul",
        {"b": ["x", 0, 0], "transpose_b": True},
        lambda x: x @ x.transpose(0, 1, 3, 2),
    ),
    (
        "linalg.matmul",
        {"b": ["x", 0, 0], "transpose_a": True},
        lambda x: x.transpose(0, 1, 3, 2) @ x,
    ),
]


@pytest.mark.parametrize(("symbol", "kwargs", "expected"), FUNCTIONS, ids=lambda v: str(v)[:24])
def test_a_function_of_tensorflow_is_that_of_numpy(
    symbol: str, kwargs: dict[str, Any], expected: Any, rng: np.random.Generator
) -> None:
    x = np.round(rng.normal(size=(2, 4, 6, 3)), 1).astype(np.float32) * 3
    y = layers.deserialize(_config(symbol, kwargs))(x)
    np.testing.assert_allclose(y, expected(x), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("symbol", ["math.argmax", "math.argmin"])
def test_zeros_of_both_signs_are_equal_in_tensorflow(symbol: str) -> None:
    x = np.zeros((2, 4, 6, 3), np.float32)
    x[:, ::2, :, ::2] = x[:, 1::2, :, 1] = -0.0
    y = layers.deserialize(_config(symbol, {"axis": -1}))(x)
    np.testing.assert_array_equal(y, np.zeros((2, 4, 6)))


@pytest.mark.parametrize(
    ("symbol", "kwargs"),
    [
        ("math.cumsum", {"axis": 1, "reverse": True}),
        ("compat.v1.image.resize_bilinear", {"size": [8, 8], "align_corners": True}),
        ("where", {}),
        ("math.argmax", {}),
        ("linalg.matmul", {"b": ["x", 0, 0], "a_is_sparse": True}),
    ],
)
def test_what_would_be_other_numbers_is_refused(symbol: str, kwargs: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"Received: "):
        layers.deserialize(_config(symbol, kwargs))
