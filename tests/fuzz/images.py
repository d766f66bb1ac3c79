"""Random layers on images: tensors of rank 4."""

from __future__ import annotations

from typing import Any

from keras import layers

from fuzz.draw import Draw, Shape


def _strides_and_dilation(draw: Draw) -> dict[str, Any]:
    # Keras takes one of the two, not both.
    kind = draw.integer(0, 3)
    if kind == 0:
        return {"strides": draw.pair(1, 3)}
    if kind == 1:
        return {"dilation_rate": draw.pair(1, 2)}
    return {}


def _channels(shape: Shape, chosen: dict[str, str]) -> int:
    return int(shape[1 if chosen else -1] or 1)


def conv(draw: Draw, shape: Shape) -> layers.Layer:
    chosen = draw.data_format()
    channels = _channels(shape, chosen)
    groups = draw.one([g for g in (1, 1, 2, 3, channels) if channels % g == 0])
    return layers.Conv2D(
        groups * draw.integer(1, 5 if groups < 4 else 2),
        draw.pair(1, 4),
        padding=draw.padding(),
        groups=groups,
        activation=draw.activation(),
        use_bias=draw.chance(0.7),
        **_strides_and_dilation(draw),
        **chosen,
    )


def depthwise(draw: Draw, shape: Shape) -> layers.Layer:
    kind = draw.integer(0, 2)
    stride = {"strides": draw.integer(1, 3)} if kind == 0 else {}
    dilation = {"dilation_rate": draw.pair(1, 2)} if kind == 1 else {}
    return layers.DepthwiseConv2D(
        draw.pair(1, 4),
        padding=draw.padding(),
        depth_multiplier=draw.integer(1, 3),
        activation=draw.activation(),
        use_bias=draw.chance(0.7),
        **stride,
        **dilation,
        **draw.data_format(),
    )


def separable(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.SeparableConv2D(
        draw.integer(1, 6),
        draw.pair(1, 3),
        strides=draw.integer(1, 2),
        padding=draw.padding(),
        depth_multiplier=draw.integer(1, 2),
        activation=draw.activation(),
        use_bias=draw.chance(0.7),
        **draw.data_format(),
    )


def transpose(draw: Draw, shape: Shape) -> layers.Layer:
    stride = draw.integer(1, 3)
    more: dict[str, Any] = {}
    if stride == 1 and draw.chance(0.3):
        more["dilation_rate"] = 2
    elif stride > 1 and draw.chance(0.25):
        more["output_padding"] = draw.integer(0, stride - 1)
    return layers.Conv2DTranspose(
        draw.integer(1, 5),
        draw.pair(1, 4),
        strides=stride,
        padding=draw.padding(),
        activation=draw.activation(),
        use_bias=draw.chance(0.7),
        **more,
        **draw.data_format(),
    )


def pool(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.MaxPooling2D, layers.AveragePooling2D))
    strides = draw.one((None, draw.pair(1, 3)))
    return cls(draw.pair(1, 3), strides, padding=draw.padding(), **draw.data_format())


def global_pool(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D))
    return cls(keepdims=draw.chance(0.4), **draw.data_format())


def adaptive_pool(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.AdaptiveMaxPooling2D, layers.AdaptiveAveragePooling2D))
    return cls(draw.pair(1, 5), **draw.data_format())


def adaptive_size(draw: Draw, shape: Shape) -> layers.Layer:
    smooth = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
    if draw.chance(0.6):
        return layers.UpSampling2D(
            draw.pair(1, 3), interpolation=draw.one(smooth), **draw.data_format()
        )
    how = draw.one(({}, {}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True}))
    return layers.Resizing(
        draw.integer(2, 9),
        draw.integer(2, 9),
        interpolation=draw.one(smooth),
        antialias=draw.chance(0.25),
        **how,
        **draw.data_format(),
    )


def border(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.ZeroPadding2D, layers.ZeroPadding2D, layers.Cropping2D))
    rows, columns = ((draw.integer(0, 2), draw.integer(0, 2)) for _ in range(2))
    size = draw.one((draw.integer(0, 2), (draw.integer(0, 2), draw.integer(0, 2)), (rows, columns)))
    return cls(size, **draw.data_format())


def center_crop(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.CenterCrop(draw.integer(1, 7), draw.integer(1, 7), **draw.data_format())


def augmentation(draw: Draw, shape: Shape) -> layers.Layer:
    return draw.one(
        (
            layers.RandomFlip,
            lambda: layers.RandomRotation(0.1),
            lambda: layers.RandomZoom(0.2),
            lambda: layers.RandomTranslation(0.1, 0.1),
            lambda: layers.RandomContrast(0.2),
            lambda: layers.RandomBrightness(0.2),
            lambda: layers.SpatialDropout2D(0.3, **draw.data_format()),
        )
    )()


def to_columns(draw: Draw, shape: Shape) -> layers.Layer:
    """Turn an image into a sequence, as text recognizers do."""
    _, height, width, channels = shape
    if width is None or height is None or channels is None:
        return layers.Reshape((-1, channels or 1))
    target = draw.one(
        ((width, height * channels), (height * width, channels), (-1, channels), (-1,))
    )
    return layers.Reshape(target)


MAKERS = (
    (conv, 6),
    (depthwise, 3),
    (separable, 2),
    (transpose, 3),
    (pool, 4),
    (global_pool, 1),
    (adaptive_pool, 1),
    (adaptive_size, 2),
    (border, 2),
    (center_crop, 1),
    (augmentation, 1),
    (to_columns, 1),
)
