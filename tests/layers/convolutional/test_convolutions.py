"""Convolutions over sequences, depthwise, separable and transposed ones."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import reference
from cnnfast import layers
from layer_parity import LayerParity
from parity import keras
from reference import tolerance

IMAGE = (None, 9, 7, 6)
STEPS = (None, 13, 6)
FIRST = {"data_format": "channels_first"}

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("Conv1D", {"filters": 4, "kernel_size": 3}, STEPS),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2}, STEPS),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, STEPS),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "strides": 3}, STEPS),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "padding": "causal", "dilation_rate": 4}, STEPS),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", **FIRST}, (None, 6, 13)),
    (
        "Conv1D",
        {"filters": 6, "kernel_size": 2, "groups": 3, "activation": "relu", **FIRST},
        (None, 6, 13),
    ),
    ("Conv1D", {"filters": 4, "kernel_size": 1, "activation": "softmax"}, STEPS),
    ("DepthwiseConv1D", {"kernel_size": 3}, STEPS),
    ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 3, "padding": "same"}, STEPS),
    ("DepthwiseConv1D", {"kernel_size": 3, "strides": 2, **FIRST}, STEPS),
    ("DepthwiseConv2D", {"kernel_size": 3}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": (2, 3), "padding": "SAME", "use_bias": False}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "depth_multiplier": 2}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": (3, 2), "activation": "elu"}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "dilation_rate": 2}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 1, "strides": 3, **FIRST}, IMAGE),
    (
        "DepthwiseConv2D",
        {
            "kernel_size": 3,
            "depthwise_initializer": "he_normal",
            "depthwise_regularizer": "l2",
            "depthwise_constraint": "max_norm",
            "bias_regularizer": "l2",
            "trainable": False,
        },
        IMAGE,
    ),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3}, STEPS),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "padding": "same", **FIRST}, STEPS),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 3}, IMAGE),
    (
        "SeparableConv2D",
        {"filters": 5, "kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"},
        IMAGE,
    ),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 2, "activation": "relu", **FIRST}, IMAGE),
    (
        "SeparableConv2D",
        {
            "filters": 5,
            "kernel_size": 3,
            "dilation_rate": 2,
            "use_bias": False,
            "pointwise_initializer": "he_normal",
            "pointwise_regularizer": "l2",
            "activity_regularizer": "l2",
        },
        IMAGE,
    ),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2}, STEPS),
    ("Conv1DTranspose", {"filters": 4, "kernel_size": 2, "padding": "same", **FIRST}, STEPS),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3}, IMAGE),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 2, "strides": 2, "padding": "same"}, IMAGE),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 4, "strides": 2, "padding": "same"}, IMAGE),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 2, "strides": (3, 1)}, IMAGE),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 1, "strides": 2, "use_bias": False}, IMAGE),
    (
        "Conv2DTranspose",
        {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        IMAGE,
    ),
    (
        "Conv2DTranspose",
        {"filters": 4, "kernel_size": (3, 5), "strides": (2, 3), "output_padding": (0, 2), **FIRST},
        IMAGE,
    ),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "dilation_rate": (2, 3)}, IMAGE),
    (
        "Conv2DTranspose",
        {
            "filters": 4,
            "kernel_size": (2, 3),
            "dilation_rate": 2,
            "padding": "same",
            "activation": "softmax",
            "kernel_regularizer": "l2",
            "bias_initializer": "ones",
        },
        IMAGE,
    ),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 3 * 3 * 9 * 2
    magnitude = 200.0


# Keras on JAX dies on some of these, so their numbers are those of the oracle.
@hypothesis.given(st.data())
def test_any_transposed_convolution_has_the_shape_of_keras_and_the_numbers_of_its_definition(
    data: st.DataObject,
) -> None:
    def pair(low: int, high: int) -> tuple[int, int]:
        return data.draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    size, kernel = pair(1, 6), pair(1, 5)
    strides, dilation = data.draw(
        st.sampled_from([(pair(1, 3), (1, 1)), ((1, 1), pair(1, 3))]), label="strides, dilation"
    )
    padding = data.draw(st.sampled_from(["valid", "same"]))
    extra = data.draw(st.none() | st.tuples(*(st.integers(0, s - 1) for s in strides)))
    kwargs: dict[str, Any] = {
        "filters": 2,
        "kernel_size": kernel,
        "strides": strides,
        "dilation_rate": dilation,
        "padding": padding,
        "output_padding": extra,
        "name": "layer",
    }
    shape = (None, *size, 3)
    expected = tuple(keras.layers.Conv2DTranspose(**kwargs).compute_output_shape(shape))
    ours = layers.Conv2DTranspose(**kwargs)
    if min(expected[1:3]) < 1:
        with pytest.raises(ValueError, match="zero or negative"):
            ours.build(shape)
        return
    ours.build(shape)
    assert ours.compute_output_shape(shape) == expected

    rng = np.random.default_rng(0)
    ours.set_weights([rng.normal(size=w.shape) for w in ours.weights])
    x = rng.normal(size=(2, *size, 3)).astype(np.float32)
    pads: list[int] = []
    for length, out, taps, stride, step in zip(
        size, expected[1:3], kernel, strides, dilation, strict=True
    ):
        full = (length - 1) * stride + (taps - 1) * step + 1
        before = max(full - out, 0) // 2
        pads += [before, full - out - before]
    oracle = reference.conv2d_transpose(
        x,
        *ours.get_weights(),
        strides=strides,
        dilation=dilation,
        pads=(pads[0], pads[1], pads[2], pads[3]),
    )
    np.testing.assert_allclose(ours(x), oracle, rtol=0, atol=tolerance(75, 75 * 9))


@hypothesis.given(st.data())
def test_any_depthwise_convolution_is_its_definition(data: st.DataObject) -> None:
    def pair(low: int, high: int) -> tuple[int, int]:
        return data.draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    size, kernel, strides, dilation = pair(1, 12), pair(1, 5), pair(1, 3), pair(1, 3)
    channels, multiplier = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 3)))
    padding = data.draw(st.sampled_from(["valid", "same"]))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    hypothesis.assume(padding == "same" or all(s <= n for s, n in zip(spans, size, strict=True)))
    layer = layers.DepthwiseConv2D(
        kernel,
        strides=strides,
        dilation_rate=dilation,
        padding=padding,
        depth_multiplier=multiplier,
    )
    layer.build((None, *size, channels))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    x = rng.normal(size=(2, *size, channels)).astype(np.float32)
    pads = reference.NO_PADS
    if padding == "same":
        pads = reference.same_pads(size, kernel, strides, dilation)
    oracle = reference.depthwise_conv2d(
        x, *layer.get_weights(), strides=strides, dilation=dilation, pads=pads
    )
    np.testing.assert_allclose(layer(x), oracle, rtol=0, atol=tolerance(25, 25 * 16))


def test_a_causal_convolution_reads_no_later_step(rng: np.random.Generator) -> None:
    layer = layers.Conv1D(3, 4, padding="causal", dilation_rate=2)
    x = rng.normal(size=(1, 20, 2)).astype(np.float32)
    before = layer(x)
    x[:, 11:] = 1e6
    np.testing.assert_array_equal(layer(x)[:, :11], before[:, :11])


def test_unknown_sizes_stay_unknown() -> None:
    shape = (None, None, 8, 3)
    for layer in (layers.Conv2DTranspose(4, 3, strides=2), layers.SeparableConv2D(4, 3)):
        assert layer.compute_output_shape(shape)[1] is None


BAD: list[tuple[type[layers.Layer], dict[str, Any], str]] = [
    (layers.Conv1D, {"filters": 4, "kernel_size": 3, "padding": "full"}, "`padding` argument"),
    (layers.DepthwiseConv2D, {"kernel_size": 3, "depth_multiplier": 0}, "`depth_multiplier`"),
    (layers.SeparableConv2D, {"filters": 0, "kernel_size": 3}, "`filters`"),
    (layers.SeparableConv2D, {"filters": 2, "kernel_size": 0}, "`kernel_size` argument"),
    (
        layers.Conv2DTranspose,
        {"filters": 4, "kernel_size": 3, "strides": 2, "output_padding": 2},
        "`output_padding` must be strictly less than `strides`",
    ),
    (
        layers.Conv2DTranspose,
        {"filters": 4, "kernel_size": 3, "strides": 2, "output_padding": (1, 1, 1)},
        "`output_padding` argument must be a tuple of 2",
    ),
    (
        layers.Conv2DTranspose,
        {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2},
        "`strides > 1` not supported in conjunction",
    ),
]


@pytest.mark.parametrize(("cls", "kwargs", "rule"), BAD)
def test_an_illegal_argument_is_refused(
    cls: type[layers.Layer], kwargs: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule) as error:
        cls(**kwargs)
    assert "Received" in str(error.value)


@pytest.mark.parametrize("cls", [layers.DepthwiseConv2D, layers.SeparableConv2D])
def test_a_window_larger_than_the_image_names_the_layer(cls: Any) -> None:
    layer = cls(
        kernel_size=5, **({"filters": 2} if cls is layers.SeparableConv2D else {}), name="c"
    )
    with pytest.raises(ValueError, match="Layer 'c': computed output size would be zero"):
        layer.build((None, 4, 9, 3))
    assert layer.weights == []
