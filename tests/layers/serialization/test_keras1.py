"""Layers as the files of Keras 1 and 2 spell them, also where Keras 3 refuses them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError

KERAS_1_CONVOLUTION: dict[str, Any] = {
    "name": "convolution2d_1",
    "trainable": True,
    "batch_input_shape": [None, 3, 8, 8],
    "input_dtype": "float32",
    "nb_filter": 4,
    "nb_row": 3,
    "nb_col": 2,
    "border_mode": "same",
    "subsample": [2, 2],
    "dim_ordering": "th",
    "init": "glorot_uniform",
    "activation": "relu",
    "bias": True,
    "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 5e-4},
    "b_regularizer": None,
    "activity_regularizer": None,
    "W_constraint": {"name": "MaxNorm", "m": 2, "axis": 0},
    "b_constraint": None,
}


def make(class_name: str, **config: Any) -> Any:
    return layers.deserialize({"class_name": class_name, "config": {"name": "layer", **config}})


def test_a_convolution_of_keras_1() -> None:
    layer = make("Convolution2D", **KERAS_1_CONVOLUTION)
    assert type(layer) is layers.Conv2D
    config = layer.get_config()
    assert (config["filters"], config["kernel_size"]) == (4, (3, 2))
    assert (config["strides"], config["padding"]) == ((2, 2), "same")
    assert config["data_format"] == "channels_first"
    assert config["kernel_regularizer"]["config"] == {"l1": 0.0, "l2": 5e-4}
    assert layer(np.zeros((1, 3, 8, 8), np.float32)).shape == (1, 4, 4, 4)


def test_a_dilated_convolution_of_keras_1() -> None:
    layer = make(
        "AtrousConvolution2D",
        nb_filter=2,
        nb_row=3,
        nb_col=3,
        atrous_rate=[2, 2],
        dim_ordering="tf",
    )
    assert layer.compute_output_shape((None, 9, 9, 1)) == (None, 5, 5, 2)


def test_a_convolution_over_steps_of_keras_1() -> None:
    layer = make(
        "Convolution1D", nb_filter=2, filter_length=3, subsample_length=2, input_length=None
    )
    assert layer.compute_output_shape((None, 9, 4)) == (None, 4, 2)


def test_a_separable_convolution_of_keras_1() -> None:
    layer = make(
        "SeparableConvolution2D", nb_filter=2, nb_row=3, nb_col=3, depthwise_init="uniform"
    )
    assert type(layer) is layers.SeparableConv2D
    assert type(layer.depthwise_initializer).__name__ == "RandomUniform"


def test_poolings_of_keras_1() -> None:
    layer = make("MaxPooling1D", pool_length=3, stride=2, border_mode="same")
    assert (layer.pool_size, layer.strides, layer.padding) == ((3,), (2,), "same")
    layer = make("AveragePooling2D", pool_size=[2, 2], strides=[2, 2], dim_ordering="th")
    assert layer.data_format == "channels_first"
    layer = make("GlobalAveragePooling2D", dim_ordering="default")
    assert layer.data_format == "channels_last"


def test_a_parametric_relu_of_keras_1() -> None:
    layer = make("PReLU", init="one", weights=None, shared_axes=None)
    assert type(layer.alpha_initializer).__name__ == "Ones"


def test_a_depthwise_convolution_of_keras_2() -> None:
    layer = make("DepthwiseConv2D", kernel_size=[3, 3], depth_multiplier=1, groups=1)
    assert type(layer) is layers.DepthwiseConv2D


def test_a_separable_convolution_of_keras_2_also_names_a_kernel_that_it_does_not_have() -> None:
    zeros = {"class_name": "Zeros", "config": {}}
    layer = make(
        "SeparableConv2D",
        filters=2,
        kernel_size=[3, 3],
        groups=1,
        kernel_initializer=zeros,
        kernel_regularizer=None,
        kernel_constraint=None,
    )
    assert "kernel_initializer" not in layer.get_config()


def test_a_transposed_convolution_of_keras_2() -> None:
    layer = make("Conv2DTranspose", filters=2, kernel_size=[2, 2], groups=1, output_padding=None)
    assert layer.compute_output_shape((None, 3, 3, 1)) == (None, 4, 4, 2)


def test_a_convolutional_lstm_of_keras_2() -> None:
    layer = layers.deserialize(
        {
            "class_name": "ConvLSTM2D",
            "config": {
                "name": "conv_lstm2d",
                "trainable": True,
                "batch_input_shape": [None, 5, 9, 9, 2],
                "dtype": "float32",
                "return_sequences": True,
                "return_state": False,
                "go_backwards": False,
                "stateful": False,
                "unroll": False,
                "time_major": False,
                "filters": 4,
                "kernel_size": [3, 3],
                "strides": [1, 1],
                "padding": "same",
                "data_format": "channels_last",
                "dilation_rate": [1, 1],
                "activation": "tanh",
                "recurrent_activation": "hard_sigmoid",
                "use_bias": True,
                "unit_forget_bias": True,
                "dropout": 0.0,
                "recurrent_dropout": 0.0,
            },
        }
    )
    layer.build((None, 5, 9, 9, 2))
    assert [w.shape for w in layer.weights] == [(3, 3, 2, 16), (3, 3, 4, 16), (16,)]
    assert layer.compute_output_shape((None, 5, 9, 9, 2)) == (None, 5, 9, 9, 4)


@pytest.mark.parametrize("axis", [-1, [3], {"0": 3}])
def test_layer_normalization_of_keras_2(axis: Any) -> None:
    layer = make("LayerNormalization", axis=axis)
    layer.build((None, 2, 2, 5))
    assert [w.shape for w in layer.weights] == [(5,), (5,)]


@pytest.mark.parametrize(
    "name", ["SyncBatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2"]
)
def test_names_that_batch_normalization_had(name: str) -> None:
    layer = make(name, axis=[3], fused=None, momentum=0.99)
    assert type(layer) is layers.BatchNormalization


def test_batch_normalization_of_keras_1() -> None:
    layer = make("BatchNormalization", mode=0, axis=1, gamma_init="one", beta_init="zero")
    assert (layer.axis, type(layer.gamma_initializer).__name__) == (1, "Ones")
    with pytest.raises(UnsupportedError, match="must be of mode 0"):
        make("BatchNormalization", mode=1)


def test_a_dense_layer_of_keras_1() -> None:
    layer = make("Dense", output_dim=3, init="uniform", bias=False, input_dim=None)
    assert (layer.units, layer.use_bias) == (3, False)


def test_dropout_of_keras_1() -> None:
    assert make("Dropout", p=0.25).rate == 0.25


def test_layers_that_only_say_where_the_channels_are_in_keras_1() -> None:
    for name in ("ZeroPadding2D", "UpSampling2D", "Cropping2D"):
        assert make(name, dim_ordering="th").data_format == "channels_first"
