"""Layers that move, repeat, add or drop positions."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from cnnfast import layers
from layer_parity import LayerParity
from parity import both, keras

IMAGE = (None, 5, 7, 3)
FIRST = {"data_format": "channels_first"}

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("Reshape", {"target_shape": (7, 15)}, IMAGE),
    ("Reshape", {"target_shape": (-1, 5)}, IMAGE),
    ("Reshape", {"target_shape": [3, -1, 1]}, IMAGE),
    ("Reshape", {"target_shape": (105,)}, IMAGE),
    ("Reshape", {"target_shape": (1, -1)}, (None, 6)),
    ("Permute", {"dims": (2, 1)}, (None, 4, 5)),
    ("Permute", {"dims": (3, 1, 2)}, IMAGE),
    ("Permute", {"dims": [1, 2, 3]}, IMAGE),
    ("RepeatVector", {"n": 4}, (None, 6)),
    ("ZeroPadding1D", {}, (None, 5, 3)),
    ("ZeroPadding1D", {"padding": (0, 2)}, (None, 5, 3)),
    ("ZeroPadding1D", {"padding": 2, **FIRST}, (None, 5, 3)),
    ("ZeroPadding2D", {}, IMAGE),
    ("ZeroPadding2D", {"padding": (2, 0)}, IMAGE),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, IMAGE),
    ("ZeroPadding2D", {"padding": [[0, 1], [0, 1]], **FIRST}, IMAGE),
    ("ZeroPadding3D", {"padding": (1, (0, 2), 3)}, (None, 2, 3, 4, 2)),
    ("Cropping1D", {}, (None, 5, 3)),
    ("Cropping1D", {"cropping": 2}, (None, 5, 3)),
    ("Cropping2D", {}, IMAGE),
    ("Cropping2D", {"cropping": 1}, IMAGE),
    ("Cropping2D", {"cropping": ((1, 0), (2, 3))}, IMAGE),
    ("Cropping2D", {"cropping": (1, 0), **FIRST}, IMAGE),
    ("Cropping3D", {"cropping": (0, (0, 1), 1)}, (None, 2, 3, 4, 2)),
    ("UpSampling1D", {}, (None, 5, 3)),
    ("UpSampling1D", {"size": 3}, (None, 5, 3)),
    ("UpSampling2D", {}, IMAGE),
    ("UpSampling2D", {"size": (3, 1), **FIRST}, IMAGE),
    ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}, IMAGE),
    ("UpSampling2D", {"size": 2, "interpolation": "bicubic", **FIRST}, IMAGE),
    ("UpSampling2D", {"size": (1, 3), "interpolation": "lanczos3"}, IMAGE),
    ("UpSampling2D", {"size": 3, "interpolation": "lanczos5"}, IMAGE),
    ("UpSampling3D", {"size": (2, 1, 3)}, (None, 2, 3, 4, 2)),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 100
    """The taps of two axes of the largest filter."""


@pytest.mark.parametrize(
    ("class_name", "kwargs"),
    [
        ("Reshape", {"target_shape": (-1, 3)}),
        ("ZeroPadding2D", {"padding": 1}),
        ("Cropping2D", {"cropping": 1}),
        ("UpSampling2D", {"size": 2}),
        ("Permute", {"dims": (3, 2, 1)}),
    ],
)
def test_unknown_sizes_stay_unknown(class_name: str, kwargs: dict[str, Any]) -> None:
    theirs, ours = both(class_name, **kwargs)
    shape = (None, None, None, 3)
    assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))


@hypothesis.given(
    pads=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=2),
    first=st.booleans(),
)
@hypothesis.settings(max_examples=25)
def test_cropping_undoes_padding(pads: list[tuple[int, int]], first: bool) -> None:
    data_format = "channels_first" if first else "channels_last"
    x = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    padded = layers.ZeroPadding2D(pads, data_format=data_format)(x)
    axes = (2, 3) if first else (1, 2)
    widths = [(0, 0)] * 4
    for axis, pad in zip(axes, pads, strict=True):
        widths[axis] = pad
    np.testing.assert_array_equal(padded, np.pad(x, widths))
    np.testing.assert_array_equal(layers.Cropping2D(pads, data_format=data_format)(padded), x)


ILLEGAL: list[tuple[str, dict[str, Any], str]] = [
    ("Reshape", {"target_shape": (-1, -1)}, "at most one unknown dimension"),
    ("Reshape", {"target_shape": (-2, 4)}, "must be a non-negative integer"),
    ("Permute", {"dims": (0, 1)}, "must be consecutive and start from 1"),
    ("Permute", {"dims": (1, 3)}, "must be consecutive and start from 1"),
    ("RepeatVector", {"n": 0}, "should be a positive integer"),
    ("ZeroPadding1D", {"padding": (1, 2, 3)}, "`padding` argument must be a tuple of 2"),
    ("ZeroPadding2D", {"padding": (1, 2, 3)}, "`padding` should have 2 elements"),
    ("ZeroPadding2D", {"padding": ((1, 2), (1, 2, 3))}, "2nd entry of padding"),
    ("ZeroPadding2D", {"padding": ((-1, 0), 0)}, "1st entry of padding"),
    ("Cropping1D", {"cropping": -1}, "`cropping` argument"),
    ("Cropping2D", {"cropping": -1}, "cropping"),
    ("Cropping2D", {"cropping": (1,)}, "`cropping` should have 2 elements"),
    ("UpSampling1D", {"size": 0}, "should be a positive integer"),
    ("UpSampling2D", {"size": (2, 0)}, "`size` argument"),
    ("UpSampling2D", {"data_format": "nchw"}, "`data_format` argument"),
]


@pytest.mark.parametrize(("class_name", "kwargs", "rule"), ILLEGAL)
def test_an_argument_that_keras_refuses_is_refused(
    class_name: str, kwargs: dict[str, Any], rule: str
) -> None:
    with pytest.raises((ValueError, TypeError)):
        getattr(keras.layers, class_name)(**kwargs)
    with pytest.raises((ValueError, TypeError), match=rule):
        getattr(layers, class_name)(**kwargs)


def test_an_unknown_interpolation_is_refused_when_the_layer_is_made() -> None:
    with pytest.raises(ValueError, match=r"`interpolation`.*nearest.*Received: 'cubist'"):
        layers.UpSampling2D(interpolation="cubist")


@pytest.mark.parametrize(
    ("layer", "shape", "rule"),
    [
        (layers.Reshape((4, -1), name="r"), (2, 5, 7), "'r': the total size"),
        (layers.Reshape((4, 4), name="r"), (2, 5, 7), "'r': the total size"),
        (
            layers.Cropping2D(2, name="c"),
            (2, 4, 7, 1),
            "'c': computed output size would be zero or negative",
        ),
        (
            layers.Cropping1D(2, name="c"),
            (2, 4, 1),
            "'c': computed output size would be zero or negative",
        ),
        (layers.Permute((2, 1), name="p"), (2, 4, 3, 1), "layer 'p'.*expected ndim=3"),
        (layers.RepeatVector(3, name="v"), (2, 4, 3), "layer 'v'.*expected ndim=2"),
        (layers.ZeroPadding1D(2**30), (1, 3, 1), "at most 16777216 positions"),
        (layers.UpSampling1D(2**30), (1, 3, 1), "at most 16777216 positions"),
        (layers.RepeatVector(2**30), (1, 3), "at most 16777216 positions"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(
    layer: layers.Layer, shape: tuple[int, ...], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        layer(np.zeros(shape, np.float32))


def test_a_size_of_keras_1_is_read() -> None:
    assert layers.UpSampling1D.from_config({"size": [3], "name": "u"}).size == 3
