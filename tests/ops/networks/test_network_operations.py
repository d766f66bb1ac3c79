"""Convolutions, normalizations, attention and loops with kernels and weights as arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast._core import Plan
from cnnfast.errors import UnsupportedError
from cnnfast.utils import tree
from cnnfast.variables import Variable
from operation_parity import agree
from parity import keras

rng = np.random.default_rng(3)


def weights(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


W = {
    "kernel": weights(3, 3, 4, 6),
    "grouped": weights(3, 3, 2, 6),
    "depthwise": weights(3, 3, 4, 2),
    "pointwise": weights(1, 1, 8, 5),
    "transposed": weights(3, 3, 6, 4),
    "line": weights(3, 4, 6),
    "gamma": weights(4),
    "beta": weights(4),
    "mean": weights(4),
    "variance": np.abs(weights(4)) + 0.5,
    "rows": weights(6),
    "rows variance": np.abs(weights(6)) + 0.5,
    "plane": weights(6, 5),
    "mask": rng.integers(0, 2, (1, 1, 6, 6)).astype(bool),
    "bias": weights(1, 1, 6, 6),
    "bins": np.array([-1.0, 0.0, 0.5], np.float32),
    "heads": weights(5, 5),
}

# Of the operations of a library, images (6, 5, 4), and weights by name.
CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "conv": lambda o, x, w: (
        *(o.conv(x, w("kernel")), o.conv(x, w("kernel"), padding="same", strides=2)),
        *(o.conv(x, w("kernel"), dilation_rate=2), o.conv(x, w("grouped"), padding="same")),
    ),
    "conv of sequences": lambda o, x, w: o.conv(x[:, :, 0], w("line"), padding="same"),
    "conv channels_first": lambda o, x, w: o.conv(
        o.transpose(x, (0, 3, 1, 2)), w("kernel"), data_format="channels_first"
    ),
    "depthwise_conv": lambda o, x, w: (
        o.depthwise_conv(x, w("depthwise")),
        o.depthwise_conv(x, w("depthwise"), padding="same", strides=2),
    ),
    "separable_conv": lambda o, x, w: o.separable_conv(
        x, w("depthwise"), w("pointwise"), padding="same"
    ),
    "conv_transpose": lambda o, x, w: (
        o.conv_transpose(x, w("transposed"), strides=2),
        o.conv_transpose(x, w("transposed"), strides=2, padding="same"),
    ),
    "a standardized kernel": lambda o, x, w: o.conv(
        x,
        (w("kernel") - o.mean(w("kernel"), axis=[0, 1, 2]))
        / (o.std(w("kernel"), axis=[0, 1, 2]) + 1e-5),
        padding="same",
    ),
    "layer_normalization": lambda o, x, w: (
        *(o.layer_normalization(x), o.layer_normalization(x, w("gamma"), w("beta"))),
        *(o.layer_normalization(x, axis=(1, 2)), o.layer_normalization(x, epsilon=0.1)),
        *(o.layer_normalization(x, w("plane"), w("plane"), axis=(1, 2)),),
    ),
    "rms_scaling": lambda o, x, w: o.layer_normalization(x, w("gamma"), rms_scaling=True),
    "rms_normalization": lambda o, x, w: (
        o.rms_normalization(x),
        o.rms_normalization(x, w("gamma"), epsilon=0.01),
    ),
    "batch_normalization": lambda o, x, w: (
        o.batch_normalization(x, w("mean"), w("variance"), -1),
        o.batch_normalization(x, w("mean"), w("variance"), 3, w("beta"), w("gamma"), 0.01),
        o.batch_normalization(x, w("rows"), w("rows variance"), 1),
    ),
    "dot_product_attention": lambda o, x, w: (
        *(o.dot_product_attention(x, x + 1, x * 2), o.dot_product_attention(x, x, x, scale=0.3)),
        *(o.dot_product_attention(x, x, x, is_causal=True),),
        *(o.dot_product_attention(x, x, x, mask=w("mask")),),
        *(o.dot_product_attention(x, x, x, bias=w("bias"), mask=w("mask")),),
    ),
    "attention of groups": lambda o, x, w: o.dot_product_attention(
        o.concatenate([x, x * 2], axis=2), x, x
    ),
    "one_hot": lambda o, x, w: (
        o.one_hot(o.argmax(x, axis=-1), 4),
        o.one_hot(o.argmax(x, axis=-1), 4, axis=1, dtype="int32"),
    ),
    "multi_hot": lambda o, x, w: o.multi_hot(o.argmax(x[:, :, 0], axis=-1), 4),
    "in_top_k": lambda o, x, w: o.in_top_k(o.argmax(x[:, 0, 0] * -1, axis=-1), x[:, 0, 0], 2),
    "glu": lambda o, x, w: (o.glu(x), o.glu(x, axis=1), o.sparsemax(x), o.nn.sparsemax(x, axis=-1)),
    "digitize": lambda o, x, w: o.digitize(x, w("bins")),
    "parts": lambda o, x, w: (o.fmod(x, 0.3 * x + 0.1), o.angle(x), o.isreal(x), o.imag(x)),
    "rearrange": lambda o, x, w: (
        o.rearrange(x, "b (h p) w c -> b h w (p c)", p=2),
        o.rearrange(x, "b h w c -> b c (h w)"),
    ),
    "loops": lambda o, x, w: (
        o.fori_loop(0, 3, lambda i, y: y * 0.5 + i, x),
        o.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y @ w("heads")[:4, :4]), (0, x))[1],
        o.cond(True, lambda: x + 1, lambda: x - 1),
        o.switch(1, [lambda a: a, lambda a: a * 2], x),
    ),
    "nn and numpy": lambda o, x, w: (
        *(o.nn.relu(x), o.nn.softmax(x), o.numpy.mean(x, axis=1), o.numpy.where(x > 0, x, 0)),
        o.linalg.norm(x, axis=-1),
    ),
}


def keras_weight(name: str) -> Any:
    return keras.ops.convert_to_tensor(W[name])


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling")
@pytest.mark.parametrize("held", ["variables", "arrays"])
@pytest.mark.parametrize("case", CASES)
def test_an_operation_in_a_graph_is_that_of_keras(case: str, held: str) -> None:
    array = rng.normal(size=(3, 6, 5, 4)).astype(np.float32)
    theirs = tree.flatten(CASES[case](keras.ops, keras.ops.convert_to_tensor(array), keras_weight))

    def weight(name: str) -> Any:
        kept = held == "arrays" or W[name].dtype == bool
        return W[name] if kept else Variable(W[name], name="w")

    x = cnnfast.Input((6, 5, 4))
    outputs = tree.flatten(CASES[case](cnnfast.ops, x, weight))
    model = cnnfast.Model(x, outputs)
    assert [t.shape[1:] for t in model.outputs] == [y.shape[1:] for y in theirs]
    made = model.predict(array, verbose=0)
    agree(made, [np.asarray(y) for y in theirs], 3e-5, 3e-5)
    (plan,) = model._executor.plans.values()
    assert isinstance(plan, Plan)


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling")
@pytest.mark.parametrize("case", CASES)
def test_an_operation_at_once_is_that_of_keras(case: str) -> None:
    array = rng.normal(size=(3, 6, 5, 4)).astype(np.float32)
    theirs = tree.flatten(CASES[case](keras.ops, keras.ops.convert_to_tensor(array), keras_weight))
    ours = tree.flatten(CASES[case](cnnfast.ops, array, W.__getitem__))
    assert all(isinstance(y, np.ndarray) for y in ours)
    agree(ours, [np.asarray(y) for y in theirs], 3e-5, 3e-5)


def test_a_kernel_that_is_a_variable_is_packed_once_and_read_anew() -> None:
    kernel = Variable(W["kernel"], name="kernel")
    x = cnnfast.Input((6, 5, 4))
    model = cnnfast.Model(x, cnnfast.ops.conv(x, kernel, padding="same"))
    array = weights(2, 6, 5, 4)
    before = model.predict(array, verbose=0)
    kernel.assign(2 * W["kernel"])
    np.testing.assert_allclose(model.predict(array, verbose=0), 2 * before, rtol=1e-5, atol=1e-5)


def test_a_convolution_of_a_graph_is_fused_with_what_follows() -> None:
    x = cnnfast.Input((6, 5, 4))
    y = cnnfast.ops.relu(cnnfast.ops.conv(x, W["kernel"], padding="same") + W["rows"])
    model = cnnfast.Model(x, y)
    model.predict(weights(1, 6, 5, 4), verbose=0)
    (plan,) = model._executor.plans.values()
    # The copy is the image with a border of zeros.
    assert [step.name for step in plan.steps] == ["copy", "conv2d"]


REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "computed kernel": lambda o, x: o.conv(x, x),
    "computed condition": lambda o, x: o.cond(o.any(x > 0, axis=(1, 2, 3)), lambda: x, lambda: x),
    "computed loop": lambda o, x: o.while_loop(lambda y: y > 0, lambda y: y - 1, [x]),
    "map over images": lambda o, x: o.map(lambda row: row, x),
    "scan over images": lambda o, x: o.scan(lambda c, row: (c, row), 0.0, x),
    "results before the batch": lambda o, x: o.scan(lambda c, _: (c, x), 0.0, length=2),
    "array functions": lambda o, x: o.segment_sum(x, np.zeros(3, int)),
    "inverse": lambda o, x: o.inv(x),
    "soft cap": lambda o, x: o.dot_product_attention(x, x, x, attn_logits_soft_cap=2.0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_images_would_decide_is_refused_with_its_reason(case: str) -> None:
    with pytest.raises(UnsupportedError, match=r"Received: "):
        REFUSED[case](cnnfast.ops, cnnfast.Input((6, 5, 4)))


X, S, N = weights(4, 5), weights(5, 5) + 4 * np.eye(5, dtype=np.float32), np.arange(1, 7)
IDS = np.array([0, 2, 0, 1], np.int32)
ARRAYS: dict[str, Callable[[Any], Any]] = {
    "windows": lambda o: (o.hamming(5), o.hanning(5), o.bartlett(5), o.blackman(5), o.kaiser(5, 2)),
    "segments": lambda o: (
        *(
            o.segment_sum(X, IDS, 3),
            o.segment_max(X, IDS, 3),
            o.segment_min(X, IDS, num_segments=3),
        ),
        *(o.segment_prod(X, IDS, 4), o.segment_sum(X, IDS, 4)),
    ),
    "scatter": lambda o: (
        o.scatter(np.array([[0, 1], [2, 0], [0, 1]], np.int32), X[:3, 0], (3, 2)),
        o.scatter_update(X, np.array([[0, 1], [2, 0]], np.int32), np.ones(2, np.float32)),
        o.scatter_update(X, np.array([[0, 1], [0, 1]], np.int32), np.ones(2, np.float32), "add"),
    ),
    "counts": lambda o: (o.bincount(IDS), o.bincount(IDS, minlength=5), o.nonzero(IDS)),
    "products": lambda o: (
        o.outer(X[0], X[1]),
        o.kron(X, X),
        o.vdot(X, X),
        o.cross(X[:, :3], X[:, 1:4]),
    ),
    "diagonals": lambda o: (o.diag(X[0]), o.diag(X), o.diagflat(X), o.vander(X[0])),
    "search": lambda o: (o.searchsorted(np.sort(X[0]), X[1]), o.isin(IDS, np.array([0, 1]))),
    "integers": lambda o: (
        o.gcd(N, 4),
        o.lcm(N, 4),
        np.int32(o.size(X)),
        o.unravel_index(IDS, (2, 2)),
    ),
    "bits": lambda o: (
        *(o.bitwise_and(N, 3), o.bitwise_or(N, 3), o.bitwise_xor(N, 3), o.bitwise_not(N)),
        *(o.left_shift(N, 2), o.right_shift(N, 1)),
    ),
    "algebra": lambda o: (
        *(o.linalg.inv(S), o.linalg.det(S), o.linalg.solve(S, X[0, :5]), o.inv(S)),
        *(o.linalg.cholesky(S @ S.T), o.linalg.pinv(X), o.linalg.lstsq(S, X.T)),
        *(o.linalg.solve_triangular(S, X.T, lower=True), o.linalg.matrix_rank(S)),
        *(o.abs(o.linalg.qr(S)[1]), o.linalg.svd(X, compute_uv=False), o.linalg.eigh(S + S.T)[0]),
    ),
    "statistics": lambda o: (o.corrcoef(X), o.correlate(X[0], X[1, :3]), o.allclose(X, X)),
    "histogram": lambda o: o.histogram(X[0], 4),
    "unique": lambda o: o.unique(IDS),
    "maps": lambda o: (
        o.map(lambda row: row * 2, X),
        o.vectorized_map(lambda row: row + 1, X),
        o.scan(lambda total, row: (total + row, total * 2), X[0], X),
        o.scan(lambda total, _: (total + 1, total), np.float32(0), length=3),
        o.scan(lambda total, row: (total + row, total), X[0], X, reverse=True),
    ),
    "custom_gradient": lambda o: o.custom_gradient(lambda x: (o.multiply(x, 2), None))(X),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_functions_of_arrays_are_those_of_keras(case: str) -> None:
    theirs = [np.asarray(y) for y in tree.flatten(ARRAYS[case](keras.ops))]
    ours = tree.flatten(ARRAYS[case](cnnfast.ops))
    assert [np.asarray(y).dtype for y in ours] == [y.dtype for y in theirs]
    agree(ours, theirs, 1e-4, 1e-4)
