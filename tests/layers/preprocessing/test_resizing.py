"""Resizing of images against Keras, and the rules of its own."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.lowering import resampling
from layer_parity import LayerParity
from parity import both, keras
from reference import tolerance

IMAGE = (None, 9, 12, 3)
FIRST = {"data_format": "channels_first"}

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    *[
        (
            "Resizing",
            {"height": h, "width": w, "interpolation": name, "antialias": antialias},
            IMAGE,
        )
        for name in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
        for antialias in (False, True)
        for h, w in ((4, 17), (20, 5))
    ],
    ("Resizing", {"height": 9, "width": 12}, IMAGE),
    ("Resizing", {"height": 9, "width": 5, "interpolation": "bicubic"}, IMAGE),
    ("Resizing", {"height": 6, "width": 7, **FIRST}, IMAGE),
    ("Resizing", {"height": 6, "width": 7, "crop_to_aspect_ratio": True}, IMAGE),
    ("Resizing", {"height": 2, "width": 9, "crop_to_aspect_ratio": True, **FIRST}, IMAGE),
    ("Resizing", {"height": 6, "width": 7, "pad_to_aspect_ratio": True}, IMAGE),
    ("Resizing", {"height": 3, "width": 9, "pad_to_aspect_ratio": True, "fill_value": 2.5}, IMAGE),
    ("Resizing", {"height": 7, "width": 2, "pad_to_aspect_ratio": True, **FIRST}, IMAGE),
    ("CenterCrop", {"height": 4, "width": 5}, IMAGE),
    ("CenterCrop", {"height": 9, "width": 11, **FIRST}, (None, 3, 9, 12)),
    ("CenterCrop", {"height": 10, "width": 5}, IMAGE),
    ("CenterCrop", {"height": 4, "width": 20}, IMAGE),
    ("RandomCrop", {"height": 9, "width": 12, "seed": 3}, IMAGE),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 400
    """The taps of two axes of the largest filter, and the rounding of where they are."""


def has_a_centre_on_a_border(old: int, new: int) -> bool:
    """Whether an output pixel lies just between two input pixels: backends round it either way."""
    return any((2 * i + 1) * old % (2 * new) == 0 for i in range(new))


@hypothesis.given(
    old=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    new=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    interpolation=st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]),
    antialias=st.booleans(),
    fit=st.sampled_from(["", "crop_to_aspect_ratio", "pad_to_aspect_ratio"]),
)
@hypothesis.settings(max_examples=20)
def test_any_size_to_any_other(
    old: tuple[int, int],
    new: tuple[int, int],
    interpolation: str,
    antialias: bool,
    fit: str,
) -> None:
    # What is cropped or padded to fit has other sizes, which may have such centres.
    unsure = fit != "" or any(map(has_a_centre_on_a_border, old, new))
    hypothesis.assume(interpolation != "nearest" or not unsure)
    options: dict[str, Any] = {"interpolation": interpolation, "antialias": antialias}
    theirs, ours = both(
        "Resizing", height=new[0], width=new[1], **options | {fit: True} if fit else options
    )
    x = np.random.default_rng(old).normal(size=(1, *old, 2)).astype(np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=0, atol=tolerance(400, 8.0))


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
def test_integers_are_rounded_and_kept_in_range(
    dtype: str, interpolation: str, rng: np.random.Generator
) -> None:
    # Steps between the extremes, so that bicubic overshoots.
    x = rng.choice([0, 255], size=(2, 6, 8, 3)).astype(dtype)
    theirs, ours = both("Resizing", height=9, width=11, interpolation=interpolation)
    expected, y = np.asarray(theirs(x)), ours(x)
    assert expected.dtype == dtype
    limits = np.iinfo(dtype)
    exact = np.clip(ours(x.astype(np.float32)), limits.min, limits.max)
    np.testing.assert_array_equal(y, np.round(y))
    assert np.abs(y - exact).max() <= 0.5
    # What lies within rounding of a half may fall to either side.
    clear = np.abs(exact - np.floor(exact) - 0.5) > 1e-3
    np.testing.assert_array_equal(y[clear], expected[clear])


def test_floats_are_not_rounded_after_a_call_on_integers() -> None:
    layer = layers.Resizing(4, 4)
    x = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    np.testing.assert_array_equal(layer(x), np.round(layer(x)))
    y = layer(x.astype(np.float32))
    assert np.abs(y - np.round(y)).max() > 0.1


def test_a_symbolic_integer_image_stays_one() -> None:
    layer = layers.Resizing(4, 4)
    drawn = layer(layers.Input((8, 8, 3), dtype="uint8"))
    assert drawn.dtype == "uint8"
    with pytest.raises(UnsupportedError, match="on integers of one dtype only, or on floats"):
        layer(layers.Input((8, 8, 3)))


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("name", resampling.INTERPOLATIONS)
def test_a_constant_image_stays_constant(name: str, antialias: bool) -> None:
    x = np.full((1, 7, 5, 2), 3.5, np.float32)
    y = layers.Resizing(13, 3, interpolation=name, antialias=antialias)(x)
    np.testing.assert_allclose(y, 3.5, rtol=1e-6)


def test_area_is_the_mean_over_what_a_pixel_covers() -> None:
    x = np.arange(6, dtype=np.float32).reshape(1, 6, 1, 1)
    y = layers.Resizing(4, 1, interpolation="area")(x)
    np.testing.assert_allclose(y.ravel(), [1 / 3, 5 / 3, 10 / 3, 14 / 3], rtol=1e-6)


def test_gaussian_and_mitchell_smooth_even_an_axis_that_keeps_its_size() -> None:
    x = np.zeros((1, 2, 5, 1), np.float32)
    x[:, :, 2] = 1.0
    weights = {
        "gaussian": np.exp(-2.0 * np.array([1.0, 0.0, 1.0])),
        "mitchellcubic": np.array([1 / 18, 8 / 9, 1 / 18]),
    }
    for name, weight in weights.items():
        y = layers.Resizing(4, 5, interpolation=name)(x)
        np.testing.assert_allclose(y[0, 0, 1:4, 0], weight / weight.sum(), rtol=1e-6)


def test_taps_are_found_without_a_matrix_of_all_pixels() -> None:
    indices, weights = resampling.filter_taps(
        10**6, 10, resampling.Filter(1.0, np.ones_like), False
    )
    assert indices.shape == weights.shape == (10, 2)


@pytest.mark.parametrize(
    ("kwargs", "rule"),
    [
        ({"height": 0, "width": 3}, "must be positive integers"),
        ({"height": 3, "width": 2.5}, "must be positive integers"),
        ({"height": 3, "width": 3, "interpolation": "cubist"}, "`interpolation` argument"),
        ({"height": 3, "width": 3, "fill_mode": "reflect"}, "`fill_mode` argument"),
        (
            {"height": 3, "width": 3, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
            "Only one of",
        ),
    ],
)
def test_illegal_arguments_are_refused(kwargs: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        layers.Resizing(**kwargs)


def test_a_size_that_cannot_be_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(ValueError, match="at most 16777216 pixels"):
        layers.Resizing(2**30, 1)(np.zeros((1, 2, 2, 1), np.float32))


def test_random_crop_refuses_what_keras_2_and_3_do_differently() -> None:
    layer = layers.RandomCrop(4, 4, name="crop")
    assert layer.compute_output_shape((None, None, None, 3)) == (None, 4, 4, 3)
    with pytest.raises(
        UnsupportedError, match=r"'crop' .*Keras 3 leaves others.*\(None, 5, 4, 3\)"
    ):
        layer(np.zeros((1, 5, 4, 3), np.float32))
    assert keras.layers.RandomCrop(4, 4)(np.zeros((1, 5, 4, 3)), training=False).shape[1] == 5
