"""Normalizations of the numbers of one image among themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from layer_parity import LayerParity
from parity import both, keras, plain

IMAGE = (None, 5, 4, 6)

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("LayerNormalization", {}, IMAGE),
    ("LayerNormalization", {}, (None, 7)),
    ("LayerNormalization", {"axis": 1, "epsilon": 1e-5}, IMAGE),
    ("LayerNormalization", {"axis": -2, "scale": False}, IMAGE),
    ("LayerNormalization", {"axis": [3, 1], "center": False}, IMAGE),
    ("LayerNormalization", {"axis": [-1, -2]}, IMAGE),
    ("LayerNormalization", {"axis": (1, 2, 3)}, IMAGE),
    ("LayerNormalization", {"axis": [2], "scale": False, "center": False}, IMAGE),
    (
        "LayerNormalization",
        {
            "gamma_initializer": "he_normal",
            "beta_regularizer": "l2",
            "gamma_constraint": "max_norm",
        },
        (None, 4, 7),
    ),
    ("GroupNormalization", {"groups": 2}, IMAGE),
    ("GroupNormalization", {"groups": -1}, IMAGE),
    ("GroupNormalization", {"groups": 1, "scale": False}, IMAGE),
    ("GroupNormalization", {"groups": 5, "axis": 1, "epsilon": 1e-5}, IMAGE),
    ("GroupNormalization", {"groups": 2, "axis": -2, "center": False}, IMAGE),
    ("GroupNormalization", {"groups": 3}, (None, 6)),
    ("GroupNormalization", {"groups": 3, "gamma_regularizer": "l2"}, (None, 4, 6)),
    ("UnitNormalization", {}, IMAGE),
    ("UnitNormalization", {"axis": [1, 2]}, IMAGE),
    ("UnitNormalization", {"axis": 1}, (None, 7)),
    ("RMSNormalization", {}, IMAGE),
    ("RMSNormalization", {"epsilon": 1e-3}, (None, 7)),
    ("RMSNormalization", {"axis": [2, 3]}, IMAGE),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 120


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`")
def test_rms_scaling_divides_by_the_deviation_and_keeps_the_mean(rng: np.random.Generator) -> None:
    theirs, ours = both("LayerNormalization", rms_scaling=True, axis=[1, 3])
    x = rng.normal(2, 1, size=(3, 5, 4, 6)).astype(np.float32)
    expected = np.asarray(theirs(x))
    np.testing.assert_allclose(ours(x), expected, atol=1e-5)
    assert plain(ours.get_config()) == plain(theirs.get_config())


def test_gamma_of_axes_of_both_signs_is_laid_out_as_in_keras(rng: np.random.Generator) -> None:
    theirs, ours = both("LayerNormalization", axis=[1, -1])
    theirs.build(IMAGE)
    ours.build(IMAGE)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    weights = [rng.normal(size=w.shape).astype(np.float32) for w in ours.weights]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    x = rng.normal(size=(2, 5, 4, 6)).astype(np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-5)


def test_zeros_stay_zeros_under_unit_normalization() -> None:
    x = np.zeros((1, 4), np.float32)
    np.testing.assert_array_equal(layers.UnitNormalization()(x), x)


def test_tiny_rows_are_divided_by_the_limit_of_keras() -> None:
    x = np.array([[3e-8, 4e-8], [3e-15, 4e-15]], np.float32)
    expected = np.asarray(keras.layers.UnitNormalization()(x))
    np.testing.assert_allclose(layers.UnitNormalization()(x), expected, rtol=1e-5)


IMPOSSIBLE: list[tuple[layers.Layer, tuple[int | None, ...], str]] = [
    (layers.LayerNormalization(axis=4, name="n"), IMAGE, "Layer 'n': axis 4 is out of bounds"),
    (layers.LayerNormalization(axis=[0, 1], name="n"), IMAGE, "Layer 'n': axis 0"),
    (layers.LayerNormalization(name="n"), (None, 4, None), "must be fully-defined"),
    (layers.GroupNormalization(2, axis=-4, name="n"), IMAGE, "Layer 'n': axis -4 is out of bounds"),
    (layers.GroupNormalization(4, name="n"), IMAGE, "multiple of the number of groups"),
    (layers.GroupNormalization(2, name="n"), (None, 4, None), "should have a defined dimension"),
    (layers.RMSNormalization(axis=1, name="n"), IMAGE, "multiplies the last axes"),
]


@pytest.mark.parametrize(("layer", "shape", "rule"), IMPOSSIBLE)
def test_an_impossible_shape_is_refused(
    layer: layers.Layer, shape: tuple[int | None, ...], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule) as error:
        layer.build(shape)
    assert "Received" in str(error.value)
    assert not layer.built


@pytest.mark.parametrize("groups", [0, -2, 1.5])
def test_an_illegal_number_of_groups_is_refused(groups: Any) -> None:
    with pytest.raises(ValueError, match="invalid value for argument `groups`"):
        layers.GroupNormalization(groups)
