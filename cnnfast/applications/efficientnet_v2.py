"""EfficientNetV2: the first stages expand and convolve at once.

Tan and Le, https://arxiv.org/abs/2104.00298.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cnnfast import layers
from cnnfast.applications.building import Options, Pooling, Weights, titled
from cnnfast.applications.efficientnet import excited
from cnnfast.applications.imagenet_utils import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    decode_predictions,
    preprocessing,
)
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]

preprocess_input = preprocessing(None)
_TOP = 1280
_DROPOUT, _DROP_CONNECT = 0.2, 0.2
_MOMENTUM = 0.9
_SQUEEZE = 0.25


class Stage(NamedTuple):
    """Blocks of one kind; `fused` ones expand by a convolution of 3x3 and excite nothing."""

    blocks: int
    before: int
    after: int
    expansion: int
    strides: int
    fused: bool


def _table(*rows: tuple[int, int, int, int, int], fused: int) -> tuple[Stage, ...]:
    return tuple(Stage(*row, fused=number < fused) for number, row in enumerate(rows))


_B = _table(
    (1, 32, 16, 1, 1),
    (2, 16, 32, 4, 2),
    (2, 32, 48, 4, 2),
    (3, 48, 96, 4, 2),
    (5, 96, 112, 6, 1),
    (8, 112, 192, 6, 2),
    fused=3,
)
_S = _table(
    (2, 24, 24, 1, 1),
    (4, 24, 48, 4, 2),
    (4, 48, 64, 4, 2),
    (6, 64, 128, 4, 2),
    (9, 128, 160, 6, 1),
    (15, 160, 256, 6, 2),
    fused=3,
)
_M = _table(
    (3, 24, 24, 1, 1),
    (5, 24, 48, 4, 2),
    (5, 48, 80, 4, 2),
    (7, 80, 160, 4, 2),
    (14, 160, 176, 6, 1),
    (18, 176, 304, 6, 2),
    (5, 304, 512, 6, 1),
    fused=3,
)
_L = _table(
    (4, 32, 32, 1, 1),
    (7, 32, 64, 4, 2),
    (7, 64, 96, 4, 2),
    (10, 96, 192, 4, 2),
    (19, 192, 224, 6, 1),
    (25, 224, 384, 6, 2),
    (7, 384, 640, 6, 1),
    fused=3,
)


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
        include_preprocessing: bool = True,
        name: str = "",
    ) -> Model:
        """Build the network.

        Parameters and errors are those of `building.Options`, and:

        Parameters
        ----------
        include_preprocessing
            Whether images have values 0 to 255; else they must be scaled before.
        name
            Name of the model.
        """


def _named(
    title: str, default_name: str, stages: Sequence[Stage], width: float, depth: float, size: int
) -> Build:
    def build(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: OpenShape | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike = "softmax",
        include_preprocessing: bool = True,
        name: str = default_name,
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
        begin = x = options.input()
        if include_preprocessing:
            # Keras goes by the name of the model, too.
            x = _preprocessed(x, name.rsplit("-", maxsplit=1)[-1].startswith("b"))
        x = _convolution(x, _widened(stages[0].before, width), 3, "stem_conv", strides=2)
        x = _activated(_normalized(x, "stem_bn"), "stem_activation")
        x = _stages(x, stages, width, depth)
        x = _normalized(_convolution(x, _widened(_TOP, width), 1, "top_conv"), "top_bn")
        end = options.end(_activated(x, "top_activation"), dropout=_DROPOUT)
        return options.model(begin, end, name)

    made: Build = titled(build, title, __name__)
    build.__doc__ = (build.__doc__ or "") + (
        " `include_preprocessing` says whether images have values 0 to 255; else they must be "
        "scaled before."
    )
    return made


def _preprocessed(x: Any, by_channel: bool) -> Any:
    if by_channel and x.shape[-1] == 3:
        x = layers.Rescaling(1.0 / 255)(x)
        variance = [deviation**2 for deviation in IMAGENET_DEVIATION]
        return layers.Normalization(mean=list(IMAGENET_MEAN), variance=variance, axis=3)(x)
    return layers.Rescaling(1.0 / 128.0, offset=-1)(x)


def _widened(filters: int, width: float, divisor: int = 8) -> int:
    return max(divisor, int(filters * width + divisor / 2) // divisor * divisor)


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=3, momentum=_MOMENTUM, name=name)(x)


def _activated(x: Any, name: str) -> Any:
    return layers.Activation("swish", name=name)(x)


def _convolution(x: Any, filters: int, size: int, name: str, strides: int = 1) -> Any:
    return layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False, name=name)(
        x
    )


def _stages(x: Any, stages: Sequence[Stage], width: float, depth: float) -> Any:
    # Keras divides by the blocks before they are multiplied.
    number, total = 0, sum(stage.blocks for stage in stages)
    for place, stage in enumerate(stages, start=1):
        before, after = _widened(stage.before, width), _widened(stage.after, width)
        for block in range(math.ceil(depth * stage.blocks)):
            prefix = f"block{place}{chr(ord('a') + block)}"
            strides = stage.strides if block == 0 else 1
            parts = _fused if stage.fused else _separated
            y = parts(x, prefix, (before, after), stage.expansion, strides)
            if strides == 1 and before == after:
                y = _added(x, y, prefix, _DROP_CONNECT * number / total)
            x, before = y, after
            number += 1
    return x


def _fused(x: Any, prefix: str, filters: tuple[int, int], expansion: int, strides: int) -> Any:
    before, after = filters
    if expansion == 1:
        x = _convolution(x, after, 3, f"{prefix}_project_conv", strides)
        return _activated(_normalized(x, f"{prefix}_project_bn"), f"{prefix}_project_activation")
    x = _convolution(x, before * expansion, 3, f"{prefix}_expand_conv", strides)
    x = _activated(_normalized(x, f"{prefix}_expand_bn"), f"{prefix}_expand_activation")
    x = _convolution(x, after, 1, f"{prefix}_project_conv")
    return _normalized(x, f"{prefix}_project_bn")


def _separated(x: Any, prefix: str, filters: tuple[int, int], expansion: int, strides: int) -> Any:
    before, after = filters
    x = _convolution(x, before * expansion, 1, f"{prefix}_expand_conv")
    x = _activated(_normalized(x, f"{prefix}_expand_bn"), f"{prefix}_expand_activation")
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same", use_bias=False, name=f"{prefix}_dwconv2"
    )(x)
    x = _activated(_normalized(x, f"{prefix}_bn"), f"{prefix}_activation")
    x = excited(x, max(1, int(before * _SQUEEZE)), prefix)
    return _normalized(_convolution(x, after, 1, f"{prefix}_project_conv"), f"{prefix}_project_bn")


def _added(x: Any, y: Any, prefix: str, rate: float) -> Any:
    if rate:
        y = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{prefix}_drop")(y)
    return layers.Add(name=f"{prefix}_add")([y, x])


EfficientNetV2B0 = _named("EfficientNetV2B0", "efficientnetv2-b0", _B, 1.0, 1.0, 224)
EfficientNetV2B1 = _named("EfficientNetV2B1", "efficientnetv2-b1", _B, 1.0, 1.1, 240)
EfficientNetV2B2 = _named("EfficientNetV2B2", "efficientnetv2-b2", _B, 1.1, 1.2, 260)
EfficientNetV2B3 = _named("EfficientNetV2B3", "efficientnetv2-b3", _B, 1.2, 1.4, 300)
EfficientNetV2S = _named("EfficientNetV2S", "efficientnetv2-s", _S, 1.0, 1.0, 384)
EfficientNetV2M = _named("EfficientNetV2M", "efficientnetv2-m", _M, 1.0, 1.0, 480)
EfficientNetV2L = _named("EfficientNetV2L", "efficientnetv2-l", _L, 1.0, 1.0, 480)
