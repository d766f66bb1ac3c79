"""Nodes of a TensorFlow graph, which Keras 2.0 to 2.3 wrote as ``TensorFlowOpLayer``.

A node names its operation and holds what is constant in two places: attributes, and inputs that
are no tensors. Each becomes a call of a function of `tensorflow_functions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnnfast.errors import UnsupportedError
from cnnfast.models.dialects import tensorflow_functions
from cnnfast.models.wiring import CallSpec
from cnnfast.symbolic.tensor import Connectable
from cnnfast.utils import tree

# What a node's inputs and attributes are as arguments of a function.
_Arguments = tuple[Sequence[Any], Mapping[str, Any]]


def translate(
    name: str, config: Mapping[str, Any], call: CallSpec
) -> tuple[Connectable, list[Any]]:
    """Return the operation for one call of a node, and what it is called on."""
    node, op = config.get("node_def"), symbol(config)
    if not isinstance(node, Mapping) or op is None or op not in _FUNCTIONS:
        raise tensorflow_functions.unknown(name, op, f"op={op!r:.80}", _FUNCTIONS)
    inputs = tree.flatten(call.args)
    constants = config.get("constants") or {}
    for index, value in sorted((int(key), value) for key, value in constants.items()):
        inputs.insert(index, value)
    function, arrange = _FUNCTIONS[op]
    attributes = {key: _attribute(value) for key, value in (node.get("attr") or {}).items()}
    args, kwargs = arrange(inputs, attributes)
    spec = CallSpec(tuple(args), kwargs)
    return tensorflow_functions.translate(name, {"function": function}, spec)


def symbol(config: Mapping[str, Any]) -> str | None:
    """Return the name of the operation that a layer's config holds."""
    node = config.get("node_def")
    op = node.get("op") if isinstance(node, Mapping) else None
    return op if isinstance(op, str) else None


def _attribute(value: Mapping[str, Any]) -> Any:
    """Return the value of an attribute, which is a dict with its type's letter as key."""
    (kind, content), *_ = value.items()
    if kind == "i":
        return int(content)
    if kind == "list":
        return [int(item) for item in content.get("i", [])]
    return content


def _plain(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> _Arguments:
    return inputs, {}


def _with(**names: str) -> Callable[[Sequence[Any], Mapping[str, Any]], _Arguments]:
    """Pass attributes on: the function's argument, and the attribute it is."""

    def arrange(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> _Arguments:
        return inputs, {key: attributes[name] for key, name in names.items() if name in attributes}

    return arrange


def _concat(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> _Arguments:
    return [list(inputs[:-1]), inputs[-1]], {}


def _pack(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> _Arguments:
    return [list(inputs)], {"axis": attributes.get("axis", 0)}


def _resize(method: str) -> Callable[[Sequence[Any], Mapping[str, Any]], _Arguments]:
    def arrange(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> _Arguments:
        if not attributes.get("half_pixel_centers"):
            raise UnsupportedError(
                "images must be resized with half_pixel_centers. Received: False"
            )
        return inputs, {"method": method}

    return arrange


def _cast(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> _Arguments:
    dtype = str(attributes.get("DstT", ""))
    names = {"DT_FLOAT": "float32", "DT_HALF": "float16", "DT_DOUBLE": "float64"}
    return inputs, {"dtype": names.get(dtype, dtype.removeprefix("DT_").lower())}


def _strided_slice(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> _Arguments:
    x, begin, end, strides = inputs
    masks = {
        key: int(attributes.get(f"{key}_mask", 0))
        for key in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }

    def item(axis: int, first: int, last: int, step: int) -> Any:
        def masked(key: str) -> bool:
            return bool(masks[key] >> axis & 1)

        if masked("ellipsis"):
            return {"class_name": "__ellipsis__"}
        if masked("new_axis"):
            return None
        if masked("shrink_axis"):
            return first
        return {
            "start": None if masked("begin") else first,
            "stop": None if masked("end") else last,
            "step": step,
        }

    rows = enumerate(zip(begin, end, strides, strict=True))
    return [x, [item(axis, *row) for axis, row in rows]], {}


_OF_LRN = ("depth_radius", "bias", "alpha", "beta")
_FUNCTIONS: Mapping[str, tuple[str, Callable[..., _Arguments]]] = {
    "Abs": ("math.abs", _plain),
    "Add": ("math.add", _plain),
    "AddV2": ("math.add", _plain),
    "BatchMatMulV2": ("linalg.matmul", _with(adjoint_a="adj_x", adjoint_b="adj_y")),
    "BiasAdd": ("nn.bias_add", _plain),
    "Cast": ("cast", _cast),
    "ConcatV2": ("concat", _concat),
    "DepthToSpace": ("nn.depth_to_space", _with(block_size="block_size")),
    "Exp": ("math.exp", _plain),
    "ExpandDims": ("expand_dims", _plain),
    "Identity": ("identity", _plain),
    "LeakyRelu": ("nn.leaky_relu", _with(alpha="alpha")),
    "LRN": ("nn.local_response_normalization", _with(**{n: n for n in _OF_LRN})),
    "Log": ("math.log", _plain),
    "Max": ("math.reduce_max", _with(keepdims="keep_dims")),
    "Maximum": ("math.maximum", _plain),
    "Mean": ("math.reduce_mean", _with(keepdims="keep_dims")),
    "Min": ("math.reduce_min", _with(keepdims="keep_dims")),
    "Minimum": ("math.minimum", _plain),
    "MirrorPad": ("pad", _with(mode="mode")),
    "Mul": ("math.multiply", _plain),
    "Neg": ("math.negative", _plain),
    "Pack": ("stack", _pack),
    "Pad": ("pad", _plain),
    "Pow": ("math.pow", _plain),
    "RealDiv": ("math.truediv", _plain),
    "Relu": ("nn.relu", _plain),
    "Relu6": ("nn.relu6", _plain),
    "Reshape": ("reshape", _plain),
    "ResizeBilinear": ("image.resize", _resize("bilinear")),
    "ResizeNearestNeighbor": ("image.resize", _resize("nearest")),
    "ReverseV2": ("reverse", _plain),
    "Rsqrt": ("math.rsqrt", _plain),
    "Sigmoid": ("math.sigmoid", _plain),
    "Softmax": ("nn.softmax", _plain),
    "Softplus": ("math.softplus", _plain),
    "SpaceToDepth": ("nn.space_to_depth", _with(block_size="block_size")),
    "Sqrt": ("math.sqrt", _plain),
    "Square": ("math.square", _plain),
    "Squeeze": ("squeeze", _with(axis="squeeze_dims")),
    "StridedSlice": ("__operators__.getitem", _strided_slice),
    "Sub": ("math.subtract", _plain),
    "Sum": ("math.reduce_sum", _with(keepdims="keep_dims")),
    "Tanh": ("math.tanh", _plain),
    "Tile": ("tile", _plain),
    "Transpose": ("transpose", _plain),
}
