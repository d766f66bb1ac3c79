"""The oracle against real Keras: what judges the engine is judged first."""

from __future__ import annotations

import numpy as np
import pytest

import reference

keras = pytest.importorskip("keras")


def assert_same(ours: np.ndarray, keras_result: object, magnitude: float = 1.0) -> None:
    theirs = np.asarray(keras_result)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * magnitude)


def call_with_weights(layer: object, x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    layer.build(x.shape)
    layer.set_weights(list(weights))
    return np.asarray(layer(x.astype(np.float32), training=False))


CONVOLUTIONS = [
    {"kernel_size": (3, 3)},
    {"kernel_size": (3, 2), "strides": (2, 3), "padding": "same"},
    {"kernel_size": (2, 3), "dilation_rate": (3, 2), "padding": "same"},
    {"kernel_size": (1, 4), "groups": 2, "padding": "same", "strides": (1, 2)},
    {"kernel_size": (5, 5), "groups": 4},
]


@pytest.mark.parametrize("options", CONVOLUTIONS)
def test_conv2d_is_keras(options, rng):
    x = rng.normal(size=(2, 9, 7, 4))
    kernel = rng.normal(size=(*options["kernel_size"], 4 // options.get("groups", 1), 8))
    bias = rng.normal(size=8)
    strides = options.get("strides", (1, 1))
    dilation = options.get("dilation_rate", (1, 1))
    pads = reference.NO_PADS
    if options.get("padding") == "same":
        pads = reference.same_pads((9, 7), options["kernel_size"], strides, dilation)
    ours = reference.conv2d(
        x,
        kernel,
        bias,
        strides=strides,
        pads=pads,
        dilation=dilation,
        groups=options.get("groups", 1),
    )
    assert_same(ours, call_with_weights(keras.layers.Conv2D(8, **options), x, kernel, bias), 30)


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_conv2d_is_keras(multiplier, rng):
    x = rng.normal(size=(2, 6, 7, 4))
    kernel, bias = rng.normal(size=(3, 3, 4, multiplier)), rng.normal(size=4 * multiplier)
    layer = keras.layers.DepthwiseConv2D(
        (3, 3), strides=(2, 2), padding="same", depth_multiplier=multiplier
    )
    pads = reference.same_pads((6, 7), (3, 3), (2, 2))
    ours = reference.depthwise_conv2d(x, kernel, bias, strides=(2, 2), pads=pads)
    assert_same(ours, call_with_weights(layer, x, kernel, bias), 10)


@pytest.mark.parametrize(
    ("size", "stride", "pads"),
    [
        (3, 1, reference.NO_PADS),
        (3, 2, reference.NO_PADS),
        # A kernel narrower than the stride leaves pixels that only the bias reaches.
        (2, 3, (0, -1, 0, -1)),
    ],
)
def test_conv2d_transpose_is_keras(size, stride, pads, rng):
    x = rng.normal(size=(2, 3, 4, 3))
    kernel, bias = rng.normal(size=(size, size, 5, 3)), rng.normal(size=5)
    layer = keras.layers.Conv2DTranspose(5, size, strides=stride)
    ours = reference.conv2d_transpose(x, kernel, bias, strides=(stride, stride), pads=pads)
    assert_same(ours, call_with_weights(layer, x, kernel, bias), 10)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_pooling_is_keras(kind, padding, rng):
    x = rng.normal(size=(2, 7, 8, 3)) - 5  # all negative: padding must not win the maximum
    layer = getattr(keras.layers, f"{kind}Pooling2D")((3, 2), strides=(2, 3), padding=padding)
    pads = reference.NO_PADS
    if padding == "same":
        pads = reference.same_pads((7, 8), (3, 2), (2, 3))
    pool = reference.max_pool2d if kind == "Max" else reference.average_pool2d
    assert_same(pool(x, (3, 2), (2, 3), pads), layer(x.astype(np.float32)))


def test_dense_is_keras_on_any_rank(rng):
    x, kernel, bias = rng.normal(size=(2, 3, 5)), rng.normal(size=(5, 4)), rng.normal(size=4)
    ours = reference.dense(x, kernel, bias)
    assert_same(ours, call_with_weights(keras.layers.Dense(4), x, kernel, bias), 5)


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalization_is_keras(axis, rng):
    x = rng.normal(size=(2, 4, 5, 4))
    gamma, beta, mean = rng.normal(size=(3, 4))
    variance = rng.uniform(0.1, 2, 4)
    layer = keras.layers.BatchNormalization(axis=axis)
    ours = reference.batch_normalization(
        x, mean=mean, variance=variance, gamma=gamma, beta=beta, axis=axis
    )
    assert_same(ours, call_with_weights(layer, x, gamma, beta, mean, variance), 10)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_activation_is_keras(name):
    x = np.concatenate([np.linspace(-12, 12, 241), [-1, -0.5, 0, 0.5, 1, 3, -3, 6]])
    x = x.astype(np.float32).reshape(1, -1)
    ours = reference.ACTIVATIONS[name](x.astype(np.float64))
    # Keras computes in float32: exp(12) and x - tanh(x) lose digits there.
    assert_same(ours, keras.activations.get(name)(x), magnitude=2)


def test_gelu_by_tanh_and_threshold_are_keras():
    x = np.linspace(-6, 6, 121).astype(np.float32)
    exact = x.astype(np.float64)
    assert_same(reference.gelu_tanh(exact), keras.activations.gelu(x, approximate=True))
    assert_same(reference.threshold(exact, 1.0, -7.0), keras.activations.threshold(x, 1.0, -7.0))


def test_general_relu_is_keras():
    x = np.linspace(-6, 6, 121).astype(np.float32)
    layer = keras.layers.ReLU(max_value=4.0, negative_slope=0.5, threshold=1.0)
    assert_same(reference.relu(x.astype(np.float64), 4.0, 0.5, 1.0), layer(x))


def test_tolerance_holds_for_float32_sums_and_is_not_loose(rng):
    a = rng.normal(size=(200, 1000)).astype(np.float32)
    b = rng.normal(size=(200, 1000)).astype(np.float32)
    exact = np.einsum("ij,ij->i", a.astype(np.float64), b)
    in_order = np.zeros(200, np.float32)
    for column in range(a.shape[1]):
        in_order += a[:, column] * b[:, column]
    magnitude = np.abs(a.astype(np.float64) * b).sum(axis=1).max()
    allowed = reference.tolerance(1000, magnitude)
    assert np.abs(in_order - exact).max() < allowed
    assert allowed < 1e-4 * magnitude
