"""MobileNetV3: inverted residual blocks, some of them with squeeze and excitation.

Howard and others, https://arxiv.org/abs/1905.02244.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from cnnfast import layers
from cnnfast.applications.building import Options, Pooling, Weights, halving_pads, rounded
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

# Expansion, filters, whether the kernel is large, stride, whether channels are excited, and whether
# the activation is the hard swish (tables 1 and 2 of the paper).
Row: TypeAlias = "tuple[float, int, bool, int, bool, bool]"
_SMALL: Sequence[Row] = (
    (1, 16, False, 2, True, False),
    (72.0 / 16, 24, False, 2, False, False),
    (88.0 / 24, 24, False, 1, False, False),
    (4, 40, True, 2, True, True),
    (6, 40, True, 1, True, True),
    (6, 40, True, 1, True, True),
    (3, 48, True, 1, True, True),
    (3, 48, True, 1, True, True),
    (6, 96, True, 2, True, True),
    (6, 96, True, 1, True, True),
    (6, 96, True, 1, True, True),
)
_LARGE: Sequence[Row] = (
    (1, 16, False, 1, False, False),
    (4, 24, False, 2, False, False),
    (3, 24, False, 1, False, False),
    (3, 40, True, 2, True, False),
    (3, 40, True, 1, True, False),
    (3, 40, True, 1, True, False),
    (6, 80, False, 2, False, True),
    (2.5, 80, False, 1, False, True),
    (2.3, 80, False, 1, False, True),
    (2.3, 80, False, 1, False, True),
    (6, 112, False, 1, True, True),
    (6, 112, False, 1, True, True),
    (6, 160, True, 2, True, True),
    (6, 160, True, 1, True, True),
    (6, 160, True, 1, True, True),
)
_SQUEEZE = 0.25
_MOMENTUM = 0.999
_EPSILON = 1e-3
preprocess_input = preprocessing(None)


def MobileNetV3Small(  # noqa: N802 - Keras' name
    input_shape: OpenShape | None = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    classes: int = 1000,
    pooling: Pooling = None,
    dropout_rate: float = 0.2,
    classifier_activation: ActivationLike = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Small",
) -> Model:
    """Build the small MobileNetV3; see `MobileNetV3Large`."""
    options = _options(
        "small",
        (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation),
        alpha,
        minimalistic,
    )
    return _built(
        options, _SMALL, 1024, alpha, minimalistic, dropout_rate, include_preprocessing, name
    )


def MobileNetV3Large(  # noqa: N802 - Keras' name
    input_shape: OpenShape | None = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    classes: int = 1000,
    pooling: Pooling = None,
    dropout_rate: float = 0.2,
    classifier_activation: ActivationLike = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Large",
) -> Model:
    """Build the large MobileNetV3; images of any size also where it classifies.

    Parameters and errors are those of `building.Options`, and:

    Parameters
    ----------
    alpha
        Width of the network: all filters are multiplied by it.
    minimalistic
        Whether kernels are small, nothing is excited and all activations are ReLU.
    dropout_rate
        Of the head, in training.
    include_preprocessing
        Whether images have values 0 to 255; else -1 to 1.
    name
        Name of the model.
    """
    options = _options(
        "large",
        (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation),
        alpha,
        minimalistic,
    )
    return _built(
        options, _LARGE, 1280, alpha, minimalistic, dropout_rate, include_preprocessing, name
    )


def _options(kind: str, given: tuple[Any, ...], alpha: float, minimalistic: bool) -> Options:
    include_top, weights, input_tensor, input_shape, pooling, classes, activation = given
    ending = "" if include_top else "_no_top_v2"
    small = "_minimalistic" if minimalistic else ""
    return Options(
        f"MobileNetV3{kind.capitalize()}",
        include_top,
        weights,
        input_tensor,
        (None, None, 3) if input_shape is None else input_shape,
        pooling,
        classes,
        activation,
        file=f"weights_mobilenet_v3_{kind}{small}_224_{alpha}_float{ending}.h5",
        any_size=True,
    )


def _built(
    options: Options,
    rows: Sequence[Row],
    last: int,
    alpha: float,
    minimalistic: bool,
    dropout: float,
    include_preprocessing: bool,
    name: str,
) -> Model:
    begin = x = options.input()
    swish = _relu if minimalistic else _hard_swish
    if include_preprocessing:
        x = layers.Rescaling(1.0 / 127.5, offset=-1.0)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = swish(_normalized(x, "conv_bn"))
    for number, (expansion, filters, large, strides, excite, hard) in enumerate(rows):
        x = _block(
            x,
            expansion,
            rounded(filters * alpha),
            5 if large and not minimalistic else 3,
            strides,
            excite and not minimalistic,
            swish if hard else _relu,
            number,
        )
    wide = rounded(x.shape[-1] * 6)
    x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name="conv_1")(x)
    x = swish(_normalized(x, "conv_1_bn"))
    if options.include_top:
        x = _head(x, options, rounded(last * alpha) if alpha > 1.0 else last, swish, dropout)
    else:
        x = options.pooled(x)
    return options.model(begin, x, name)


def _head(
    x: Any, options: Options, filters: int, swish: Callable[[Any], Any], dropout: float
) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = swish(layers.Conv2D(filters, 1, padding="same", name="conv_2")(x))
    if dropout > 0:
        x = layers.Dropout(dropout)(x)
    x = layers.Conv2D(options.classes, 1, padding="same", name="logits")(x)
    return layers.Activation(options.classifier_activation, name="predictions")(layers.Flatten()(x))


def _relu(x: Any) -> Any:
    return layers.ReLU()(x)


def _hard_swish(x: Any) -> Any:
    return layers.Activation("hard_swish")(x)


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=-1, epsilon=_EPSILON, momentum=_MOMENTUM, name=name)(x)


def _excited(x: Any, filters: int, prefix: str) -> Any:
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}_avg_pool")(x)
    y = layers.Conv2D(rounded(filters * _SQUEEZE), 1, padding="same", name=f"{prefix}_conv")(y)
    y = layers.ReLU(name=f"{prefix}_relu")(y)
    y = layers.Conv2D(filters, 1, padding="same", name=f"{prefix}_conv_1")(y)
    y = layers.ReLU(6.0)(y + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{prefix}_mul")([x, y])


def _block(
    x: Any,
    expansion: float,
    filters: int,
    size: int,
    strides: int,
    excite: bool,
    activation: Callable[[Any], Any],
    number: int,
) -> Any:
    channels = x.shape[-1]
    wide = rounded(channels * expansion)
    prefix = f"expanded_conv_{number}" if number else "expanded_conv"
    y = x
    if number:
        y = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{prefix}_expand")(y)
        y = activation(_normalized(y, f"{prefix}_expand_bn"))
    if strides == 2:
        y = layers.ZeroPadding2D(halving_pads(y, size), name=f"{prefix}_depthwise_pad")(y)
    y = layers.DepthwiseConv2D(
        size,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        name=f"{prefix}_depthwise",
    )(y)
    y = activation(_normalized(y, f"{prefix}_depthwise_bn"))
    if excite:
        y = _excited(y, wide, f"{prefix}_squeeze_excite")
    y = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}_project")(y)
    y = _normalized(y, f"{prefix}_project_bn")
    if strides == 1 and channels == filters:
        return layers.Add(name=f"{prefix}_add")([x, y])
    return y
