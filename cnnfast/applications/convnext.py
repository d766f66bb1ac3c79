"""ConvNeXt: depthwise convolutions of 7x7, layer normalization, and two dense layers.

Liu and others, https://arxiv.org/abs/2201.03545.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cnnfast import layers
from cnnfast.applications.building import Options, Pooling, Weights, titled
from cnnfast.applications.imagenet_utils import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    decode_predictions,
    preprocessing,
)
from cnnfast.layers.merging.residual import LayerScale
from cnnfast.models import Model, Sequential
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]

preprocess_input = preprocessing(None)
_EPSILON = 1e-6
_SCALE = 1e-6
_EXPANSION = 4
_TINY, _DEEP = (3, 3, 9, 3), (3, 3, 27, 3)


class Build(Protocol):
    """A function that builds a network of this family."""

    def __call__(
        self,
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: OpenShape | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike = "softmax",
        name: str = "",
    ) -> Model:
        """Build the network.

        Parameters and errors are those of `building.Options`, and:

        Parameters
        ----------
        include_preprocessing
            Whether images have values 0 to 255; else they must be normalized before.
        name
            Name of the model.
        """


def _named(title: str, blocks: Sequence[int], filters: Sequence[int]) -> Build:
    default_name = f"convnext_{title.removeprefix('ConvNeXt').lower()}"

    def build(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: OpenShape | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike = "softmax",
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
        )
        begin = x = options.input()
        if include_preprocessing and x.shape[-1] == 3:
            x = _normalized_by_channel(x, name)
        x = _stages(x, blocks, filters, name)
        return options.model(begin, _end(x, options, name), name)

    made: Build = titled(build, title, __name__)
    build.__doc__ = (build.__doc__ or "") + (
        " `include_preprocessing` says whether images have values 0 to 255; else they must be "
        "normalized before."
    )
    return made


def _normalized_by_channel(x: Any, name: str) -> Any:
    return layers.Normalization(
        mean=[mean * 255 for mean in IMAGENET_MEAN],
        variance=[(deviation * 255) ** 2 for deviation in IMAGENET_DEVIATION],
        name=f"{name}_prestem_normalization",
    )(x)


def _normalization(name: str | None = None) -> layers.LayerNormalization:
    return layers.LayerNormalization(epsilon=_EPSILON, name=name)


def _smaller(filters: Sequence[int], name: str) -> list[Sequential]:
    """Return what makes the image smaller before each stage."""
    stem = layers.Conv2D(filters[0], 4, strides=4, name=f"{name}_stem_conv")
    found = [Sequential([stem, _normalization(f"{name}_stem_layernorm")], name=f"{name}_stem")]
    for number, wide in enumerate(filters[1:]):
        normalization = _normalization(f"{name}_downsampling_layernorm_{number}")
        halving = layers.Conv2D(wide, 2, strides=2, name=f"{name}_downsampling_conv_{number}")
        found.append(
            Sequential([normalization, halving], name=f"{name}_downsampling_block_{number}")
        )
    return found


def _stages(x: Any, blocks: Sequence[int], filters: Sequence[int], name: str) -> Any:
    for stage, (smaller, count, wide) in enumerate(
        zip(_smaller(filters, name), blocks, filters, strict=True)
    ):
        x = smaller(x)
        for block in range(count):
            x = _block(x, wide, f"{name}_stage_{stage}_block_{block}")
    return x


def _block(x: Any, filters: int, name: str) -> Any:
    y = layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(x)
    y = _normalization(f"{name}_layernorm")(y)
    y = layers.Dense(_EXPANSION * filters, name=f"{name}_pointwise_conv_1")(y)
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(y)
    y = LayerScale(_SCALE, filters, name=f"{name}_layer_scale")(y)
    return x + layers.Activation("linear", name=f"{name}_identity")(y)


def _end(x: Any, options: Options, name: str) -> Any:
    if not options.include_top:
        return _normalization()(options.pooled(x, named=False))
    x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
    x = _normalization(f"{name}_head_layernorm")(x)
    return layers.Dense(
        options.classes, activation=options.classifier_activation, name=f"{name}_head_dense"
    )(x)


ConvNeXtTiny = _named("ConvNeXtTiny", _TINY, (96, 192, 384, 768))
ConvNeXtSmall = _named("ConvNeXtSmall", _DEEP, (96, 192, 384, 768))
ConvNeXtBase = _named("ConvNeXtBase", _DEEP, (128, 256, 512, 1024))
ConvNeXtLarge = _named("ConvNeXtLarge", _DEEP, (192, 384, 768, 1536))
ConvNeXtXLarge = _named("ConvNeXtXLarge", _DEEP, (256, 512, 1024, 2048))
