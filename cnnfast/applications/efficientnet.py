"""EfficientNetB0: inverted residual blocks with squeeze and excitation.

Tan and Le, https://arxiv.org/abs/1905.11946.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cnnfast import layers
from cnnfast.applications.building import Options, Pooling, Weights, halving_pads
from cnnfast.applications.imagenet_utils import (
    IMAGENET_DEVIATION,
    decode_predictions,
    preprocessing,
)
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = ["EfficientNetB0", "decode_predictions", "preprocess_input"]

# Expansion, kernel size, filters, blocks and stride of each stage (table 1 of the paper).
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
_STEM, _TOP = 32, 1280
_SQUEEZE = 4
_DROPOUT, _DROP_CONNECT = 0.2, 0.2
preprocess_input = preprocessing(None)


def EfficientNetB0(  # noqa: N802 - Keras' name
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    input_shape: OpenShape | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike = "softmax",
    name: str = "efficientnetb0",
    imagenet_scaling: bool = False,
) -> Model:
    """Build EfficientNetB0, for images with values 0 to 255.

    Parameters and errors are those of `building.Options`, and:

    Parameters
    ----------
    imagenet_scaling
        Whether to divide by the deviation of ImageNet once more, as the weights that Keras
        publishes need it. Keras adds this layer for weights="imagenet" and for nothing
        else.
    name
        Name of the model.
    """
    options = Options(
        "EfficientNetB0",
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
    )
    begin = options.input()
    x = _stem(begin, imagenet_scaling)
    number, total = 0, sum(blocks for *_, blocks, _ in STAGES)
    for stage, (expansion, size, filters, blocks, first_stride) in enumerate(STAGES, start=1):
        for block in range(blocks):
            strides = first_stride if block == 0 else 1
            prefix = f"block{stage}{chr(ord('a') + block)}"
            rate = _DROP_CONNECT * number / total
            x = _block(x, prefix, expansion, size, filters, strides, rate)
            number += 1
    x = _activated(_convolution(x, _TOP, 1, "top", padding="same"), "top_activation")
    return options.model(begin, options.end(x, dropout=_DROPOUT), name)


def _stem(x: Any, imagenet_scaling: bool) -> Any:
    x = layers.Rescaling(1.0 / 255.0)(x)
    x = layers.Normalization(axis=3)(x)
    if imagenet_scaling:
        x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in IMAGENET_DEVIATION])(x)
    x = layers.ZeroPadding2D(halving_pads(x, 3), name="stem_conv_pad")(x)
    return _activated(_convolution(x, _STEM, 3, "stem", strides=2), "stem_activation")


def _activated(x: Any, name: str) -> Any:
    return layers.Activation("swish", name=name)(x)


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=3, name=name)(x)


def _convolution(x: Any, filters: int, size: int, name: str, **kwargs: Any) -> Any:
    x = layers.Conv2D(filters, size, use_bias=False, name=f"{name}_conv", **kwargs)(x)
    return _normalized(x, f"{name}_bn")


def _block(
    x: Any, prefix: str, expansion: int, size: int, filters: int, strides: int, rate: float
) -> Any:
    channels = x.shape[-1]
    y = x
    if expansion != 1:
        y = _convolution(y, expansion * channels, 1, f"{prefix}_expand", padding="same")
        y = _activated(y, f"{prefix}_expand_activation")
    if strides == 2:
        y = layers.ZeroPadding2D(halving_pads(y, size), name=f"{prefix}_dwconv_pad")(y)
    y = layers.DepthwiseConv2D(
        size,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        name=f"{prefix}_dwconv",
    )(y)
    y = _activated(_normalized(y, f"{prefix}_bn"), f"{prefix}_activation")
    y = _excited(y, max(1, channels // _SQUEEZE), prefix)
    y = _convolution(y, filters, 1, f"{prefix}_project", padding="same")
    if channels != filters or strides != 1:
        return y
    if rate > 0:
        y = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{prefix}_drop")(y)
    return layers.Add(name=f"{prefix}_add")([y, x])


def _excited(x: Any, squeezed: int, prefix: str) -> Any:
    """Multiply each channel by a number that is computed from the averages of all."""
    channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(name=f"{prefix}_se_squeeze")(x)
    y = layers.Reshape((1, 1, channels), name=f"{prefix}_se_reshape")(y)
    y = layers.Conv2D(squeezed, 1, padding="same", activation="swish", name=f"{prefix}_se_reduce")(
        y
    )
    y = layers.Conv2D(
        channels, 1, padding="same", activation="sigmoid", name=f"{prefix}_se_expand"
    )(y)
    return layers.Multiply(name=f"{prefix}_se_excite")([x, y])
