"""The bits of a network's outputs depend on neither the threads nor the batch."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast import applications, layers
from cnnfast.models import Functional, Sequential
from cnnfast.utils import set_random_seed

pytestmark = pytest.mark.long

IMAGES = 5


def intro():
    return Sequential(
        [
            layers.Input((64, 64, 3)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def mini_xception():
    x = images = layers.Input((48, 48, 1))
    x = layers.Conv2D(8, 3, activation="relu")(x)
    for filters in (16, 32):
        shortcut = layers.Conv2D(filters, 1, strides=2, padding="same")(x)
        x = layers.SeparableConv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = layers.Add()([x, shortcut])
    return Functional(images, layers.GlobalAveragePooling2D()(layers.Conv2D(7, 3)(x)))


def unet():
    def block(x, filters):
        return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)

    images = layers.Input((48, 48, 3))
    skip = block(images, 32)
    x = block(layers.MaxPooling2D(2)(skip), 64)
    x = layers.Conv2DTranspose(32, 2, strides=2)(x)
    x = block(layers.Concatenate()([x, skip]), 32)
    return Functional(images, layers.Conv2D(1, 1, activation="sigmoid")(x))


def application(build):
    return lambda: build(weights=None, include_top=False, pooling="avg", input_shape=(64, 64, 3))


@pytest.mark.usefixtures("threading_kind")
@pytest.mark.parametrize(
    "build",
    [
        intro,
        mini_xception,
        unet,
        application(applications.VGG16),
        application(applications.ResNet50),
        application(applications.MobileNetV2),
        application(applications.EfficientNetB0),
    ],
    ids=["intro", "mini_xception", "unet", "vgg16", "resnet50", "mobilenet_v2", "efficientnet_b0"],
)
def test_the_bits_are_those_of_one_image_on_one_thread(build):
    set_random_seed(3)
    model = build()
    x = np.random.default_rng(4).random((IMAGES, *model.input_shape[1:]), np.float32)
    single = np.concatenate(
        [model.predict_on_batch(x[i : i + 1], threads=1) for i in range(IMAGES)]
    )
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(model.predict_on_batch(x, threads=threads), single)
    np.testing.assert_array_equal(model.predict_on_batch(x[:1], threads=3), single[:1])
