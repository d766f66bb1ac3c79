"""Small networks built as the well-known ones are: segmentation, detection, signals, text.

Each function returns a Keras model and the shapes of its inputs, batch left out. ``python -m
networks.architectures`` compares all of them in Keras and here, and prints a line of JSON each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, TypeAlias

os.environ.setdefault("KERAS_BACKEND", "numpy")

import keras
import numpy as np
from keras import layers, ops

from networks.comparison import compare, enliven

Built: TypeAlias = tuple[keras.Model, list[tuple[int, ...]]]


def _normalized(x: Any, filters: int, size: int = 3, **kwargs: Any) -> Any:
    x = layers.Conv2D(filters, size, padding="same", use_bias=False, **kwargs)(x)
    return layers.Activation("relu")(layers.BatchNormalization()(x))


def unet() -> Built:
    """Build a U-Net with crops, transposed convolutions and upsampling."""
    begin = keras.Input((32, 40, 3))
    x, kept = begin, []
    for filters in (8, 12, 16):
        x = _normalized(_normalized(x, filters), filters)
        kept.append(x)
        x = layers.SpatialDropout2D(0.2)(layers.MaxPooling2D(2, padding="same")(x))
    x = layers.SeparableConv2D(24, 3, padding="same", activation="relu")(x)
    for i, skip in enumerate(reversed(kept)):
        channels = skip.shape[-1]
        if i == 1:
            x = layers.UpSampling2D(2)(x)
        else:
            x = layers.Conv2DTranspose(channels, 3, strides=2, padding="same")(x)
        x = _normalized(layers.Concatenate()([x, skip]), channels)
    x = layers.Cropping2D(((1, 2), (2, 1)))(x)
    return keras.Model(begin, layers.Conv2D(4, 1, activation="softmax")(x)), [(32, 40, 3)]


def deeplab() -> Built:
    """Build a DeepLabV3+: dilated pyramid, pooling of the whole map, bilinear upsampling."""
    begin = keras.Input((48, 48, 3))
    # What `preprocess_input` puts into a graph.
    x = ops.stack([begin[..., 2], begin[..., 1], begin[..., 0]], axis=-1)
    x = (x - 0.4) / 0.25
    low = x = _normalized(_normalized(x, 12, strides=2), 16, strides=2)
    x = _normalized(x, 24, strides=2)
    pooled = layers.AveragePooling2D((x.shape[1], x.shape[2]))(x)
    pooled = ops.relu(layers.BatchNormalization()(layers.Conv2D(10, 1)(pooled)))
    pooled = layers.UpSampling2D((x.shape[1], x.shape[2]), interpolation="bilinear")(pooled)
    branches = [_normalized(x, 10, 3 if rate > 1 else 1, dilation_rate=rate) for rate in (1, 6, 12)]
    x = _normalized(layers.Concatenate(axis=-1)([pooled, *branches]), 12, 1)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Concatenate()([x, _normalized(low, 6, 1)])
    x = _normalized(_normalized(x, 12), 12)
    x = layers.UpSampling2D(4, interpolation="bilinear")(x)
    return keras.Model(begin, layers.Conv2D(5, 1)(x)), [(48, 48, 3)]


def _darknet(x: Any, filters: int, size: int = 3, strides: int = 1) -> Any:
    if strides == 2:
        x = layers.ZeroPadding2D(((1, 0), (1, 0)))(x)
    x = layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="valid" if strides == 2 else "same",
        use_bias=False,
        kernel_regularizer="l2",
    )(x)
    return layers.LeakyReLU(negative_slope=0.1)(layers.BatchNormalization()(x))


def yolo() -> Built:
    """Build a YOLOv3 of unknown image size with two scales."""
    begin = keras.Input((None, None, 3))
    x, kept = _darknet(begin, 8), []
    for filters in (12, 16, 24):
        x = _darknet(x, filters, strides=2)
        x = layers.Add()([x, _darknet(_darknet(x, filters // 2, 1), filters)])
        kept.append(x)
    x = layers.MaxPooling2D(2, strides=1, padding="same")(x)
    outputs = []
    for skip in (None, kept[1]):
        if skip is not None:
            x = layers.UpSampling2D(2)(_darknet(x, 10, 1))
            x = layers.Concatenate()([x, skip])
        x = _darknet(x, 16)
        outputs.append(layers.Conv2D(3 * (5 + 2), 1)(x))
    # One size here, another one in `OTHER_SIZES`.
    return keras.Model(begin, outputs), [(48, 64, 3)]


def mtcnn() -> Built:
    """Build an MTCNN: a network of unknown size with PReLU and Softmax, two outputs."""
    begin = keras.Input((None, None, 3))
    x = layers.Conv2D(10, 3)(begin)
    x = layers.MaxPooling2D(2, padding="same")(layers.PReLU(shared_axes=[1, 2])(x))
    for filters in (16, 32):
        x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(filters, 3)(x))
    faces = layers.Softmax(axis=3)(layers.Conv2D(2, 1)(x))
    boxes = layers.Conv2D(4, 1)(x)
    return keras.Model(begin, [boxes, faces]), [(24, 27, 3)]


def rnet() -> Built:
    """Build the second network of an MTCNN, with Permute before Flatten."""
    begin = keras.Input((24, 24, 3))
    x = begin
    for filters, size in ((28, 3), (48, 3)):
        x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(filters, size)(x))
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(32, 2)(x))
    x = layers.Flatten()(layers.Permute((3, 2, 1))(x))
    x = layers.PReLU()(layers.Dense(32)(x))
    return keras.Model(begin, [layers.Dense(4)(x), layers.Dense(2, activation="softmax")(x)]), [
        (24, 24, 3)
    ]


def eegnet() -> Built:
    """Build an EEGNet with channels first."""
    first = {"data_format": "channels_first"}
    begin = keras.Input((1, 8, 64))
    x = layers.Conv2D(4, (1, 16), padding="same", use_bias=False, **first)(begin)
    x = layers.BatchNormalization(axis=1)(x)
    x = layers.DepthwiseConv2D(
        (8, 1), use_bias=False, depth_multiplier=2, depthwise_constraint="max_norm", **first
    )(x)
    x = layers.Activation("elu")(layers.BatchNormalization(axis=1)(x))
    x = layers.Dropout(0.5)(layers.AveragePooling2D((1, 4), **first)(x))
    x = layers.SeparableConv2D(8, (1, 16), padding="same", use_bias=False, **first)(x)
    x = layers.Activation("elu")(layers.BatchNormalization(axis=1)(x))
    x = layers.AveragePooling2D((1, 8), **first)(x)
    x = layers.Dense(4, kernel_constraint="max_norm")(layers.Flatten()(x))
    return keras.Model(begin, layers.Activation("softmax")(x)), [(1, 8, 64)]


def crnn() -> Built:
    """Build a recognizer of text: convolutions, then recurrent layers along the width."""
    begin = keras.Input((16, 48, 1))
    x = _normalized(begin, 8)
    x = layers.MaxPooling2D(2)(x)
    x = layers.MaxPooling2D((2, 1))(_normalized(x, 12))
    x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((24, 4 * 12))(x)
    x = layers.TimeDistributed(layers.Dense(16, activation="relu"))(x)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True, dropout=0.2))(x)
    x = layers.Conv1D(12, 3, padding="causal", activation="relu")(x)
    x = layers.Bidirectional(layers.GRU(6, return_sequences=True), merge_mode="sum")(x)
    return keras.Model(begin, layers.Dense(11, activation="softmax")(x)), [(16, 48, 1)]


def super_resolution() -> Built:
    """Build a network that turns channels into pixels."""
    begin = keras.Input((None, None, 1))
    x = layers.Conv2D(12, 5, padding="same", activation="relu")(begin)
    shortcut = x
    x = layers.Conv2D(12, 3, padding="same", activation="relu")(x)
    x = ops.depth_to_space(layers.Conv2D(12, 3, padding="same")(x + shortcut), 2)
    fine = layers.Conv2DTranspose(2, 9, strides=2, padding="same")(x)
    return keras.Model(begin, ops.clip(fine, -2.0, 2.0)), [(12, 17, 1)]


def retina() -> Built:
    """Build a feature pyramid with heads that share their layers."""
    begin = keras.Input((32, 32, 3))
    c3 = _normalized(_normalized(begin, 8, strides=2), 12, strides=2)
    c4 = _normalized(c3, 16, strides=2)
    p4 = layers.Conv2D(8, 1)(c4)
    p3 = layers.Add()([layers.UpSampling2D(2)(p4), layers.Conv2D(8, 1)(c3)])
    head = keras.Sequential(
        [
            keras.Input((None, None, 8)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(2 * 3, 3, padding="same"),
        ]
    )
    levels = [layers.Reshape((-1, 3))(head(p)) for p in (p3, p4)]
    scores = layers.Concatenate(axis=1)(levels)
    return keras.Model(begin, {"scores": layers.Activation("sigmoid")(scores), "map": p3}), [
        (32, 32, 3)
    ]


def attention() -> Built:
    """Build blocks with channel and spatial attention over two images."""
    first, second = keras.Input((20, 20, 3), name="first"), keras.Input((20, 20, 3), name="second")
    trunk = keras.Sequential([keras.Input((20, 20, 3)), layers.Conv2D(16, 3, activation="relu")])
    x = layers.Subtract()([trunk(first), trunk(second)])
    squeezed = [layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)]
    shared = layers.Dense(16, activation="hard_sigmoid")
    gate = layers.Average()([shared(s) for s in squeezed])
    x = layers.Multiply()([x, layers.Reshape((1, 1, 16))(gate)])
    planes = [ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)]
    mask = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(
        ops.concatenate(planes, axis=-1)
    )
    x = layers.GroupNormalization(4)(x * mask)
    x = layers.LayerNormalization()(layers.GlobalAveragePooling2D()(x))
    return keras.Model([first, second], layers.Dense(3)(x)), [(20, 20, 3)] * 2


ALL: tuple[Callable[[], Built], ...] = (
    unet,
    deeplab,
    yolo,
    mtcnn,
    rnet,
    eegnet,
    crnn,
    super_resolution,
    retina,
    attention,
)
OTHER_SIZES = {"yolo": (32, 40, 3), "mtcnn": (12, 12, 3), "super_resolution": (9, 8, 1)}


def main() -> None:
    """Compare all networks, those of unknown size also with another size."""
    for build in ALL:
        keras.utils.clear_session(free_memory=False)
        rng = np.random.default_rng(list(build.__name__.encode()))
        model, shapes = build()
        images = [rng.normal(size=(3, *shape)).astype(np.float32) for shape in shapes]
        x = images[0] if len(images) == 1 else images
        enliven(model, x, rng)
        print(json.dumps(compare(build.__name__, model, x).as_dict()), flush=True)
        other = OTHER_SIZES.get(build.__name__)
        if other is not None:
            x = rng.normal(size=(1, *other)).astype(np.float32)
            result = compare(f"{build.__name__}, other size", model, x)
            print(json.dumps(result.as_dict()), flush=True)


if __name__ == "__main__":
    main()
