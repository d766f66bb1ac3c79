"""ResNet50: bottleneck blocks around which the input takes a shortcut.

He, Zhang, Ren and Sun, https://arxiv.org/abs/1512.03385.
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

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]

# Filters and number of blocks of each stage.
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
_EPSILON = 1.001e-5
_EXPANSION = 4
preprocess_input = preprocessing("caffe")


def ResNet50(  # noqa: N802 - Keras' name
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    input_shape: OpenShape | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike = "softmax",
    name: str = "resnet50",
) -> Model:
    """Build ResNet50, for images that went through `preprocess_input`.

    Parameters and errors are those of `building.Options`; `name` is that of the model.
    """
    options = Options(
        "ResNet50",
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
    )
    begin = options.input()
    x = _stem(begin)
    for stage, (filters, blocks) in enumerate(STAGES, start=2):
        for block in range(1, blocks + 1):
            strides = 2 if block == 1 and stage > 2 else 1
            x = _block(x, filters, strides, f"conv{stage}_block{block}", project=block == 1)
    return options.model(begin, options.end(x), name)


def _stem(x: Any) -> Any:
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = _convolution(x, 64, 7, "conv1", strides=2)
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _convolution(x: Any, filters: int, size: int, name: str, **kwargs: Any) -> Any:
    x = layers.Conv2D(filters, size, name=f"{name}_conv", **kwargs)(x)
    return layers.BatchNormalization(axis=3, epsilon=_EPSILON, name=f"{name}_bn")(x)


def _block(x: Any, filters: int, strides: int, name: str, *, project: bool) -> Any:
    wide = _EXPANSION * filters
    shortcut = _convolution(x, wide, 1, f"{name}_0", strides=strides) if project else x
    y = _convolution(x, filters, 1, f"{name}_1", strides=strides)
    y = layers.Activation("relu", name=f"{name}_1_relu")(y)
    y = _convolution(y, filters, 3, f"{name}_2", padding="same")
    y = layers.Activation("relu", name=f"{name}_2_relu")(y)
    y = _convolution(y, wide, 1, f"{name}_3")
    y = layers.Add(name=f"{name}_add")([shortcut, y])
    return layers.Activation("relu", name=f"{name}_out")(y)
