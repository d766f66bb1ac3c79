"""ResNet: bottleneck blocks around which the input takes a shortcut.

He, Zhang, Ren and Sun, https://arxiv.org/abs/1512.03385 and, normalized before it is convolved,
https://arxiv.org/abs/1603.05027.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnnfast import layers
from cnnfast.applications.building import Build, Options, builder
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

# Filters of each stage.
FILTERS = (64, 128, 256, 512)
_EPSILON = 1.001e-5
_EXPANSION = 4
preprocess_input = preprocessing("caffe")


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=3, epsilon=_EPSILON, name=f"{name}_bn")(x)


def _convolution(x: Any, filters: int, size: int, name: str, **kwargs: Any) -> Any:
    x = layers.Conv2D(filters, size, name=f"{name}_conv", **kwargs)(x)
    return _normalized(x, name)


def _relu(x: Any, name: str) -> Any:
    return layers.Activation("relu", name=f"{name}_relu")(x)


def _begin(x: Any, *, normalized: bool) -> Any:
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if normalized:
        x = _relu(_normalized(x, "conv1"), "conv1")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _first(blocks: Sequence[int]) -> Callable[[Options, Any], Any]:
    def draw(options: Options, x: Any) -> Any:
        x = _begin(x, normalized=True)
        for stage, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True), start=2):
            for block in range(1, count + 1):
                strides = 2 if block == 1 and stage > 2 else 1
                x = _block(x, filters, strides, f"conv{stage}_block{block}", project=block == 1)
        return options.end(x)

    return draw


def _block(x: Any, filters: int, strides: int, name: str, *, project: bool) -> Any:
    wide = _EXPANSION * filters
    shortcut = _convolution(x, wide, 1, f"{name}_0", strides=strides) if project else x
    y = _relu(_convolution(x, filters, 1, f"{name}_1", strides=strides), f"{name}_1")
    y = _relu(_convolution(y, filters, 3, f"{name}_2", padding="same"), f"{name}_2")
    y = _convolution(y, wide, 1, f"{name}_3")
    y = layers.Add(name=f"{name}_add")([shortcut, y])
    return layers.Activation("relu", name=f"{name}_out")(y)


def _second(blocks: Sequence[int]) -> Callable[[Options, Any], Any]:
    def draw(options: Options, x: Any) -> Any:
        x = _begin(x, normalized=False)
        for stage, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True), start=2):
            for block in range(1, count + 1):
                strides = 2 if block == count and stage < 5 else 1
                name = f"conv{stage}_block{block}"
                x = _preactivated(x, filters, strides, name, project=block == 1)
        return options.end(_relu(_normalized(x, "post"), "post"))

    return draw


def _preactivated(x: Any, filters: int, strides: int, name: str, *, project: bool) -> Any:
    before = _relu(_normalized(x, f"{name}_preact"), f"{name}_preact")
    if project:
        wide = _EXPANSION * filters
        shortcut = layers.Conv2D(wide, 1, strides=strides, name=f"{name}_0_conv")(before)
    else:
        shortcut = layers.MaxPooling2D(1, strides=strides)(x) if strides > 1 else x
    y = _relu(_convolution(before, filters, 1, f"{name}_1", use_bias=False), f"{name}_1")
    y = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(y)
    y = _convolution(y, filters, 3, f"{name}_2", strides=strides, use_bias=False)
    y = _relu(y, f"{name}_2")
    y = layers.Conv2D(_EXPANSION * filters, 1, name=f"{name}_3_conv")(y)
    return layers.Add(name=f"{name}_out")([shortcut, y])


def _named(title: str, draw: Callable[[Options, Any], Any]) -> Build:
    name = title.lower()
    return builder(title, name, draw, f"{name}_weights_tf_dim_ordering_tf_kernels%s.h5")


ResNet50 = _named("ResNet50", _first((3, 4, 6, 3)))
ResNet101 = _named("ResNet101", _first((3, 4, 23, 3)))
ResNet152 = _named("ResNet152", _first((3, 8, 36, 3)))
# In a module of their own, as in Keras: they take other images.
ResNet50V2 = _named("ResNet50V2", _second((3, 4, 6, 3)))
ResNet101V2 = _named("ResNet101V2", _second((3, 4, 23, 3)))
ResNet152V2 = _named("ResNet152V2", _second((3, 8, 36, 3)))
