"""DenseNet: each block is given what all blocks before it made.

Huang, Liu, van der Maaten and Weinberger, https://arxiv.org/abs/1608.06993.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnnfast import layers
from cnnfast.applications.building import Build, Options, builder
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

_EPSILON = 1.001e-5
_GROWTH = 32
_REDUCTION = 0.5
preprocess_input = preprocessing("torch")


def _activated(x: Any, normalization: str, relu: str) -> Any:
    x = layers.BatchNormalization(axis=3, epsilon=_EPSILON, name=normalization)(x)
    return layers.Activation("relu", name=relu)(x)


def _drawing(blocks: Sequence[int]) -> Callable[[Options, Any], Any]:
    def draw(options: Options, x: Any) -> Any:
        x = layers.ZeroPadding2D(3)(x)
        x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
        x = layers.ZeroPadding2D(1)(_activated(x, "conv1_bn", "conv1_relu"))
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
        for stage, count in enumerate(blocks, start=2):
            for block in range(1, count + 1):
                x = _block(x, f"conv{stage}_block{block}")
            if stage < len(blocks) + 1:
                x = _transition(x, f"pool{stage}")
        return options.end(_activated(x, "bn", "relu"))

    return draw


def _block(x: Any, name: str) -> Any:
    y = _activated(x, f"{name}_0_bn", f"{name}_0_relu")
    y = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = _activated(y, f"{name}_1_bn", f"{name}_1_relu")
    y = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return layers.Concatenate(axis=3, name=f"{name}_concat")([x, y])


def _transition(x: Any, name: str) -> Any:
    x = _activated(x, f"{name}_bn", f"{name}_relu")
    filters = int(x.shape[3] * _REDUCTION)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _named(title: str, blocks: Sequence[int]) -> Build:
    name = title.lower()
    file = f"{name}_weights_tf_dim_ordering_tf_kernels%s.h5"
    return builder(title, name, _drawing(blocks), file)


DenseNet121 = _named("DenseNet121", (6, 12, 24, 16))
DenseNet169 = _named("DenseNet169", (6, 12, 32, 32))
DenseNet201 = _named("DenseNet201", (6, 12, 48, 32))
