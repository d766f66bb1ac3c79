"""Layers of GPTQ and AWQ: Keras 3.15 saves them without their zero points, and loads them with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError, UnsupportedError
from parity import keras
from quantized_networks import exact, outputs

L = keras.layers


def calibrated(policy: str, rng: np.random.Generator) -> Any:
    """Give a model whose quantized weights are random, as if calibration had made them."""
    dtype = f"{policy}_from_float32"
    kind, bits, size = policy.split("/")
    config = {"gptq": keras.quantizers.GPTQConfig, "awq": keras.quantizers.AWQConfig}[kind](
        None, None, weight_bits=int(bits), group_size=int(size)
    )
    inputs = keras.Input((4, 6))
    x = L.Dense(7, activation="relu", dtype=dtype)(inputs)
    x = L.EinsumDense("abc,cde->abde", (4, 2, 3), bias_axes="de", dtype=dtype)(x)
    model = keras.Model(inputs, L.EinsumDense("abcd,cde->abe", (4, 9), dtype=dtype)(x))
    for layer in model.layers[1:]:
        for weight in layer.weights:
            if weight.dtype == "uint8":
                high = 256 if weight.name == "kernel" else 16
                weight.assign(rng.integers(0, high, weight.shape).astype(np.uint8))
            elif weight.name == "g_idx":
                groups = layer.kernel_scale.shape[1]
                weight.assign(rng.uniform(0, groups - 0.01, weight.shape))  # Keras cuts them off
            else:
                weight.assign(rng.uniform(0.01, 0.1, weight.shape))
        layer.quantization_config = config
        layer.is_gptq_calibrated = layer.is_awq_calibrated = True
        layer.call = layer.call  # as calibration leaves it
    config.quantization_layer_structure = {"sequential_blocks": [model]}
    return model


@pytest.mark.parametrize("policy", ["gptq/4/3", "gptq/8/-1", "gptq/2/3", "awq/4/-1", "awq/4/3"])
def test_networks_are_those_of_keras(policy: str, tmp_path: Path, rng: np.random.Generator) -> None:
    model = calibrated(policy, rng)
    x = exact((3, 4, 6), 32)
    expected = outputs(model, x)
    ours = cnnfast.from_keras(model)
    assert model.layers[1].quantization_config.quantization_layer_structure
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), expected, rtol=0, atol=1e-6 * np.abs(expected).max()
    )
    ours.save(tmp_path / "ours.keras")
    back = keras.models.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(outputs(back, x), expected)
    again = cnnfast.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), ours.predict(x, verbose=0))
    assert [(w.path, w.dtype) for w in again.weights] == [(w.path, w.dtype) for w in back.weights]
    np.testing.assert_array_equal(np.asarray(again.layers[1].kernel), back.layers[1].kernel)


def test_what_lacks_zero_points_or_calibration_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    model = calibrated("gptq/4/3", rng)
    model.layers[1].quantization_config.quantization_layer_structure = None
    model.save(tmp_path / "keras.keras")
    with pytest.raises(ModelFileError, match=r"Keras 3.15 forgets `kernel_zero`.*from_keras"):
        cnnfast.load_model(tmp_path / "keras.keras")
    model.layers[1].is_gptq_calibrated = False
    with pytest.raises(UnsupportedError, match="calibrate what GPTQ"):
        cnnfast.from_keras(model)
