"""Operations on images are those of Keras, in a graph and at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError
from cnnfast.utils import tree
from operation_parity import agree, compare
from parity import keras

TURN = np.array([0.9, 0.2, -0.7, -0.1, 1.1, 0.5, 0, 0], np.float32)
MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
FIRST = {"data_format": "channels_first"}

CASES: dict[str, Callable[[Any, Any], Any]] = {
    "extract_patches": lambda o, x: (
        *(o.image.extract_patches(x, 2), o.image.extract_patches(x, (3, 2), strides=(1, 2))),
        *(o.image.extract_patches(x, 3, strides=2, padding="same"),),
        *(o.image.extract_patches(x, 2, strides=1, dilation_rate=2),),
    ),
    "extract_patches channels_first": lambda o, x: o.image.extract_patches(
        o.transpose(x, (0, 3, 1, 2)), 2, **FIRST
    ),
    "pad_images": lambda o, x: (
        o.image.pad_images(x, 1, 2, 3, 0),
        o.image.pad_images(x, top_padding=1, left_padding=2, target_height=10, target_width=11),
        o.image.pad_images(o.transpose(x, (0, 3, 1, 2)), 1, 2, 3, 0, **FIRST),
    ),
    "crop_images": lambda o, x: (
        o.image.crop_images(x, 1, 2, 1, 0),
        o.image.crop_images(x, bottom_cropping=1, left_cropping=2, target_height=3, target_width=2),
    ),
    "rgb_to_grayscale": lambda o, x: (
        *(o.image.rgb_to_grayscale(x), o.image.rgb_to_grayscale(x[..., :1])),
        o.image.rgb_to_grayscale(o.transpose(x, (0, 3, 1, 2)), **FIRST),
    ),
    "rgb_to_hsv": lambda o, x: (
        o.image.rgb_to_hsv(o.abs(x)),
        o.image.rgb_to_hsv(o.abs(o.transpose(x, (0, 3, 1, 2))), **FIRST),
    ),
    "rgb_to_hsv of gray": lambda o, x: o.image.rgb_to_hsv(o.round(o.abs(x))),
    "hsv_to_rgb": lambda o, x: o.image.hsv_to_rgb(o.sigmoid(x)),
}


def images(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(2, 6, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("case", CASES)
def test_an_operation_is_that_of_keras(case: str, rng: np.random.Generator) -> None:
    x = images(rng)
    compare(lambda o, one, two: CASES[case](o, one), [x, x])
    theirs = tree.flatten(CASES[case](keras.ops, keras.ops.convert_to_tensor(x)))
    agree(CASES[case](cnnfast.ops, x), [np.asarray(y) for y in theirs], 1e-5, 2e-5)


def test_one_image_without_a_batch_is_an_array(rng: np.random.Generator) -> None:
    x = np.abs(images(rng)[0])
    for call in (
        lambda o: o.image.extract_patches(x, 2),
        lambda o: o.image.pad_images(x, 1, 1, 1, 1),
        lambda o: o.image.crop_images(x, 1, 1, 1, 1),
        lambda o: o.image.rgb_to_grayscale(x),
        lambda o: o.image.rgb_to_hsv(x),
        lambda o: o.image.affine_transform(x, TURN),
    ):
        agree(call(cnnfast.ops), [np.asarray(call(keras.ops))], 1e-5, 1e-5)
    with pytest.raises(UnsupportedError, match=r"batch.*Received: "):
        cnnfast.ops.image.rgb_to_hsv(cnnfast.Input((8, 3)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_an_affine_transform_is_that_of_keras(
    interpolation: str, mode: str, rng: np.random.Generator
) -> None:
    x = images(rng)
    options = {"interpolation": interpolation, "fill_mode": mode, "fill_value": 0.5}
    # Keras wants a row for each image where there are several.
    theirs = keras.ops.image.affine_transform(x, np.stack([TURN] * 2), **options)
    begin = cnnfast.Input((6, 8, 3))
    ours = cnnfast.Model(begin, cnnfast.ops.image.affine_transform(begin, TURN, **options))
    agree(ours.predict(x, verbose=0), [np.asarray(theirs)], 1e-5, 1e-5)
    at_once = cnnfast.ops.image.affine_transform(x, np.stack([TURN] * 2), **options)
    agree(at_once, [np.asarray(theirs)], 1e-5, 1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1])
def test_coordinates_are_mapped_as_in_keras(
    order: int, mode: str, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(6, 8)).astype(np.float32)
    at = rng.uniform(-4, 11, (2, 5, 3)).astype(np.float32)
    theirs = keras.ops.image.map_coordinates(x, at, order, fill_mode=mode, fill_value=2.0)
    ours = cnnfast.ops.image.map_coordinates(x, at, order, fill_mode=mode, fill_value=2.0)
    agree(ours, [np.asarray(theirs)], 1e-5, 1e-5)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int16"])
def test_integers_between_positions_are_rounded_as_in_keras(
    dtype: str, rng: np.random.Generator
) -> None:
    x = rng.integers(0, 100, (6, 8)).astype(dtype)
    x = x - np.asarray(50, dtype) if dtype.startswith("i") else x
    # Halves are exact: whole and half coordinates.
    at = (rng.integers(0, 10, (2, 5, 30)) / 2).astype(np.float32)
    theirs = np.asarray(keras.ops.image.map_coordinates(x, at, 1))
    ours = cnnfast.ops.image.map_coordinates(x, at, 1)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def test_patches_side_by_side_are_two_steps() -> None:
    x = cnnfast.Input((8, 8, 3))
    model = cnnfast.Model(x, cnnfast.ops.image.extract_patches(x, 4))
    model.predict(np.ones((1, 8, 8, 3), np.float32), verbose=0)
    (plan,) = model._executor.plans.values()
    assert "conv2d" not in [step.name for step in plan.steps]
    assert len(plan.steps) <= 2


def test_borders_that_do_not_follow_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two must be given.*Received: "):
        cnnfast.ops.image.pad_images(np.ones((1, 4, 4, 3)), 1, 1)
    with pytest.raises(ValueError, match=r"must not be negative.*Received: "):
        cnnfast.ops.image.crop_images(np.ones((1, 4, 4, 3)), 1, 1, target_height=9, target_width=1)
