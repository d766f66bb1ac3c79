"""Convolution and pooling of volumes."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import reference
from cnnfast import layers
from layer_parity import LayerParity
from reference import tolerance

VOLUME = (None, 5, 6, 4, 4)
FIRST = {"data_format": "channels_first"}
SAME = {"padding": "same"}

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("Conv3D", {"filters": 2, "kernel_size": 3}, VOLUME),
    ("Conv3D", {"filters": 2, "kernel_size": (1, 2, 3), "strides": 2, **SAME}, VOLUME),
    ("Conv3D", {"filters": 4, "kernel_size": 2, "groups": 2, "activation": "softmax"}, VOLUME),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "dilation_rate": (3, 2, 1), **FIRST}, VOLUME),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, **SAME}, VOLUME),
    ("Conv3DTranspose", {"filters": 3, "kernel_size": (1, 2, 3), "activation": "relu"}, VOLUME),
    (
        "Conv3DTranspose",
        {"filters": 2, "kernel_size": (3, 1, 2), "strides": (2, 1, 3), "use_bias": False, **FIRST},
        VOLUME,
    ),
    (
        "Conv3DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 3, "output_padding": (0, 1, 2), **SAME},
        VOLUME,
    ),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": (1, 2, 3)}, VOLUME),
    *(
        (f"{kind}Pooling3D", kwargs, VOLUME)
        for kind in ("Max", "Average")
        for kwargs in (
            {"pool_size": 2},
            {"pool_size": (3, 2, 1), "strides": (1, 3, 2), **SAME},
            {"pool_size": 3, "strides": 2, **SAME, **FIRST},
        )
    ),
    *(
        (f"Global{kind}Pooling3D", kwargs, VOLUME)
        for kind in ("Max", "Average")
        for kwargs in ({}, {"keepdims": True, **FIRST})
    ),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 6 * 5 * 4
    magnitude = 60.0


@hypothesis.settings(max_examples=40)
@hypothesis.given(st.data())
def test_any_convolution_of_a_volume_is_a_sum_over_slices(data: st.DataObject) -> None:
    def triple(low: int, high: int) -> tuple[int, ...]:
        return data.draw(st.tuples(*[st.integers(low, high)] * 3))

    size, kernel = triple(1, 6), triple(1, 3)
    strides, dilation = data.draw(
        st.sampled_from([(triple(1, 3), (1, 1, 1)), ((1, 1, 1), triple(1, 3))])
    )
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    hypothesis.assume(all(r <= n for r, n in zip(reach, size, strict=True)))
    layer = layers.Conv3D(3, kernel, strides=strides, dilation_rate=dilation)
    layer.build((None, *size, 2))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    x = rng.normal(size=(2, *size, 2)).astype(np.float32)
    weights, bias = layer.get_weights()
    slices = []
    for first in range(0, size[0] - reach[0] + 1, strides[0]):
        taps = [
            reference.conv2d(
                x[:, first + t * dilation[0]],
                weights[t],
                strides=(strides[1], strides[2]),
                dilation=(dilation[1], dilation[2]),
            )
            for t in range(kernel[0])
        ]
        slices.append(sum(taps) + bias)
    expected = np.stack(slices, axis=1)
    np.testing.assert_allclose(layer(x), expected, rtol=0, atol=tolerance(54, 54 * 9))
