"""Layers that do nothing at inference, against Keras."""

from __future__ import annotations

from typing import Any

import pytest

from layer_parity import LayerParity

IMAGE = (None, 4, 6, 3)

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("Identity", {}, IMAGE),
    ("Dropout", {"rate": 0.5, "noise_shape": (None, 1), "seed": 3}, (None, 5)),
    ("AlphaDropout", {"rate": 0.25}, IMAGE),
    ("GaussianDropout", {"rate": 0.25, "seed": 1}, IMAGE),
    ("GaussianNoise", {"stddev": 0.25}, IMAGE),
    ("SpatialDropout1D", {"rate": 0.5}, (None, 4, 3)),
    ("SpatialDropout2D", {"rate": 0.5, "data_format": "channels_first"}, IMAGE),
    ("SpatialDropout3D", {"rate": 0.5, "seed": 2}, (None, 2, 2, 2, 3)),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, IMAGE),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    pass
