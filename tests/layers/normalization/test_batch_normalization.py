"""What batch normalization keeps of a renormalization, which only training reads."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast import layers
from parity import both


def test_statistics_of_a_renormalization_begin_as_in_keras() -> None:
    theirs, ours = both(
        "BatchNormalization", renorm=True, moving_variance_initializer="ones", momentum=0.9
    )
    for layer in (theirs, ours):
        layer.build((None, 4))
    for name in ("moving_stddev", "renorm_mean", "renorm_stddev"):
        np.testing.assert_array_equal(getattr(ours, name), np.asarray(getattr(theirs, name)))
    layer = layers.BatchNormalization(renorm=True, moving_variance_initializer=four)
    layer.build((None, 4))
    np.testing.assert_array_equal(layer.moving_stddev, np.full(4, 2.0))


def four(shape: tuple[int, ...], dtype: object = None) -> np.ndarray:
    return np.full(shape, 4.0, np.float32)


def test_limits_of_a_renormalization_are_checked() -> None:
    for limits, rule in (
        ({"min": 1.0}, "invalid keys"),
        ({"rmax": 1.0, "rmin": 2.0}, "rmax should be greater"),
        ({"dmax": -1.0}, "dmax should be non-negative"),
    ):
        with pytest.raises(ValueError, match=rule):
            layers.BatchNormalization(renorm=True, renorm_clipping=limits)
