"""Configs of older Keras versions."""

from __future__ import annotations

from typing import Any

import pytest

from cnnfast import layers


def test_a_convolution_of_keras_2() -> None:
    layer = layers.deserialize(
        {
            "class_name": "Conv2D",
            "config": {
                "name": "conv2d_5",
                "trainable": True,
                "batch_input_shape": [None, 32, 32, 3],
                "dtype": {"class_name": "Policy", "config": {"name": "float32"}},
                "filters": 8,
                "kernel_size": [3, 3],
                "strides": [1, 1],
                "padding": "same",
                "data_format": "channels_last",
                "dilation_rate": [1, 1],
                "groups": 1,
                "activation": "relu",
                "use_bias": True,
                "kernel_initializer": {
                    "class_name": "VarianceScaling",
                    "config": {
                        "scale": 1.0,
                        "mode": "fan_avg",
                        "distribution": "uniform",
                        "seed": None,
                        "dtype": "float32",
                    },
                },
                "bias_initializer": {"class_name": "Zeros", "config": {}},
                "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 1e-4}},
                "bias_regularizer": None,
                "activity_regularizer": None,
                "kernel_constraint": None,
                "bias_constraint": None,
            },
        }
    )
    assert layer.name == "conv2d_5"
    assert layer.get_config()["kernel_regularizer"]["config"] == {"l1": 0.0, "l2": 1e-4}


@pytest.mark.parametrize("axis", [-1, [3], {"0": 3}, (3,)])
def test_batch_normalization_of_keras_2(axis: Any) -> None:
    layer = layers.BatchNormalization.from_config(
        {"name": "bn", "axis": axis, "fused": True, "virtual_batch_size": None}
    )
    layer.build((None, 4, 4, 5))
    assert [w.shape for w in layer.weights] == [(5,)] * 4


def test_an_input_layer_of_keras_2() -> None:
    layer = layers.InputLayer.from_config(
        {
            "batch_input_shape": [None, 8, 8, 3],
            "dtype": "float32",
            "sparse": False,
            "ragged": False,
            "name": "input_1",
        }
    )
    assert layer.batch_shape == (None, 8, 8, 3)


def test_a_relu_whose_numbers_are_arrays() -> None:
    layer = layers.ReLU.from_config(
        {"name": "r", "max_value": {"type": "ndarray", "value": 6.0}, "threshold": 0.0}
    )
    assert layer.max_value == 6.0


def test_low_rank_adapters_are_dropped_because_files_hold_the_merged_kernel() -> None:
    layer = layers.Dense.from_config({"units": 3, "lora_rank": 2, "lora_alpha": 2})
    layer.build((None, 4))
    assert [w.name for w in layer.weights] == ["kernel", "bias"]


def test_unknown_regularizers_and_initializers_are_kept_for_the_config() -> None:
    own = {"module": "mine", "class_name": "Own", "config": {"a": 1}, "registered_name": "Own"}
    config = {"units": 3, "kernel_regularizer": own, "kernel_initializer": own}
    layer = layers.Dense.from_config(config)
    layer.build((None, 4))
    layer.set_weights([[[0.0] * 3] * 4, [0.0] * 3])
    assert layer.get_config()["kernel_regularizer"] == own
    assert layer.get_config()["kernel_initializer"] == own


def test_a_layer_name_reaches_the_error() -> None:
    with pytest.raises(ValueError, match="Layer 'fc' of class Dense"):
        layers.Dense.from_config({"name": "fc", "units": -1})
