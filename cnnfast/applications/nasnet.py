"""NASNet: two cells that a search found, again and again.

Zoph, Vasudevan, Shlens and Le, https://arxiv.org/abs/1707.07012.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast import layers
from cnnfast.applications.building import Options, Pooling, Weights, halving_pads
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils.naming import name_scope

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")
_MOMENTUM = 0.9997
_EPSILON = 1e-3
_GROWTH = 2
_PARTS = 24  # of the filters that come out in the end


def NASNetMobile(  # noqa: N802 - Keras' name
    input_shape: OpenShape | None = None,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike = "softmax",
    name: str = "nasnet_mobile",
) -> Model:
    """Build the small NASNet, for images that went through `preprocess_input`.

    Parameters and errors are those of `building.Options`; `name` is that of the model.
    """
    options = Options(
        "NASNetMobile",
        include_top,
        weights,
        input_tensor,
        (224, 224, 3) if input_shape is None else input_shape,
        pooling,
        classes,
        classifier_activation,
        f"nasnet_mobile{'' if include_top else '_no_top'}.h5",
    )
    return _built(options, name, last=1056, blocks=4, stem=32, skip_reduction=False)


def NASNetLarge(  # noqa: N802 - Keras' name
    input_shape: OpenShape | None = None,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike = "softmax",
    name: str = "nasnet_large",
) -> Model:
    """Build the large NASNet, for images that went through `preprocess_input`.

    Parameters and errors are those of `building.Options`; `name` is that of the model.
    """
    options = Options(
        "NASNetLarge",
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        f"nasnet_large{'' if include_top else '_no_top'}.h5",
        default_size=331,
    )
    return _built(options, name, last=4032, blocks=6, stem=96, skip_reduction=True)


def _built(
    options: Options, name: str, *, last: int, blocks: int, stem: int, skip_reduction: bool
) -> Model:
    begin = options.input()
    filters = last // _PARTS
    x = layers.Conv2D(stem, 3, strides=2, use_bias=False, name="stem_conv1")(begin)
    x = _normalized(x, "stem_bn1")
    before: Any = None
    x, before = _reduction(x, before, filters // _GROWTH**2, "stem_1")
    x, before = _reduction(x, before, filters // _GROWTH, "stem_2")
    for stage in range(3):
        wide = filters * _GROWTH**stage
        if stage:
            x, reduced = _reduction(x, before, wide, f"reduce_{stage * blocks}")
            before = before if skip_reduction else reduced
        for block in range(blocks):
            number = stage * blocks + block + (1 if stage else 0)
            x, before = _normal(x, before, wide, f"{number}")
    x = layers.Activation("relu")(x)
    if options.include_top:
        end = options.predictions(layers.GlobalAveragePooling2D()(x))
    else:
        end = options.pooled(x, named=False)
    return options.model(begin, end, name)


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=-1, momentum=_MOMENTUM, epsilon=_EPSILON, name=name)(x)


def _pointwise(x: Any, filters: int, name: str) -> Any:
    return layers.Conv2D(filters, 1, padding="same", use_bias=False, name=name)(x)


def _separable(x: Any, filters: int, size: int, name: str, strides: int = 1) -> Any:
    with name_scope(f"separable_conv_block_{name}"):
        x = layers.Activation("relu")(x)
        padding: Any = "same"
        if strides == 2:
            pads = halving_pads(x, size)
            x = layers.ZeroPadding2D(pads, name=f"separable_conv_1_pad_{name}")(x)
            padding = "valid"
        x = layers.SeparableConv2D(
            filters,
            size,
            strides=strides,
            padding=padding,
            use_bias=False,
            name=f"separable_conv_1_{name}",
        )(x)
        x = layers.Activation("relu")(_normalized(x, f"separable_conv_1_bn_{name}"))
        x = layers.SeparableConv2D(
            filters, size, padding="same", use_bias=False, name=f"separable_conv_2_{name}"
        )(x)
        return _normalized(x, f"separable_conv_2_bn_{name}")


def _adjusted(before: Any, x: Any, filters: int, name: str) -> Any:
    """Return what came in before with the size of `x`, and as many filters as are asked for."""
    if before is None:
        return x
    with name_scope("adjust_block"):
        if before.shape[-2] != x.shape[-2]:
            with name_scope(f"adjust_reduction_block_{name}"):
                return _halved(before, filters, name)
        if before.shape[-1] != filters:
            with name_scope(f"adjust_projection_block_{name}"):
                y = layers.Activation("relu")(before)
                y = _pointwise(y, filters, f"adjust_conv_projection_{name}")
                return _normalized(y, f"adjust_bn_{name}")
    return before


def _halved(x: Any, filters: int, name: str) -> Any:
    y = layers.Activation("relu", name=f"adjust_relu_1_{name}")(x)
    first = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_1_{name}")(y)
    first = _pointwise(first, filters // 2, f"adjust_conv_1_{name}")
    # The other pixels: those one row and one column further.
    second = layers.ZeroPadding2D(((0, 1), (0, 1)))(y)
    second = layers.Cropping2D(((1, 0), (1, 0)))(second)
    second = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_2_{name}")(second)
    second = _pointwise(second, filters // 2, f"adjust_conv_2_{name}")
    return _normalized(layers.concatenate([first, second], axis=-1), f"adjust_bn_{name}")


def _pooled(x: Any, name: str) -> Any:
    return layers.AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def _normal(x: Any, before: Any, filters: int, name: str) -> tuple[Any, Any]:
    with name_scope(f"normal_A_block_{name}"):
        p = _adjusted(before, x, filters, name)
        h = layers.Activation("relu")(x)
        h = _normalized(_pointwise(h, filters, f"normal_conv_1_{name}"), f"normal_bn_1_{name}")
        with name_scope("block_1"):
            left = _separable(h, filters, 5, f"normal_left1_{name}")
            right = _separable(p, filters, 3, f"normal_right1_{name}")
            first = layers.add([left, right], name=f"normal_add_1_{name}")
        with name_scope("block_2"):
            left = _separable(p, filters, 5, f"normal_left2_{name}")
            right = _separable(p, filters, 3, f"normal_right2_{name}")
            second = layers.add([left, right], name=f"normal_add_2_{name}")
        third = layers.add([_pooled(h, f"normal_left3_{name}"), p], name=f"normal_add_3_{name}")
        left, right = (_pooled(p, f"normal_{side}4_{name}") for side in ("left", "right"))
        fourth = layers.add([left, right], name=f"normal_add_4_{name}")
        with name_scope("block_5"):
            left = _separable(h, filters, 3, f"normal_left5_{name}")
            fifth = layers.add([left, h], name=f"normal_add_5_{name}")
        parts = [p, first, second, third, fourth, fifth]
        return layers.concatenate(parts, axis=-1, name=f"normal_concat_{name}"), x


def _reduction(x: Any, before: Any, filters: int, name: str) -> tuple[Any, Any]:
    with name_scope(f"reduction_A_block_{name}"):
        p = _adjusted(before, x, filters, name)
        h = layers.Activation("relu")(x)
        h = _pointwise(h, filters, f"reduction_conv_1_{name}")
        h = _normalized(h, f"reduction_bn_1_{name}")
        padded = layers.ZeroPadding2D(halving_pads(h, 3), name=f"reduction_pad_1_{name}")(h)
        with name_scope("block_1"):
            left = _separable(h, filters, 5, f"reduction_left1_{name}", 2)
            right = _separable(p, filters, 7, f"reduction_right1_{name}", 2)
            first = layers.add([left, right], name=f"reduction_add_1_{name}")
        with name_scope("block_2"):
            left = layers.MaxPooling2D(3, strides=2, name=f"reduction_left2_{name}")(padded)
            right = _separable(p, filters, 7, f"reduction_right2_{name}", 2)
            second = layers.add([left, right], name=f"reduction_add_2_{name}")
        with name_scope("block_3"):
            left = layers.AveragePooling2D(3, strides=2, name=f"reduction_left3_{name}")(padded)
            right = _separable(p, filters, 5, f"reduction_right3_{name}", 2)
            third = layers.add([left, right], name=f"reduction_add3_{name}")
        fourth = layers.add([second, _pooled(first, f"reduction_left4_{name}")])
        with name_scope("block_5"):
            left = _separable(first, filters, 3, f"reduction_left4_{name}")
            right = layers.MaxPooling2D(3, strides=2, name=f"reduction_right5_{name}")(padded)
            fifth = layers.add([left, right], name=f"reduction_add4_{name}")
        parts = [second, third, fourth, fifth]
        return layers.concatenate(parts, axis=-1, name=f"reduction_concat_{name}"), x
