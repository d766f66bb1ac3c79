"""A quantization as data: written, read, and what strangers may write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cnnfast.engine.quantized.quantization import Quantization, is_of
from cnnfast.errors import ModelFileError

GOOD = Quantization({"input": (0.0, 1.0), "conv: Conv2D": (-1.5, 2.0)}, ("dense",), "mse", 3, "ab")


def test_what_is_written_is_read():
    assert Quantization.from_config(json.loads(json.dumps(GOOD.get_config()))) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"ranges": None},
        {"ranges": {"input": [0]}},
        {"ranges": {"input": [1, 0]}},
        {"ranges": {"input": [0, float("inf")]}},
        {"ranges": {"input": [float("nan"), 1]}},
        {"ranges": {"input": ["0", 1]}},
        {"ranges": {"input": [True, 1]}},
        {"kept": "dense"},
        {"kept": [1]},
        {"method": 1},
        {"images": "3"},
        {"images": True},
        {"weights_sha256": None},
    ],
)
def test_what_is_not_that_is_refused(change: dict[str, Any]):
    with pytest.raises(ModelFileError, match="Received"):
        Quantization.from_config(GOOD.get_config() | change)


@pytest.mark.parametrize("config", [None, [], "text", 3])
def test_other_data_is_refused(config: Any):
    with pytest.raises(ModelFileError, match="format"):
        Quantization.from_config(config)


def test_a_name_is_that_of_a_layer_or_of_the_model_it_is_in():
    assert is_of("conv", "conv")
    assert is_of("inner", "inner/conv")
    assert not is_of("con", "conv")
