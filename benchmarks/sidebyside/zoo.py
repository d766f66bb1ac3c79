"""The networks that are compared: built by Keras, the same numbers in every run.

Weights are drawn by NumPy, so they do not depend on Keras' backend. Batch normalization gets the
statistics its inputs really have, moved a little: no layer is an identity, no signal dies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sidebyside.runtimes import Images

SEED = 7
IMAGES = 32
IMAGES_FOR_STATISTICS = 8
REPOSITORY = Path(__file__).resolve().parents[2]
SHARED_MODELS = REPOSITORY.parent / "shared" / "models"


@dataclass(frozen=True)
class Network:
    """How to build a network, and the largest value of the pixels it expects."""

    build: Callable[[], Any]
    largest_pixel: float = 1.0


def intro() -> Any:
    """Build the introductory network: 64x64x3, one convolution, 3,938,570 parameters."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((64, 64, 3)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def mini_xception() -> Any:
    """Build the network of Arriaga et al. (2017), arXiv:1710.07557, for emotions at 64x64x1."""
    from keras import Input, Model, layers

    x = inputs = Input((64, 64, 1))
    for _ in range(2):
        x = layers.Conv2D(8, 3, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters in (16, 32, 64, 128):
        shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
        shortcut = layers.BatchNormalization()(shortcut)
        x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.Add()([x, shortcut])
    x = layers.Conv2D(7, 3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Softmax()(x), name="mini_xception")


def unet128() -> Any:
    """Build a U-Net of four levels, 32 to 256 channels, for images of 128x128."""
    return unet(128)


def unet(size: int | None = None) -> Any:
    """Build a U-Net of four levels, with transposed convolutions, for images of any size."""
    from keras import Input, Model, layers

    def block(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    x = inputs = Input((size, size, 3))
    levels = []
    for filters in (32, 64, 128):
        x = block(x, filters)
        levels.append((filters, x))
        x = layers.MaxPooling2D(2)(x)
    x = block(x, 256)
    for filters, skipped in reversed(levels):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = block(layers.Concatenate()([x, skipped]), filters)
    return Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x), name="unet")


def application(name: str) -> Callable[[], Any]:
    """Give the builder of a network of `keras.applications` at 224x224x3."""

    def build() -> Any:
        import keras

        return getattr(keras.applications, name)(weights=None)

    return build


def resnet50_any() -> Any:
    """Build ResNet50 without its top: feature maps of images of any size."""
    import keras

    return keras.applications.ResNet50(weights=None, include_top=False, input_shape=(None, None, 3))


CIFAR10_CNN = "cifar10_cnn"
"""The one network that is a trained file, found beside the repository."""

NETWORKS = {
    "intro": Network(intro),
    CIFAR10_CNN: Network(lambda: trained_file(f"{CIFAR10_CNN}.h5"), largest_pixel=255.0),
    "mini_xception": Network(mini_xception),
    "mobilenet_v2": Network(application("MobileNetV2")),
    "efficientnet_b0": Network(application("EfficientNetB0"), largest_pixel=255.0),
    "unet128": Network(unet128),
    "resnet50": Network(application("ResNet50")),
    "vgg16": Network(application("VGG16")),
}
"""Name -> network, in the order of the tables."""


OF_ANY_SIZE = {"resnet50": resnet50_any, "unet": unet}
"""Name -> builder of the networks that take images of any size."""


def build_of_any_size(name: str, sizes: Sequence[tuple[int, int]]) -> tuple[Any, list[Images]]:
    """Build a network of `OF_ANY_SIZE` with its weights; return it and an image of each size."""
    model = OF_ANY_SIZE[name]()
    rng = np.random.default_rng([SEED, *name.encode()])
    draw_weights(model, pictures((64, 64, 3), rng)[:IMAGES_FOR_STATISTICS], rng)
    return model, [pictures((*size, 3), rng)[:1] for size in sizes]


def trained_file(name: str) -> Any:
    """Load a file of the shared models.

    Raises
    ------
    FileNotFoundError
        If there is no such folder beside the repository.
    """
    import keras

    path = SHARED_MODELS / name
    if not path.is_file():
        raise FileNotFoundError(f"{name} is not in ../shared/models")
    return keras.saving.load_model(path, compile=False)


def build(name: str) -> tuple[Any, Images]:
    """Build a network with its weights; return it and `IMAGES` images for it."""
    network = NETWORKS[name]
    model = network.build()
    rng = np.random.default_rng([SEED, *name.encode()])
    if name == CIFAR10_CNN:
        with np.load(SHARED_MODELS / f"{CIFAR10_CNN}_expected.npz") as arrays:
            photos = arrays["images"].astype(np.float32)
        return model, np.resize(photos, (IMAGES, *photos.shape[1:]))
    images = pictures(model.input_shape[1:], rng) * np.float32(network.largest_pixel)
    draw_weights(model, images[:IMAGES_FOR_STATISTICS], rng)
    return model, images


def pictures(shape: tuple[int, ...], rng: np.random.Generator) -> Images:
    """Draw images with values 0 to 1: patches of colour under noise, each with its contrast."""
    height, width, channels = shape
    side = 16
    patches = rng.uniform(0, 0.7, (IMAGES, -(-height // side), -(-width // side), channels))
    coarse = patches.repeat(side, axis=1).repeat(side, axis=2)[:, :height, :width]
    contrast = rng.uniform(0.1, 1.0, (IMAGES, 1, 1, channels))
    return (contrast * (coarse + rng.uniform(0, 0.3, coarse.shape))).astype(np.float32)


def draw_weights(model: Any, images: Images, rng: np.random.Generator) -> None:
    """Give `model` random weights, and the batch normalization statistics that `images` have."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            continue  # its constants are fixed when it is built
        layer.set_weights([drawn(variable, rng) for variable in layer.weights])
    normalizations = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    for layer in normalizations:
        layer.momentum = 0.0  # one pass in training mode leaves the statistics behind
    if normalizations:
        model(images, training=True)
    for layer in normalizations:
        layer.momentum = 0.99
        gamma, beta, mean, variance = layer.get_weights()
        # Small variances are raised: dividing by them would magnify every rounding error.
        variance = variance * rng.uniform(0.7, 1.4, variance.shape) + 0.5 * variance.mean() + 1e-3
        mean = mean + 0.2 * np.sqrt(variance) * rng.normal(size=mean.shape)
        layer.set_weights([gamma, beta, mean, variance])
    calm(model, images)


def drawn(variable: Any, rng: np.random.Generator) -> np.ndarray:
    """Draw one weight: kernels keep the size of a signal behind ReLU, scales are near one."""
    shape, name = tuple(variable.shape), variable.path.rsplit("/", 1)[-1]
    if name in ("gamma", "moving_variance"):
        return rng.uniform(0.6, 1.4, shape)
    if "kernel" in name:
        inputs = math.prod(shape[:2]) if "depthwise" in name else math.prod(shape[:-1])
        return rng.normal(0, math.sqrt(2 / inputs), shape)
    return rng.normal(0, 0.1, shape)


def calm(model: Any, images: Images) -> None:
    """Scale the last kernel such that the outputs neither saturate nor are all the same."""
    import keras

    last = next(layer for layer in reversed(model.layers) if layer.weights)
    if not hasattr(last, "kernel"):
        return  # a network that ends in features
    features = np.asarray(keras.Model(model.inputs[0], last.input)(images, training=False))
    length = float(np.sqrt(np.square(features).mean() * math.prod(last.kernel.shape[:-1])))
    kernel, *bias = last.get_weights()
    last.set_weights([kernel / (kernel.std() * length), *bias])
