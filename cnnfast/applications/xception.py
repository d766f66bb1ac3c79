"""Xception: separable convolutions, with shortcuts around each two or three.

Chollet, https://arxiv.org/abs/1610.02357.
"""

from __future__ import annotations

from typing import Any

from cnnfast import layers
from cnnfast.applications.building import Options, builder
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

_MIDDLE = 8  # blocks of 728 filters
preprocess_input = preprocessing("tf")


def _relu(x: Any, name: str) -> Any:
    return layers.Activation("relu", name=f"{name}_act")(x)


def _convolution(x: Any, filters: int, name: str, **kwargs: Any) -> Any:
    x = layers.Conv2D(filters, 3, use_bias=False, name=name, **kwargs)(x)
    return _relu(layers.BatchNormalization(axis=-1, name=f"{name}_bn")(x), name)


def _separable(x: Any, filters: int, name: str) -> Any:
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(axis=-1, name=f"{name}_bn")(x)


def _halved(x: Any, first: int, second: int, name: str, *, activated: bool = True) -> Any:
    """Two separable convolutions at half the size, beside a convolution of one pixel."""
    shortcut = layers.Conv2D(second, 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = layers.BatchNormalization(axis=-1)(shortcut)
    y = _relu(x, f"{name}_sepconv1") if activated else x
    y = _separable(y, first, f"{name}_sepconv1")
    y = _separable(_relu(y, f"{name}_sepconv2"), second, f"{name}_sepconv2")
    y = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(y)
    return layers.add([y, shortcut])


def _draw(options: Options, x: Any) -> Any:
    x = _convolution(x, 32, "block1_conv1", strides=2)
    x = _convolution(x, 64, "block1_conv2")
    x = _halved(x, 128, 128, "block2", activated=False)
    x = _halved(x, 256, 256, "block3")
    x = _halved(x, 728, 728, "block4")
    for block in range(5, 5 + _MIDDLE):
        y = x
        for part in (1, 2, 3):
            name = f"block{block}_sepconv{part}"
            y = _separable(_relu(y, name), 728, name)
        x = layers.add([y, x])
    x = _halved(x, 728, 1024, "block13")
    for part, filters in ((1, 1536), (2, 2048)):
        name = f"block14_sepconv{part}"
        x = _relu(_separable(x, filters, name), name)
    return options.end(x) if options.include_top else options.pooled(x, named=False)


Xception = builder(
    "Xception",
    "xception",
    _draw,
    "xception_weights_tf_dim_ordering_tf_kernels%s.h5",
    default_size=299,
    smallest=71,
)
