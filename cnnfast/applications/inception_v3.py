"""InceptionV3: branches of convolutions of several sizes, side by side.

Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, https://arxiv.org/abs/1512.00567.
"""

from __future__ import annotations

from typing import Any

from cnnfast import layers
from cnnfast.applications.building import Options, builder
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")


def _convolution(x: Any, filters: int, rows: int, columns: int, **kwargs: Any) -> Any:
    kwargs.setdefault("padding", "same")
    x = layers.Conv2D(filters, (rows, columns), use_bias=False, **kwargs)(x)
    x = layers.BatchNormalization(axis=3, scale=False)(x)
    return layers.Activation("relu")(x)


def _chain(x: Any, *steps: tuple[int, int, int]) -> Any:
    """Convolutions one behind the other: filters, rows and columns of each."""
    for filters, rows, columns in steps:
        x = _convolution(x, filters, rows, columns)
    return x


def _averaged(x: Any, filters: int) -> Any:
    x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    return _convolution(x, filters, 1, 1)


def _joined(branches: list[Any], name: str | None) -> Any:
    return layers.concatenate(branches, axis=3, name=name)


def _begin(x: Any) -> Any:
    x = _convolution(x, 32, 3, 3, strides=(2, 2), padding="valid")
    x = _convolution(x, 32, 3, 3, padding="valid")
    x = _convolution(x, 64, 3, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _convolution(x, 80, 1, 1, padding="valid")
    x = _convolution(x, 192, 3, 3, padding="valid")
    return layers.MaxPooling2D(3, strides=2)(x)


def _fives(x: Any, pooled: int, name: str) -> Any:
    return _joined(
        [
            _convolution(x, 64, 1, 1),
            _chain(x, (48, 1, 1), (64, 5, 5)),
            _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
            _averaged(x, pooled),
        ],
        name,
    )


def _first_halving(x: Any, name: str) -> Any:
    halving = {"strides": (2, 2), "padding": "valid"}
    short = _convolution(x, 384, 3, 3, **halving)
    long = _convolution(_chain(x, (64, 1, 1), (96, 3, 3)), 96, 3, 3, **halving)
    return _joined([short, long, layers.MaxPooling2D(3, strides=2)(x)], name)


def _sevens(x: Any, filters: int, name: str) -> Any:
    n = filters
    return _joined(
        [
            _convolution(x, 192, 1, 1),
            _chain(x, (n, 1, 1), (n, 1, 7), (192, 7, 1)),
            _chain(x, (n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)),
            _averaged(x, 192),
        ],
        name,
    )


def _second_halving(x: Any, name: str) -> Any:
    halving = {"strides": (2, 2), "padding": "valid"}
    short = _convolution(_convolution(x, 192, 1, 1), 320, 3, 3, **halving)
    long = _chain(x, (192, 1, 1), (192, 1, 7), (192, 7, 1))
    long = _convolution(long, 192, 3, 3, **halving)
    return _joined([short, long, layers.MaxPooling2D(3, strides=2)(x)], name)


def _forked(x: Any, name: str | None) -> Any:
    return _joined([_convolution(x, 384, 1, 3), _convolution(x, 384, 3, 1)], name)


def _threes(x: Any, number: int) -> Any:
    return _joined(
        [
            _convolution(x, 320, 1, 1),
            _forked(_convolution(x, 384, 1, 1), f"mixed9_{number}"),
            _forked(_chain(x, (448, 1, 1), (384, 3, 3)), None),
            _averaged(x, 192),
        ],
        f"mixed{9 + number}",
    )


def _draw(options: Options, x: Any) -> Any:
    x = _begin(x)
    for number, pooled in enumerate((32, 64, 64)):
        x = _fives(x, pooled, f"mixed{number}")
    x = _first_halving(x, "mixed3")
    for number, filters in enumerate((128, 160, 160, 192), start=4):
        x = _sevens(x, filters, f"mixed{number}")
    x = _second_halving(x, "mixed8")
    for number in (0, 1):
        x = _threes(x, number)
    return options.end(x) if options.include_top else options.pooled(x, named=False)


InceptionV3 = builder(
    "InceptionV3",
    "inception_v3",
    _draw,
    "inception_v3_weights_tf_dim_ordering_tf_kernels%s.h5",
    default_size=299,
    smallest=75,
)
