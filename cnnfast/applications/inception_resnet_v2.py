"""InceptionResNetV2: branches as in Inception, added to what came in as in ResNet.

Szegedy, Ioffe, Vanhoucke and Alemi, https://arxiv.org/abs/1602.07261.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from cnnfast import layers
from cnnfast.applications.building import Options, builder
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.layers.merging.residual import CustomScaleLayer

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")

Step: TypeAlias = "tuple[int, int | tuple[int, int]]"
# Blocks of each kind: scale, how many, and the branches: filters and size of each convolution.
_35: tuple[tuple[Step, ...], ...] = (
    ((32, 1),),
    ((32, 1), (32, 3)),
    ((32, 1), (48, 3), (64, 3)),
)
_17: tuple[tuple[Step, ...], ...] = (
    ((192, 1),),
    ((128, 1), (160, (1, 7)), (192, (7, 1))),
)
_8: tuple[tuple[Step, ...], ...] = (
    ((192, 1),),
    ((192, 1), (224, (1, 3)), (256, (3, 1))),
)


def _convolution(x: Any, filters: int, size: Any, name: str | None = None, **kwargs: Any) -> Any:
    kwargs.setdefault("padding", "same")
    x = layers.Conv2D(filters, size, use_bias=False, name=name, **kwargs)(x)
    x = layers.BatchNormalization(axis=3, scale=False, name=name and f"{name}_bn")(x)
    return layers.Activation("relu", name=name and f"{name}_ac")(x)


def _chain(x: Any, steps: Sequence[Step], *, halved: bool = False) -> Any:
    for number, (filters, size) in enumerate(steps, start=1):
        last = halved and number == len(steps)
        x = _convolution(x, filters, size, **_HALVING if last else {})
    return x


_HALVING: Mapping[str, Any] = {"strides": 2, "padding": "valid"}


def _begin(x: Any) -> Any:
    x = _convolution(x, 32, 3, strides=2, padding="valid")
    x = _convolution(x, 32, 3, padding="valid")
    x = _convolution(x, 64, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _convolution(x, 80, 1, padding="valid")
    x = _convolution(x, 192, 3, padding="valid")
    x = layers.MaxPooling2D(3, strides=2)(x)
    branches = [
        _chain(x, steps) for steps in (((96, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3)))
    ]
    pooled = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    branches.append(_convolution(pooled, 64, 1))
    return layers.Concatenate(axis=3, name="mixed_5b")(branches)


def _halved(x: Any, name: str, *branches: Sequence[Step]) -> Any:
    found = [_chain(x, steps, halved=True) for steps in branches]
    found.append(layers.MaxPooling2D(3, strides=2, padding="valid")(x))
    return layers.Concatenate(axis=3, name=name)(found)


def _block(
    x: Any, branches: Sequence[Sequence[Step]], scale: float, name: str, *, activated: bool = True
) -> Any:
    found = [_chain(x, steps) for steps in branches]
    mixed = layers.Concatenate(axis=3, name=f"{name}_mixed")(found)
    up = layers.Conv2D(x.shape[3], 1, padding="same", name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, up])
    return layers.Activation("relu", name=f"{name}_ac")(x) if activated else x


def _draw(options: Options, x: Any) -> Any:
    x = _begin(x)
    for number in range(1, 11):
        x = _block(x, _35, 0.17, f"block35_{number}")
    x = _halved(x, "mixed_6a", ((384, 3),), ((256, 1), (256, 3), (384, 3)))
    for number in range(1, 21):
        x = _block(x, _17, 0.1, f"block17_{number}")
    x = _halved(
        x,
        "mixed_7a",
        ((256, 1), (384, 3)),
        ((256, 1), (288, 3)),
        ((256, 1), (288, 3), (320, 3)),
    )
    for number in range(1, 10):
        x = _block(x, _8, 0.2, f"block8_{number}")
    x = _block(x, _8, 1.0, "block8_10", activated=False)
    x = _convolution(x, 1536, 1, name="conv_7b")
    return options.end(x) if options.include_top else options.pooled(x, named=False)


InceptionResNetV2 = builder(
    "InceptionResNetV2",
    "inception_resnet_v2",
    _draw,
    "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels%s.h5",
    default_size=299,
    smallest=75,
)
