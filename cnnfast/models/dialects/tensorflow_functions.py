"""The TensorFlow functions that `TFOpLambda` may name, with TensorFlow's arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from cnnfast import layers
from cnnfast.errors import BY_LAMBDA, Refusal, UnsupportedError
from cnnfast.models.dialects.tensorflow_tensors import MORE
from cnnfast.models.wiring import CallSpec, TensorRef
from cnnfast.ops import image
from cnnfast.ops.pointwise import activation, arithmetic, elementwise
from cnnfast.ops.reducing import reductions
from cnnfast.ops.shaping import arrangement, joining, selection
from cnnfast.symbolic.tensor import Connectable
from cnnfast.utils import tree
from cnnfast.utils.naming import spelt_like
from cnnfast.utils.registry import Registry

# What makes the operation, given its name, and what it is called on.
Made: TypeAlias = tuple[Callable[..., Connectable], list[Any]]
Function: TypeAlias = Callable[..., Made]


def translate(
    name: str, config: Mapping[str, Any], call: CallSpec
) -> tuple[Connectable, list[Any]]:
    """Return the operation for one call of a TensorFlow function, and what it is called on."""
    name_of_function = symbol(config)
    function = None if name_of_function is None else FUNCTIONS.get(name_of_function)
    if function is None:
        received = f"function={config.get('function')!r:.80}"
        raise unknown(name, name_of_function, received, FUNCTIONS)
    options = {key: value for key, value in call.kwargs.items() if key != "name"}
    make, args = function(*call.args, **options)
    return make(name=name), args


def symbol(config: Mapping[str, Any]) -> str | None:
    """Return the name of the function that a layer's config holds."""
    function = config.get("function")
    return function if isinstance(function, str) else None


def unknown(
    name: str, function: str | None, received: str, known: Iterable[str]
) -> UnsupportedError:
    """Return the error about the function or node of layer `name`, which is not `known`."""
    refusal = Refusal(
        "function",
        "not supported: this package has no such function.",
        class_name=function,
        layers=(name,),
        received=(received,),
        nearest=spelt_like(function or "", known),
        advice=BY_LAMBDA,
    )
    return UnsupportedError(refusal)


_UNARY: Mapping[str, Callable[..., Connectable]] = {
    "abs": elementwise.Absolute,
    "math.abs": elementwise.Absolute,
    "math.ceil": elementwise.Ceil,
    "math.cos": elementwise.Cos,
    "math.erf": elementwise.Erf,
    "math.exp": elementwise.Exp,
    "math.expm1": elementwise.Expm1,
    "math.floor": elementwise.Floor,
    "math.log": elementwise.Log,
    "math.log1p": elementwise.Log1p,
    "math.log_sigmoid": activation.LogSigmoid,
    "math.negative": elementwise.Negative,
    "__operators__.neg": elementwise.Negative,
    "math.reciprocal": elementwise.Reciprocal,
    "math.round": elementwise.Round,
    "round": elementwise.Round,
    "math.rsqrt": elementwise.Rsqrt,
    "math.sigmoid": activation.Sigmoid,
    "math.sign": elementwise.Sign,
    "math.sin": elementwise.Sin,
    "math.softplus": activation.Softplus,
    "math.sqrt": elementwise.Sqrt,
    "math.square": elementwise.Square,
    "math.tanh": elementwise.Tanh,
    "identity": elementwise.Identity,
    "stop_gradient": elementwise.Identity,
    "nn.elu": activation.Elu,
    "nn.relu": activation.Relu,
    "nn.relu6": activation.Relu6,
    "nn.selu": activation.Selu,
    "nn.sigmoid": activation.Sigmoid,
    "nn.softplus": activation.Softplus,
    "nn.softsign": activation.Softsign,
    "nn.tanh": elementwise.Tanh,
}

_BINARY: Mapping[str, Callable[..., Connectable]] = {
    "math.add": arithmetic.Add,
    "__operators__.add": arithmetic.Add,
    "nn.bias_add": arithmetic.Add,
    "math.divide": arithmetic.TrueDivide,
    "math.truediv": arithmetic.TrueDivide,
    "__operators__.truediv": arithmetic.TrueDivide,
    "math.floordiv": arithmetic.FloorDivide,
    "math.maximum": arithmetic.Maximum,
    "math.minimum": arithmetic.Minimum,
    "math.multiply": arithmetic.Multiply,
    "__operators__.mul": arithmetic.Multiply,
    "math.pow": arithmetic.Power,
    "math.subtract": arithmetic.Subtract,
    "__operators__.sub": arithmetic.Subtract,
}

_REDUCTIONS: Mapping[str, Callable[..., Connectable]] = {
    "math.reduce_logsumexp": reductions.Logsumexp,
    "math.reduce_max": reductions.Max,
    "math.reduce_mean": reductions.Mean,
    "math.reduce_min": reductions.Min,
    "math.reduce_prod": reductions.Prod,
    "math.reduce_std": reductions.Std,
    "math.reduce_sum": reductions.Sum,
    "math.reduce_variance": reductions.Var,
}


_ACTIVATIONS = (
    *("elu", "exponential", "gelu", "hard_sigmoid", "linear", "mish", "relu", "selu"),
    *("sigmoid", "softmax", "softplus", "softsign", "swish", "tanh"),
)


def _activation(name: str) -> Function:
    # Keras 3 changed the formula of this one.
    function = "hard_sigmoid_keras2" if name == "hard_sigmoid" else name

    def take(x: Any) -> Made:
        return partial(layers.Activation, function), [x]

    return take


def _unary(cls: Callable[..., Connectable]) -> Function:
    # TensorFlow calls the argument x, features, input and more.
    def take(*args: Any, **kwargs: Any) -> Made:
        (x,) = (*args, *kwargs.values())
        return cls, [x]

    return take


def _binary(cls: Callable[..., Connectable]) -> Function:
    def take(*args: Any, data_format: str | None = None, **kwargs: Any) -> Made:
        if data_format not in (None, "NHWC", "N...C"):
            raise UnsupportedError(f"channels must be last. Received: data_format={data_format!r}")
        x, y = (*args, *kwargs.values())
        return cls, [x, y]

    return take


# What a reduction over the first axis of a list of tensors is.
_MERGES: Mapping[Callable[..., Connectable], Callable[..., Connectable]] = {
    reductions.Max: layers.Maximum,
    reductions.Mean: layers.Average,
    reductions.Min: layers.Minimum,
    reductions.Prod: layers.Multiply,
    reductions.Sum: layers.Add,
}


def _reduction(cls: Callable[..., Connectable]) -> Function:
    def take(input_tensor: Any, axis: Any = None, keepdims: bool | None = False) -> Made:
        if isinstance(input_tensor, list | tuple):
            return _merge(cls, input_tensor, axis, bool(keepdims))
        return partial(cls, axis, bool(keepdims)), [input_tensor]

    return take


def _merge(
    cls: Callable[..., Connectable], tensors: Sequence[Any], axis: Any, keepdims: bool
) -> Made:
    """TensorFlow stacks a list along a new first axis, before the batch."""
    alone = axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis
    known = cls in _MERGES and all(isinstance(tensor, TensorRef) for tensor in tensors)
    if not known or alone != 0 or isinstance(alone, bool) or keepdims:
        raise UnsupportedError(
            "a list of tensors can be reduced along axis 0, to their sum, mean, product, maximum "
            f"or minimum. Received: axis={axis}, keepdims={keepdims}, {len(tensors)} items"
        )
    return _MERGES[cls], [list(tensors)]


def _plain(value: Any) -> Any:
    """Return an argument that must not be a tensor."""
    if any(isinstance(leaf, TensorRef) for leaf in tree.flatten(value)):
        raise UnsupportedError(f"sizes and axes must be constants. Received: {value}")
    return value


def _silu(features: Any, beta: float = 1.0) -> Made:
    if beta != 1.0:
        raise UnsupportedError(f"`beta` must be 1. Received: beta={beta}")
    return activation.Silu, [features]


def _leaky_relu(features: Any, alpha: float = 0.2) -> Made:
    return partial(activation.LeakyRelu, alpha), [features]


def _gelu(features: Any, approximate: bool = False) -> Made:
    return partial(activation.Gelu, approximate), [features]


def _softmax(logits: Any, axis: Any = None) -> Made:
    return partial(activation.Softmax, -1 if axis is None else axis), [logits]


def _log_softmax(logits: Any, axis: Any = None) -> Made:
    return partial(reductions.LogSoftmax, -1 if axis is None else axis), [logits]


def _l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, dim: Any = None) -> Made:
    axis = dim if axis is None else axis
    return partial(reductions.Normalize, axis, epsilon=epsilon**0.5), [x]


def _reshape(tensor: Any, shape: Any) -> Made:
    return partial(arrangement.Reshape, _plain(shape)), [tensor]


def _transpose(a: Any, perm: Any = None, conjugate: bool = False) -> Made:
    return partial(arrangement.Transpose, _plain(perm)), [a]


def _concat(values: Any, axis: Any) -> Made:
    return partial(joining.Concatenate, _plain(axis)), [values]


def _stack(values: Any, axis: int = 0) -> Made:
    return partial(joining.Stack, _plain(axis)), [values]


def _split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None) -> Made:
    sizes = _plain(num_or_size_splits)
    if isinstance(sizes, list):
        sizes = [sum(sizes[:end]) for end in range(1, len(sizes))]
    return partial(joining.Split, sizes, _plain(axis)), [value]


def _expand_dims(input: Any, axis: Any) -> Made:
    return partial(arrangement.ExpandDims, _plain(axis)), [input]


def _squeeze(input: Any, axis: Any = None) -> Made:
    return partial(arrangement.Squeeze, _plain(axis) or None), [input]


def _cast(x: Any, dtype: Any) -> Made:
    return partial(elementwise.Cast, dtype), [x]


def _clip(t: Any, clip_value_min: Any, clip_value_max: Any) -> Made:
    return partial(elementwise.Clip, _plain(clip_value_min), _plain(clip_value_max)), [t]


def _resize(
    images: Any,
    size: Any,
    method: Any = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
) -> Made:
    if preserve_aspect_ratio:
        raise UnsupportedError("`preserve_aspect_ratio` must be False. Received: True")
    return partial(image.Resize, _plain(size), method, antialias), [images]


def _pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0) -> Made:
    make = partial(selection.Pad, _plain(paddings), mode.lower())
    # Stays an argument of the call, as in Keras.
    return make, [tensor, _plain(constant_values)]


def _tile(input: Any, multiples: Any) -> Made:
    return partial(selection.Tile, _plain(multiples)), [input]


def _repeat(input: Any, repeats: Any, axis: Any = None) -> Made:
    return partial(selection.Repeat, _plain(repeats), axis), [input]


def _reverse(tensor: Any, axis: Any) -> Made:
    return partial(selection.Flip, _plain(axis)), [tensor]


def _gather(params: Any, indices: Any, axis: Any = 0, **rest: Any) -> Made:
    return partial(selection.Take, _plain(axis)), [params, _plain(indices)]


def _getitem(tensor: Any, slice_spec: Any, var: Any = None) -> Made:
    items = slice_spec if isinstance(slice_spec, list) else [slice_spec]
    return selection.GetItem, [tensor, [_index(item) for item in items]]


def _index(item: Any) -> Any:
    if isinstance(item, Mapping) and item.get("class_name") == "__ellipsis__":
        return Ellipsis
    if isinstance(item, Mapping):
        return slice(*(_plain(item.get(field)) for field in ("start", "stop", "step")))
    return _plain(item)


def _blocks(cls: Callable[..., Connectable]) -> Function:
    def take(input: Any, block_size: int, data_format: str = "NHWC") -> Made:
        return partial(cls, block_size, _data_format(data_format)), [input]

    return take


def _pool(cls: Callable[..., Connectable]) -> Function:
    def take(
        input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None = "NHWC"
    ) -> Made:
        make = partial(
            cls,
            pool_size=_window(ksize),
            strides=_window(strides),
            padding=padding.lower(),
            data_format=_data_format(data_format or "NHWC"),
        )
        return make, [input]

    return take


def _window(sizes: Any) -> Any:
    """Return height and width of a window, which may be given with the batch and channels."""
    if isinstance(sizes, list) and len(sizes) == 4:
        if sizes[0] != 1 or sizes[3] != 1:
            raise UnsupportedError(f"a window must be over height and width. Received: {sizes}")
        return sizes[1:3]
    return sizes[0] if isinstance(sizes, list) and len(sizes) == 1 else sizes


def _data_format(name: str) -> str:
    if name not in ("NHWC", "NCHW"):
        raise UnsupportedError(f"`data_format` must be NHWC or NCHW. Received: {name!r}")
    return "channels_last" if name == "NHWC" else "channels_first"


_OTHERS: Mapping[str, Function] = {
    "__operators__.getitem": _getitem,
    "cast": _cast,
    "clip_by_value": _clip,
    "compat.v1.gather": _gather,
    "compat.v1.pad": _pad,
    "compat.v1.squeeze": _squeeze,
    "compat.v1.transpose": _transpose,
    "concat": _concat,
    "expand_dims": _expand_dims,
    "gather": _gather,
    "image.resize": _resize,
    "linalg.l2_normalize": _l2_normalize,
    "math.l2_normalize": _l2_normalize,
    "nn.avg_pool": _pool(layers.AveragePooling2D),
    "nn.avg_pool2d": _pool(layers.AveragePooling2D),
    "nn.depth_to_space": _blocks(image.DepthToSpace),
    "nn.gelu": _gelu,
    "nn.l2_normalize": _l2_normalize,
    "nn.leaky_relu": _leaky_relu,
    "nn.log_softmax": _log_softmax,
    "nn.max_pool": _pool(layers.MaxPooling2D),
    "nn.max_pool2d": _pool(layers.MaxPooling2D),
    "nn.silu": _silu,
    "nn.softmax": _softmax,
    "nn.space_to_depth": _blocks(image.SpaceToDepth),
    "nn.swish": _silu,
    "pad": _pad,
    "repeat": _repeat,
    "reshape": _reshape,
    "reverse": _reverse,
    "split": _split,
    "squeeze": _squeeze,
    "stack": _stack,
    "tile": _tile,
    "transpose": _transpose,
}

FUNCTIONS: Registry[Function] = Registry("TensorFlow function")
"""Every TensorFlow function that a file may name."""

FUNCTIONS.register(
    **{name: _unary(cls) for name, cls in _UNARY.items()},
    **{name: _binary(cls) for name, cls in _BINARY.items()},
    **{name: _reduction(cls) for name, cls in _REDUCTIONS.items()},
    **{f"keras.activations.{name}": _activation(name) for name in _ACTIVATIONS},
    **_OTHERS,
    **MORE,
)
FUNCTIONS.seal()
