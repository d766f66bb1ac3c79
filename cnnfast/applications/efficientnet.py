"""EfficientNet: inverted residual blocks with squeeze and excitation, in eight sizes.

Tan and Le, https://arxiv.org/abs/1905.11946.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from cnnfast import layers
from cnnfast.applications.building import (
    Options,
    Pooling,
    Weights,
    halving_pads,
    rounded,
    titled,
)
from cnnfast.applications.imagenet_utils import (
    IMAGENET_DEVIATION,
    decode_predictions,
    preprocessing,
)
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]

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
_DROP_CONNECT = 0.2
preprocess_input = preprocessing(None)


class Build(Protocol):
    """A function that builds a network of this family."""

    def __call__(
        self,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: OpenShape | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike = "softmax",
        name: str = "",
        imagenet_scaling: bool = False,
    ) -> Model:
        """Build the network, for images with values 0 to 255.

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


def _named(title: str, width: float, depth: float, size: int, dropout: float) -> Build:
    default_name = title.lower()

    def build(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: OpenShape | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike = "softmax",
        name: str = default_name,
        imagenet_scaling: bool = False,
    ) -> Model:
        options = Options(
            title,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            f"{name}{'' if include_top else '_notop'}.h5",
            size,
        )
        begin = options.input()
        x = _stem(begin, imagenet_scaling or options.published, rounded(width * _STEM))
        x = _stages(x, lambda filters: rounded(width * filters), depth)
        top = _convolution(x, rounded(width * _TOP), 1, "top", padding="same")
        end = options.end(_activated(top, "top_activation"), dropout=dropout)
        return options.model(begin, end, name)

    made: Build = titled(build, title, __name__)
    build.__doc__ = (build.__doc__ or "") + (
        " `imagenet_scaling` divides by the deviation of ImageNet once more, as the weights that "
        'Keras publishes need it; so does weights="imagenet".'
    )
    return made


def _stages(x: Any, widened: Callable[[int], int], depth: float) -> Any:
    # Keras divides by the number of blocks of all stages.
    counts = [math.ceil(depth * blocks) for *_, blocks, _ in STAGES]
    number, total = 0, sum(counts)
    before = widened(_STEM)
    for stage, (expansion, size, filters, _, first_stride) in enumerate(STAGES, start=1):
        for block in range(counts[stage - 1]):
            strides = first_stride if block == 0 else 1
            prefix = f"block{stage}{chr(ord('a') + block)}"
            rate = _DROP_CONNECT * number / total
            x = _block(x, prefix, expansion, size, (before, widened(filters)), strides, rate)
            before = widened(filters)
            number += 1
    return x


def _stem(x: Any, imagenet_scaling: bool, filters: int) -> Any:
    x = layers.Rescaling(1.0 / 255.0)(x)
    x = layers.Normalization(axis=3)(x)
    if imagenet_scaling:
        x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in IMAGENET_DEVIATION])(x)
    x = layers.ZeroPadding2D(halving_pads(x, 3), name="stem_conv_pad")(x)
    return _activated(_convolution(x, filters, 3, "stem", strides=2), "stem_activation")


def _activated(x: Any, name: str) -> Any:
    return layers.Activation("swish", name=name)(x)


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=3, name=name)(x)


def _convolution(x: Any, filters: int, size: int, name: str, **kwargs: Any) -> Any:
    x = layers.Conv2D(filters, size, use_bias=False, name=f"{name}_conv", **kwargs)(x)
    return _normalized(x, f"{name}_bn")


def _block(
    x: Any,
    prefix: str,
    expansion: int,
    size: int,
    filters: tuple[int, int],
    strides: int,
    rate: float,
) -> Any:
    before, after = filters
    y = x
    if expansion != 1:
        y = _convolution(y, expansion * before, 1, f"{prefix}_expand", padding="same")
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
    y = excited(y, max(1, before // _SQUEEZE), prefix)
    y = _convolution(y, after, 1, f"{prefix}_project", padding="same")
    if before != after or strides != 1:
        return y
    if rate > 0:
        y = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{prefix}_drop")(y)
    return layers.Add(name=f"{prefix}_add")([y, x])


def excited(x: Any, squeezed: int, prefix: str) -> Any:
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


# Width, depth, size of images and dropout (the paper's compound scaling).
EfficientNetB0 = _named("EfficientNetB0", 1.0, 1.0, 224, 0.2)
EfficientNetB1 = _named("EfficientNetB1", 1.0, 1.1, 240, 0.2)
EfficientNetB2 = _named("EfficientNetB2", 1.1, 1.2, 260, 0.3)
EfficientNetB3 = _named("EfficientNetB3", 1.2, 1.4, 300, 0.3)
EfficientNetB4 = _named("EfficientNetB4", 1.4, 1.8, 380, 0.4)
EfficientNetB5 = _named("EfficientNetB5", 1.6, 2.2, 456, 0.4)
EfficientNetB6 = _named("EfficientNetB6", 1.8, 2.6, 528, 0.5)
EfficientNetB7 = _named("EfficientNetB7", 2.0, 3.1, 600, 0.5)
