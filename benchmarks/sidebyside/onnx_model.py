"""Keras Sequential models as ONNX graphs, as a good converter would write them.

The images come in as Keras has them, (n, height, width, channels). One transpose puts the
channels first, where ONNX' convolutions want them, and one puts them back before Flatten,
whose order of numbers the next layer's weights depend on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

OPSET = 17
IR_VERSION = 9
CHANNELS_FIRST = [0, 3, 1, 2]
CHANNELS_LAST = [0, 2, 3, 1]

ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}


class UnsupportedLayerError(ValueError):
    """A layer or option that this converter has no ONNX form for."""


class GraphWriter:
    """Nodes and weights of a graph that is a chain; `last` is the chain's end."""

    def __init__(self, first: str) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self.last = first
        self.channels_first = False

    def weight(self, array: npt.ArrayLike) -> str:
        """Store an array; return its name."""
        name = f"weight_{len(self.weights)}"
        contiguous = np.ascontiguousarray(np.asarray(array))
        self.weights.append(numpy_helper.from_array(contiguous, name))
        return name

    def node(self, op: str, *weights: str, **attributes: Any) -> None:
        """Append one operation on the end of the chain."""
        out = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.last, *weights], [out], **attributes))
        self.last = out

    def order(self, channels_first: bool) -> None:
        """Transpose images unless they already are in that order."""
        if self.channels_first != channels_first:
            self.node("Transpose", perm=CHANNELS_FIRST if channels_first else CHANNELS_LAST)
            self.channels_first = channels_first


def conv2d(graph: GraphWriter, layer: Any) -> None:
    """Append Conv with its activation."""
    graph.order(channels_first=True)
    kernel, *bias = layer.get_weights()
    graph.node(
        "Conv",
        graph.weight(kernel.transpose(3, 2, 0, 1)),
        *map(graph.weight, bias),
        kernel_shape=layer.kernel_size,
        strides=layer.strides,
        dilations=layer.dilation_rate,
        group=layer.groups,
        auto_pad=auto_pad(layer),
    )
    activation(graph, layer)


def max_pooling2d(graph: GraphWriter, layer: Any) -> None:
    """Append MaxPool."""
    graph.order(channels_first=True)
    graph.node(
        "MaxPool", kernel_shape=layer.pool_size, strides=layer.strides, auto_pad=auto_pad(layer)
    )


def batch_normalization(graph: GraphWriter, layer: Any) -> None:
    """Append BatchNormalization, whose channels are axis 1 in ONNX."""
    if layer.axis not in {-1, len(layer.input.shape) - 1}:
        raise UnsupportedLayerError(f"{layer.name}: batch normalization along axis {layer.axis}")
    if len(layer.input.shape) == len(CHANNELS_FIRST):
        graph.order(channels_first=True)
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    gamma = np.asarray(layer.gamma) if layer.scale else np.ones_like(mean)
    beta = np.asarray(layer.beta) if layer.center else np.zeros_like(mean)
    graph.node(
        "BatchNormalization",
        *(graph.weight(array) for array in (gamma, beta, mean, variance)),
        epsilon=layer.epsilon,
    )


def flatten(graph: GraphWriter, layer: Any) -> None:
    """Append Flatten over channels-last images."""
    graph.order(channels_first=False)
    graph.node("Flatten", axis=1)


def dense(graph: GraphWriter, layer: Any) -> None:
    """Append Gemm with its activation."""
    if len(layer.input.shape) != 2:
        raise UnsupportedLayerError(f"{layer.name}: dense layer on shape {layer.input.shape}")
    graph.node("Gemm", *map(graph.weight, layer.get_weights()))
    activation(graph, layer)


def activation(graph: GraphWriter, layer: Any) -> None:
    """Append the function of the layer's `activation`."""
    function(graph, layer, layer.activation.__name__)


def function(graph: GraphWriter, layer: Any, name: str) -> None:
    """Append an activation by its Keras name."""
    if name == "linear":
        return
    if name not in ACTIVATIONS:
        raise UnsupportedLayerError(f"{layer.name}: activation {name}")
    if name == "softmax":
        graph.order(channels_first=False)
    graph.node(ACTIVATIONS[name])


def relu(graph: GraphWriter, layer: Any) -> None:
    """Append Relu."""
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise UnsupportedLayerError(f"{layer.name}: ReLU with a slope, threshold or maximum")
    function(graph, layer, "relu")


def softmax(graph: GraphWriter, layer: Any) -> None:
    """Append Softmax over the last axis."""
    if layer.axis != -1:
        raise UnsupportedLayerError(f"{layer.name}: softmax along axis {layer.axis}")
    function(graph, layer, "softmax")


def nothing(graph: GraphWriter, layer: Any) -> None:
    """Leave out a layer that does nothing at inference."""


def auto_pad(layer: Any) -> str:
    """Name Keras' padding as ONNX does; both put the odd pixel of 'same' at the end."""
    if layer.data_format != "channels_last":
        raise UnsupportedLayerError(f"{layer.name}: data_format {layer.data_format}")
    return {"valid": "VALID", "same": "SAME_UPPER"}[layer.padding]


WRITERS: dict[str, Callable[[GraphWriter, Any], None]] = {
    "InputLayer": nothing,
    "Conv2D": conv2d,
    "MaxPooling2D": max_pooling2d,
    "BatchNormalization": batch_normalization,
    "Flatten": flatten,
    "Dense": dense,
    "Dropout": nothing,
    "Activation": activation,
    "ReLU": relu,
    "Softmax": softmax,
}


def onnx_from_keras(model: Any) -> ModelProto:
    """Convert a Keras Sequential model; the batch stays open.

    Raises
    ------
    UnsupportedLayerError
        If a layer has no ONNX form here; it is named.
    """
    graph = GraphWriter("images")
    for layer in model.layers:
        kind = type(layer).__name__
        if kind not in WRITERS:
            raise UnsupportedLayerError(f"{layer.name}: {kind} layers are not converted")
        WRITERS[kind](graph, layer)
    graph.order(channels_first=False)
    made = helper.make_model(
        helper.make_graph(
            graph.nodes,
            model.name,
            [tensor_info("images", model.input_shape)],
            [tensor_info(graph.last, model.output_shape)],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    checker.check_model(made, full_check=True)
    return made


def tensor_info(name: str, shape: tuple[int | None, ...]) -> Any:
    """Declare a float32 tensor whose first axis is the open batch."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape[1:]])
