"""How layers are called: on symbolic tensors, and which of the arguments are tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.ops import BatchShape
from cnnfast.layers.base import phases
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree
from cnnfast.utils.locks import Guard

if TYPE_CHECKING:
    from cnnfast.engine.graph import Graph
    from cnnfast.engine.ops import Value
    from cnnfast.engine.quantized.quantization import Quantization
    from cnnfast.layers.base.layer import Layer

# Held while any layer is built or an executor is made.
state_guard = Guard()


class InPhase:
    """A layer as executors ask for it, in a call that says `training`, or nothing where None."""

    def __init__(self, layer: Any, training: bool | None) -> None:
        self._layer, self._training = layer, training

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    @property
    def arithmetic(self) -> Any:
        """That of the layer, which each run asks for."""
        return self._layer.arithmetic

    def quantized_by(self) -> Quantization | None:
        """How the layer is computed in 8 bits, which is at inference."""
        found: Quantization | None = self._layer.quantized_by()
        if found is not None and self._training:
            raise self._layer.unsupported(
                "is in 8 bits, as it is at inference. Received: training=True",
                advice="Call the model that it was quantized from.",
            )
        return found

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Append the operations of the layer."""
        with phases.phase(self._training):
            lowered: Sequence[Value] = self._layer.lower_all(graph, inputs)
            return lowered


def infer(layer: Layer, x: Any) -> Any:
    """Return symbolic tensors like those that a call on `x` returns; build the layer before."""
    shapes = tree.map_structure(lambda tensor: _shape_of(layer, tensor), x)
    with state_guard.lock:
        if not layer.built:
            layer.build(shapes)
    layer._check_shapes(shapes)
    outputs = layer._shape_by_rule(shapes)
    dtype = layer.result_dtype([tensor.dtype for tensor in tree.flatten(x)])
    return tree.map_shapes(lambda shape: KerasTensor(shape, dtype), outputs)


def _shape_of(layer: Layer, tensor: Any) -> BatchShape:
    if isinstance(tensor, KerasTensor):
        return tensor.shape
    raise ValueError(
        f"Layer '{layer.name}' was called on symbolic tensors, so that all its inputs must "
        f"be. Received: {tensor!r}"
    )


def input_of_call(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return the tensors among the arguments of a call, as `lower` takes them.

    Raises
    ------
    UnsupportedError
        If something else is set.
    """
    tensors = dict(zip(layer.call_arguments, args, strict=False))
    args, kwargs = by_name(layer, args, kwargs)
    others = dict(enumerate(args[len(layer.call_arguments) :])) | dict(kwargs)
    for name in layer.call_arguments:
        if name in others:
            tensors[name] = others.pop(name)
    others.pop("training", None)
    if layer.takes_mask:
        others.pop("mask", None)
    unused = {key: v for key, v in others.items() if not is_absent(v)}
    if unused:
        raise layer.unsupported(
            f"can be called with {list(layer.call_arguments)} only, as it is at inference. "
            f"Received: {unused}"
        )
    if layer.call_arguments[0] not in tensors:
        raise ValueError(f"Layer '{layer.name}' must be called on its input. Received: none")
    if len(layer.call_arguments) == 1:
        return tensors[layer.call_arguments[0]]
    return [tensors[name] for name in layer.call_arguments if tensors.get(name) is not None]


def by_name(
    layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """Return the arguments of a call with those behind its tensors given by name.

    Not what is set and is no tensor, which Keras takes by name only.
    """
    count = len(layer.call_arguments)
    named = dict(zip(layer.call_options, args[count:], strict=False))
    if not named or any(isinstance(value, bool | int | str) for value in named.values()):
        return args, kwargs
    return (*args[:count], *args[count + len(named) :]), named | dict(kwargs)


def check_shapes(layer: Layer, shapes: Any) -> None:
    """Raise ValueError, naming the layer, if it cannot take inputs of `shapes`."""
    if tree.is_shape(shapes):
        layer.input_spec.check(shapes, layer.name)
    elif not layer.takes_structure and len(layer.call_arguments) == 1:
        raise ValueError(
            f"Layer '{layer.name}' expects 1 input(s). Received: {len(shapes)} input tensors "
            f"with shapes {shapes}"
        )


def batch_shapes(values: Any) -> Any:
    """Return the shapes of a structure of values, with a batch of any size."""
    return tree.map_structure(lambda value: (None, *value.shape), values)


def is_absent(value: Any) -> bool:
    """Whether an argument of a call is None or False, or nothing but a list of these."""
    if isinstance(value, list | tuple):
        return all(map(is_absent, value))
    return value is None or value is False
