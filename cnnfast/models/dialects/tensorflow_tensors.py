"""TensorFlow functions that compare, choose, pick and multiply tensors, with their arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.image import color, resizing
from cnnfast.ops.networks import attention, contractions, convolution, linear, normalization
from cnnfast.ops.pointwise import comparison
from cnnfast.ops.pointwise.arithmetic import Mod, maximum, power
from cnnfast.ops.pointwise.elementwise import sqrt, square
from cnnfast.ops.reducing import reductions, statistics
from cnnfast.ops.shaping import ordering, pieces
from cnnfast.ops.shaping.arrangement import Transpose
from cnnfast.symbolic.arguments import axes
from cnnfast.symbolic.tensor import Connectable

Function: TypeAlias = Callable[..., tuple[Callable[..., Connectable], list[Any]]]


class SquaredDifference(Composite):
    """``(x - y) ** 2``."""

    def composed(self, x: Any, y: Any) -> Any:
        return square(x - y)


class TransposedMatmul(Composite):
    """A product of matrices, one or both of which are transposed first."""

    def __init__(self, first: bool, second: bool, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.first, self.second = first, second

    def composed(self, x1: Any, x2: Any) -> Any:
        a = self._turned(x1) if self.first else x1
        return linear.matmul(a, self._turned(x2) if self.second else x2)

    def _turned(self, x: Any) -> Any:
        rank = pieces.ndim_of(x)
        return Transpose([*range(rank - 2), rank - 1, rank - 2])(x)


def _matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    **options: Any,
) -> Any:
    if any(options.values()):
        raise UnsupportedError(f"`matmul` must be plain. Received: {options}")
    first, second = transpose_a or adjoint_a, transpose_b or adjoint_b
    if not (first or second):
        return linear.Matmul, [a, b]
    return partial(TransposedMatmul, first, second), [a, b]


def _compared(cls: Callable[..., Connectable]) -> Function:
    def take(*args: Any, **kwargs: Any) -> Any:
        x, y = (*args, *kwargs.values())
        return cls, [x, y]

    return take


def _asked(cls: Callable[..., Connectable]) -> Function:
    def take(x: Any) -> Any:
        return cls, [x]

    return take


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    return comparison.Where, [condition, x, y]


class Position(Composite):
    """Where the largest or smallest number stands; of -0 and 0, which are equal, the first."""

    def __init__(self, cls: type[ordering.Argmax], axis: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.cls, self.axis = cls, axis

    def composed(self, x: Any) -> Any:
        return self.cls(self.axis)(x + 0)  # which leaves no -0


def _arg(cls: type[ordering.Argmax]) -> Function:
    def take(input: Any, axis: Any = None, output_type: Any = "int64") -> Any:
        # TensorFlow's first axis is Keras' None: the batch.
        return partial(Position, cls, 0 if axis is None else axis), [input]

    return take


def _unstack(value: Any, num: int | None = None, axis: int = 0) -> Any:
    return partial(pieces.Unstack, num, axis), [value]


def _slice(input_: Any, begin: Any, size: Any) -> Any:
    return partial(pieces.Slice, size), [input_, begin]


def _add_n(inputs: Any) -> Any:
    return (layers.Add, [inputs]) if len(inputs) > 1 else (layers.Identity, inputs)


def _einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    return partial(contractions.Einsum, equation), list(inputs)


def _norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None) -> Any:
    order = None if ord == "euclidean" else ord
    return partial(statistics.Norm, order, axis, bool(keepdims)), [tensor]


def _top_k(input: Any, k: int = 1, sorted: bool = True, index_type: Any = "int32") -> Any:
    return partial(ordering.TopK, k, sorted), [input]


def _cumsum(cls: Callable[..., Connectable]) -> Function:
    def take(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
        if exclusive or reverse:
            raise UnsupportedError(
                "`exclusive` and `reverse` must be False. Received: "
                f"exclusive={exclusive}, reverse={reverse}"
            )
        return partial(cls, axis), [x]

    return take


def _sort(values: Any, axis: int = -1, direction: str = "ASCENDING") -> Any:
    if direction != "ASCENDING":
        raise UnsupportedError(f"`direction` must be ASCENDING. Received: {direction!r}")
    return partial(ordering.Sort, axis), [values]


def _one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: Any = None,
    dtype: Any = None,
) -> Any:
    if on_value not in (None, 1) or off_value not in (None, 0):
        raise UnsupportedError(
            f"values must be 1 and 0. Received: on_value={on_value}, off_value={off_value}"
        )
    return partial(attention.OneHot, depth, -1 if axis is None else axis, dtype), [indices]


def _moments(x: Any, axes: Any, shift: Any = None, keepdims: bool = False) -> Any:
    return partial(statistics.Moments, axes, keepdims), [x]


def _batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float
) -> Any:
    make = partial(normalization.BatchNorm, -1, variance_epsilon)
    return make, [x, mean, variance, offset, scale]


class LocalResponseNormalization(Composite):
    """Over a power of the sum of squares of the channels around each."""

    def __init__(
        self, radius: int, bias: float, alpha: float, beta: float, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.radius, self.bias, self.alpha, self.beta = radius, bias, alpha, beta

    def composed(self, x: Any) -> Any:
        channel = np.arange(pieces.shape_of(x)[-1])
        around = np.abs(channel[:, None] - channel) <= self.radius
        squares = linear.matmul(square(x), around.astype(np.float32))
        return x * power(self.bias + self.alpha * squares, -self.beta)


def _lrn(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Any:
    make = partial(LocalResponseNormalization, depth_radius, bias, alpha, beta)
    return make, [input]


class ImageStandardization(Composite):
    """Less the mean of an image, over its standard deviation, which is never too small."""

    def composed(self, x: Any) -> Any:
        image = (-3, -2, -1)
        count = np.prod([int(size) for size in pieces.shape_of(x)[-3:]])
        least = np.float32(1 / np.sqrt(count))
        centred = x - reductions.mean(x, image, keepdims=True)
        deviation = sqrt(reductions.mean(square(centred), image, keepdims=True))
        return centred / maximum(deviation, least)


def _standardized(image: Any) -> Any:
    return ImageStandardization, [image]


def _grayscale(images: Any) -> Any:
    return color.RGBToGrayscale, [images]


def _resize_bilinear(
    images: Any,
    size: Any,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> Any:
    if align_corners or not half_pixel_centers:
        raise UnsupportedError(
            "pixels must have their centres in their middle. Received: "
            f"align_corners={align_corners}, half_pixel_centers={half_pixel_centers}",
            advice="In TensorFlow, use `tf.image.resize` and save the model again.",
        )
    return partial(resizing.Resize, size, "bilinear"), [images]


def _conv2d(
    input: Any,
    filters: Any = None,
    strides: Any = 1,
    padding: str = "VALID",
    data_format: str = "NHWC",
    dilations: Any = 1,
    filter: Any = None,
) -> Any:
    kernel = filter if filters is None else filters
    if not isinstance(padding, str):
        raise UnsupportedError(f"`padding` must be SAME or VALID. Received: {padding}")
    first = data_format == "NCHW"
    make = partial(
        convolution.Conv,
        _spatial(strides, first),
        padding.lower(),
        "channels_first" if first else "channels_last",
        _spatial(dilations, first),
    )
    return make, [input, np.asarray(kernel, np.float32)]


def _spatial(sizes: Any, first: bool) -> Any:
    if isinstance(sizes, list | tuple) and len(sizes) == 4:
        return list(sizes[2:] if first else sizes[1:3])
    known = axes(1 if sizes is None else sizes, "strides")
    return known[0] if len(known) == 1 else list(known)


_COMPARISONS: Mapping[str, Callable[..., Connectable]] = {
    "equal": comparison.Equal,
    "not_equal": comparison.NotEqual,
    "greater": comparison.Greater,
    "greater_equal": comparison.GreaterEqual,
    "less": comparison.Less,
    "less_equal": comparison.LessEqual,
    "logical_and": comparison.LogicalAnd,
    "logical_or": comparison.LogicalOr,
    "logical_xor": comparison.LogicalXor,
    "floormod": Mod,
    "mod": Mod,
    "squared_difference": SquaredDifference,
}
_QUESTIONS: Mapping[str, Callable[..., Connectable]] = {
    "logical_not": comparison.LogicalNot,
    "is_nan": comparison.Isnan,
    "is_inf": comparison.Isinf,
    "is_finite": comparison.Isfinite,
}

MORE: Mapping[str, Function] = {
    **{f"math.{name}": _compared(cls) for name, cls in _COMPARISONS.items()},
    **{f"math.{name}": _asked(cls) for name, cls in _QUESTIONS.items()},
    "__operators__.eq": _compared(comparison.Equal),
    "__operators__.ne": _compared(comparison.NotEqual),
    "math.add_n": _add_n,
    "math.argmax": _arg(ordering.Argmax),
    "math.argmin": _arg(ordering.Argmin),
    "math.cumsum": _cumsum(ordering.Cumsum),
    "math.cumprod": _cumsum(ordering.Cumprod),
    "math.top_k": _top_k,
    "nn.top_k": _top_k,
    "sort": _sort,
    "where": _where,
    "compat.v1.where": _where,
    "unstack": _unstack,
    "slice": _slice,
    "one_hot": _one_hot,
    "einsum": _einsum,
    "linalg.einsum": _einsum,
    "norm": _norm,
    "linalg.norm": _norm,
    "linalg.matmul": _matmul,
    "nn.moments": _moments,
    "nn.batch_normalization": _batch_normalization,
    "nn.conv2d": _conv2d,
    "nn.local_response_normalization": _lrn,
    "nn.lrn": _lrn,
    "image.per_image_standardization": _standardized,
    "image.rgb_to_grayscale": _grayscale,
    "compat.v1.image.resize_bilinear": _resize_bilinear,
}
"""What `FUNCTIONS` has of these, by TensorFlow's names."""
