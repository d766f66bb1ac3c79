"""MobileNet: depthwise convolutions and convolutions of one pixel.

Howard and others, https://arxiv.org/abs/1704.04861.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast import layers
from cnnfast.applications.building import Options, Pooling, Weights
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

# Filters and stride of each block (table 1 of the paper).
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
_PUBLISHED_SIZES = (128, 160, 192, 224)
_PUBLISHED_ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}
preprocess_input = preprocessing("tf")


def MobileNet(  # noqa: N802 - Keras' name
    input_shape: OpenShape | None = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 0.001,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike = "softmax",
    name: str | None = None,
) -> Model:
    """Build MobileNet, for images that went through `preprocess_input`.

    Parameters and errors are those of `building.Options`, and:

    Parameters
    ----------
    alpha
        Width of the network: all filters are multiplied by it.
    depth_multiplier
        Of the depthwise convolutions.
    dropout
        Of the head, in training.
    name
        Name of the model; made from `alpha` and the height where None.
    """
    rows = None if input_shape is None else input_shape[0]
    if include_top and input_shape is None:
        rows = 224
    options = Options(
        "MobileNet",
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        _file(alpha, rows, include_top),
    )
    begin = options.input()
    x = layers.Conv2D(int(32 * alpha), 3, padding="same", use_bias=False, strides=2, name="conv1")(
        begin
    )
    x = layers.BatchNormalization(axis=-1, name="conv1_bn")(x)
    x = layers.ReLU(6.0, name="conv1_relu")(x)
    for number, (filters, strides) in enumerate(BLOCKS, start=1):
        x = _block(x, int(filters * alpha), depth_multiplier, strides, number)
    x = _head(x, options, dropout) if include_top else options.pooled(x, named=False)
    return options.model(begin, x, name or f"mobilenet_{alpha:0.2f}_{rows}")


def _file(alpha: float, rows: int | None, include_top: bool) -> str:
    size = rows if rows in _PUBLISHED_SIZES else 224
    width = _PUBLISHED_ALPHAS.get(alpha, f"{alpha}, which is not published,")
    return f"mobilenet_{width}_{size}_tf{'' if include_top else '_no_top'}.h5"


def _activated(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(axis=-1, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _block(x: Any, filters: int, depth_multiplier: int, strides: int, number: int) -> Any:
    if strides != 1:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    name = f"conv_dw_{number}"
    x = layers.DepthwiseConv2D(
        3,
        padding="same" if strides == 1 else "valid",
        depth_multiplier=depth_multiplier,
        strides=strides,
        use_bias=False,
        name=name,
    )(x)
    x = _activated(x, name)
    name = f"conv_pw_{number}"
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=name)(x)
    return _activated(x, name)


def _head(x: Any, options: Options, dropout: float) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Conv2D(options.classes, 1, padding="same", name="conv_preds")(x)
    x = layers.Reshape((options.classes,), name="reshape_2")(x)
    return layers.Activation(options.classifier_activation, name="predictions")(x)
