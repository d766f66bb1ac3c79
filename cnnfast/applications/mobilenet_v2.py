"""MobileNetV2: inverted residual blocks; expand, depthwise convolution, project.

Sandler and others, https://arxiv.org/abs/1801.04381.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast import layers
from cnnfast.applications.building import Options, Pooling, Weights, halving_pads, rounded
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

# Expansion, filters, blocks and stride of each stage (table 2 of the paper).
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_LAST_FILTERS = 1280
preprocess_input = preprocessing("tf")


def MobileNetV2(  # noqa: N802 - Keras' name
    input_shape: OpenShape | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike = "softmax",
    name: str | None = None,
) -> Model:
    """Build MobileNetV2, for images that went through `preprocess_input`.

    Parameters and errors are those of `building.Options`, and:

    Parameters
    ----------
    alpha
        Width of the network: all filters are multiplied by it.
    name
        Name of the model; made from `alpha` and the height where None.
    """
    options = Options(
        "MobileNetV2",
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        _file(alpha, input_shape, include_top),
    )
    begin = options.input()
    x = _convolution(begin, rounded(32 * alpha), "Conv1", 3, strides=2, padding="same")
    x = layers.ReLU(6.0, name="Conv1_relu")(x)
    number = 0
    for expansion, filters, blocks, first_stride in STAGES:
        for block in range(blocks):
            strides = first_stride if block == 0 else 1
            x = _block(x, rounded(filters * alpha), strides, expansion, number)
            number += 1
    last = rounded(_LAST_FILTERS * alpha) if alpha > 1 else _LAST_FILTERS
    x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
    x = _normalized(x, "Conv_1_bn")
    x = layers.ReLU(6.0, name="out_relu")(x)
    x = options.end(x, named=False)
    return options.model(begin, x, name or f"mobilenetv2_{alpha:0.2f}_{begin.shape[1]}")


def _file(alpha: float, input_shape: OpenShape | None, include_top: bool) -> str:
    rows = 224 if input_shape is None else input_shape[0]
    ending = "" if include_top else "_no_top"
    return f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{rows}{ending}.h5"


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(momentum=0.999, name=name)(x)


def _convolution(x: Any, filters: int, name: str, size: int = 1, **kwargs: Any) -> Any:
    x = layers.Conv2D(filters, size, use_bias=False, name=name, **kwargs)(x)
    return _normalized(x, f"bn_{name}")


def _block(x: Any, filters: int, strides: int, expansion: int, number: int) -> Any:
    prefix = f"block_{number}" if number else "expanded_conv"
    channels = x.shape[-1]
    y = x
    if number:
        y = layers.Conv2D(
            expansion * channels, 1, padding="same", use_bias=False, name=f"{prefix}_expand"
        )(y)
        y = _normalized(y, f"{prefix}_expand_BN")
        y = layers.ReLU(6.0, name=f"{prefix}_expand_relu")(y)
    if strides == 2:
        y = layers.ZeroPadding2D(halving_pads(y, 3), name=f"{prefix}_pad")(y)
    y = layers.DepthwiseConv2D(
        3,
        strides=strides,
        use_bias=False,
        padding="same" if strides == 1 else "valid",
        name=f"{prefix}_depthwise",
    )(y)
    y = _normalized(y, f"{prefix}_depthwise_BN")
    y = layers.ReLU(6.0, name=f"{prefix}_depthwise_relu")(y)
    y = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}_project")(y)
    y = _normalized(y, f"{prefix}_project_BN")
    return layers.Add(name=f"{prefix}_add")([x, y]) if channels == filters and strides == 1 else y
