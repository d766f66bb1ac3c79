"""Small networks with everything that 8 bits have a rule for, and images for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnfast import Model, Sequential, layers, ops

SIZE = (12, 14, 3)


def _sequential(*inside: Any) -> Model:
    return Sequential([layers.Input(SIZE), *inside])


def _functional(make: Callable[[Any], Any]) -> Model:
    x = layers.Input(SIZE)
    return Model(x, make(x))


def _conv(filters: int, size: int = 3, **kwargs: Any) -> layers.Conv2D:
    return layers.Conv2D(filters, size, padding="same", **kwargs)


def classifier() -> Model:
    return _sequential(
        _conv(8, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(16, activation="relu", name="hidden"),
        layers.Dense(5, activation="softmax"),
    )


def normalized() -> Model:
    return _sequential(
        layers.Rescaling(2.0, offset=-1.0),
        _conv(9),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
        layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu6"),
        layers.AveragePooling2D(3, strides=2, padding="same"),
        layers.Conv2D(7, 1),
        layers.GlobalAveragePooling2D(),
    )


def behind_activation() -> Model:
    """A batch normalization behind a ReLU, and one that reads what a block adds."""

    def make(x: Any) -> Any:
        x = layers.BatchNormalization(name="behind")(_conv(8, activation="relu")(x))
        y = layers.BatchNormalization(name="before")(x)
        y = _conv(8)(layers.Activation("relu")(y))
        return layers.GlobalAveragePooling2D()(layers.add([x, y]))

    return _functional(make)


def residual() -> Model:
    def make(x: Any) -> Any:
        x = _conv(8, activation="relu", name="first")(x)
        y = _conv(8, name="second")(_conv(8, activation="relu")(x))
        y = layers.Activation("relu")(layers.add([x, y]))
        z = layers.DepthwiseConv2D(3, padding="same")(y)
        return _conv(4)(layers.add([y, z]))

    return _functional(make)


def excited() -> Model:
    def make(x: Any) -> Any:
        x = _conv(8, activation="swish")(x)
        y = layers.GlobalAveragePooling2D(keepdims=True)(x)
        y = layers.Conv2D(8, 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="relu")(y))
        x = layers.multiply([x, y])
        return layers.Dense(6)(layers.Flatten()(_conv(5, activation="gelu")(x)))

    return _functional(make)


def joined() -> Model:
    def make(x: Any) -> Any:
        x = _conv(6, activation="relu")(x)
        y = layers.concatenate(
            [_conv(5, activation="leaky_relu")(x), layers.MaxPooling2D(3, 1, "same")(x)]
        )
        y = layers.UpSampling2D(2)(layers.ZeroPadding2D(1)(y))
        y = layers.Cropping2D(2)(layers.Conv2DTranspose(4, 2, strides=2)(y))
        return _conv(3)(layers.Permute((2, 1, 3))(y))

    return _functional(make)


def grouped() -> Model:
    return _sequential(
        _conv(8, activation="relu"),
        layers.Conv2D(12, 3, groups=4, dilation_rate=2, activation="hard_swish"),
        layers.SeparableConv2D(10, 3, depth_multiplier=2, activation="relu"),
        layers.Conv2D(6, (1, 3), strides=(2, 1)),
        layers.Reshape((-1, 6)),
        layers.Dense(4),
    )


def two_outputs() -> Model:
    x = layers.Input(SIZE)
    inside = Sequential([layers.Input(SIZE), _conv(8, activation="tanh")], name="inside")
    y = inside(x)
    z = _conv(4)(ops.relu(y))
    return Model(x, [layers.GlobalMaxPooling2D()(z), layers.Flatten()(layers.ELU()(z))])


NETWORKS: dict[str, Callable[[], Model]] = {
    network.__name__: network
    for network in (
        classifier,
        normalized,
        behind_activation,
        residual,
        excited,
        joined,
        grouped,
        two_outputs,
    )
}


def network(name: str, seed: int = 0) -> Model:
    """Return one of `NETWORKS`, with random weights."""
    model = NETWORKS[name]()
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights(_statistics(rng, layer.gamma.shape))
        elif not isinstance(layer, Model) and layer.weights:
            layer.set_weights([_numbers(rng, weight.shape) for weight in layer.weights])
    return model


def _statistics(rng: np.random.Generator, count: Any) -> list[np.ndarray]:
    """Return factors of both signs, shifts, means and variances."""
    factors = rng.uniform(0.5, 1.5, count) * rng.choice([-1, 1], count)
    return [factors, *(rng.normal(0, 0.3, count) for _ in range(2)), rng.uniform(0.5, 1.5, count)]


def _numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else 25
    return rng.standard_normal(shape) * (1.5 / fan_in**0.5)


def images(count: int, seed: int = 0) -> np.ndarray:
    """Return smooth random images, numbers from 0 to 1."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((count, 3, 4, 3))
    fine = coarse.repeat(4, 1).repeat(4, 2)[:, : SIZE[0], : SIZE[1]]
    return np.float32(0.7 * fine + 0.3 * rng.random((count, *SIZE)))
