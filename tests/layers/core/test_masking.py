"""Masking: which steps count, and what becomes of the others."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from parity import plain

VALUES = [0.0, 0.5, -1, np.array([1.0, 0.0, 0.5], np.float32), [0.0, 1.0, 2.0]]


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3)])
def test_steps_of_the_value_do_not_count_and_become_0(
    value: Any, shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    x = rng.normal(size=(4, *shape)).astype(np.float32)
    x[rng.random(x.shape[:-1]) < 0.4] = value
    x[0, ..., 1] = np.nan
    theirs, ours = (k.layers.Masking(value) for k in (keras, cnnfast))
    expected, actual = theirs(x), ours(x)
    np.testing.assert_array_equal(actual, np.asarray(expected))
    np.testing.assert_array_equal(actual._keras_mask, np.asarray(expected._keras_mask))
    np.testing.assert_array_equal(ours.compute_mask(x), np.asarray(theirs.compute_mask(x)))
    assert ours.compute_output_shape(x.shape) == x.shape


@pytest.mark.parametrize("value", [0.0, 0.5, -1])
def test_configs_load_in_both_directions(value: Any) -> None:
    theirs, ours = (k.layers.Masking(value, name="m") for k in (keras, cnnfast))
    assert plain(ours.get_config()) == plain(theirs.get_config())
    again = layers.deserialize(plain(keras.saving.serialize_keras_object(theirs)))
    assert again.mask_value == value
    assert keras.layers.Masking.from_config(plain(ours.get_config())).mask_value == value


def test_an_array_of_values_is_kept_in_a_config() -> None:
    layer = layers.Masking(np.array([1.0, 2.0]))
    again = layers.Masking.from_config(plain(layer.get_config()))
    np.testing.assert_array_equal(again.mask_value, layer.mask_value)


def test_the_input_itself_has_no_mask() -> None:
    """The mask is that of what the layer gives, though the numbers are the same."""
    inputs = cnnfast.Input((4, 2))
    masked = layers.Masking()(inputs)
    pool = layers.GlobalAveragePooling1D
    model = cnnfast.Model(inputs, [pool()(inputs), pool()(masked)])
    x = np.array([[[2, 2], [2, 2], [0, 0], [0, 0]]], np.float32)
    whole, some = model.predict(x, verbose=0)
    np.testing.assert_array_equal(whole, [[1, 1]])
    np.testing.assert_array_equal(some, [[2, 2]])
