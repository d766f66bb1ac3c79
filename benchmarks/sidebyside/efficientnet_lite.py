"""EfficientNet-Lite0, trained on ImageNet, in Keras, with the weights of a PyTorch package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

STRIDES = (1, *(2, 1), *(2, 1), *(2, 1, 1), *(1, 1, 1), *(2, 1, 1, 1), 1)
"""Of each block; all other sizes are those of the weights."""


def efficientnet_lite0(file: Path) -> Any:
    """Build the network for images of 224x224x3, and give it the weights in `file`."""
    import torch
    from keras import Input, Model, layers

    weights = {
        name: tensor.numpy()
        for name, tensor in torch.load(file, map_location="cpu", weights_only=True).items()
    }

    def convolved(x: Any, name: str, norm: str, strides: int = 1, rectify: bool = True) -> Any:
        kernel = weights[f"{name}.weight"]
        outputs, inputs, *size = kernel.shape
        common = {"strides": strides, "padding": "same", "use_bias": False}
        if inputs == 1:
            layer = layers.DepthwiseConv2D(size, **common)
        else:
            layer = layers.Conv2D(outputs, size, **common)
        x = layer(x)
        layer.set_weights([kernel.transpose(2, 3, *((0, 1) if inputs == 1 else (1, 0)))])
        normalization = layers.BatchNormalization(epsilon=1e-3)
        x = normalization(x)
        of_norm = ("weight", "bias", "running_mean", "running_var")
        normalization.set_weights([weights[f"{norm}.{each}"] for each in of_norm])
        return layers.ReLU(6)(x) if rectify else x

    images = Input((224, 224, 3))
    x = convolved(images, "_conv_stem", "_bn0", strides=2)
    for number, strides in enumerate(STRIDES):
        block, shortcut = f"_blocks.{number}", x
        if f"{block}._expand_conv.weight" in weights:
            x = convolved(x, f"{block}._expand_conv", f"{block}._bn0")
        x = convolved(x, f"{block}._depthwise_conv", f"{block}._bn1", strides)
        x = convolved(x, f"{block}._project_conv", f"{block}._bn2", rectify=False)
        if strides == 1 and x.shape == shortcut.shape:
            x = layers.Add()([x, shortcut])
    x = layers.GlobalAveragePooling2D()(convolved(x, "_conv_head", "_bn1"))
    last = layers.Dense(1000, activation="softmax")
    model = Model(images, last(x), name="efficientnet_lite0")
    last.set_weights([weights["_fc.weight"].T, weights["_fc.bias"]])
    return model
