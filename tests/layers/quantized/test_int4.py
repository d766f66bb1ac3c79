"""Layers that Keras quantized to int4: per channel, in blocks, and with quantized inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from parity import keras
from quantized_networks import assert_roads, attention, cnn, products, randomized, words

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
Q = keras.quantizers
BLOCKS = Q.Int4QuantizationConfig(block_size=3)
CHANNELS = Q.Int4QuantizationConfig(block_size=None)
INPUTS = Q.Int4QuantizationConfig(block_size=-1, activation_quantizer=Q.AbsMaxQuantizer())


@pytest.mark.parametrize(
    ("make", "config"),
    [
        *((cnn, config) for config in (BLOCKS, CHANNELS, INPUTS)),
        *((products, config) for config in (BLOCKS, INPUTS)),
        *((words, config) for config in (BLOCKS, CHANNELS)),
        (attention, BLOCKS),
    ],
)
def test_networks_are_those_of_keras(make: Any, config: Any, tmp_path: Path) -> None:
    model, x = make()
    randomized(model).quantize(config=config)
    assert_roads(model, x, tmp_path, step=0.02 if make is products else 0.0)


def test_a_kernel_is_shown_as_the_integers_that_are_packed_in_it() -> None:
    for config in (BLOCKS, CHANNELS):
        model, _ = cnn()
        randomized(model).quantize(config=config)
        theirs, ours = (m.get_layer("hidden") for m in (model, cnnfast.from_keras(model)))
        np.testing.assert_array_equal(ours.kernel, np.asarray(theirs.kernel))
        assert ours.kernel_scale.shape == tuple(theirs.kernel_scale.shape)


def test_a_group_that_is_none_is_refused() -> None:
    layer = layers.Dense(3, dtype="int4/2_from_float32", name="head")
    layer.build((None, 4))
    layer.g_idx.assign([0, 0, 1, 2])
    with pytest.raises(ValueError, match=r"'head'.*`g_idx`.*from 0 to 1. Received: 0.0 to 2.0"):
        layer(np.ones((1, 4)))
    rows = layers.Embedding(3, 4, dtype="int4/2_from_float32", name="rows")
    rows.build((None,))
    rows.g_idx.assign([0, 0, 1, np.nan])
    with pytest.raises(ValueError, match=r"'rows'.*`g_idx`"):
        rows(np.ones((1, 4)))
