"""Functional models as Keras 3 writes them (keras/src/models/functional.py).

A call is ``{"args", "kwargs"}`` with a ``__keras_tensor__`` object for each tensor. Calls of a
functional model inside the model count from 0 there, and from 1 among the outer model's outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.layers.base.layer import Layer
from cnnfast.layers.serialization import foreign
from cnnfast.layers.serialization.configs import deserialize, serialize
from cnnfast.models.dialects import values
from cnnfast.models.dialects.entries import Entry, reference, references
from cnnfast.models.wiring import CallSpec, TensorRef, Wiring
from cnnfast.models.wiring import references as numbered
from cnnfast.symbolic.registry import is_operation
from cnnfast.symbolic.tensor import Connectable, KerasTensor, Node
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.models.functional import Functional


def read(layers: Sequence[Entry], config: Mapping[str, Any]) -> Wiring:
    """Return the graph of a config in this dialect; see `cnnfast.models.dialects.read`."""
    operations = {entry.name: _make(entry) for entry in layers}

    def end(key: str) -> Any:
        def outside(ref: TensorRef) -> TensorRef:
            made = operations.get(ref.name)
            first = 0 if made is None else made.outside_calls_from
            return TensorRef(ref.name, max(ref.call - first, 0), ref.index)

        return tree.map_structure(outside, references(config.get(key)))

    return Wiring(
        operations=operations,
        calls={entry.name: [_call(call) for call in entry.calls] for entry in layers},
        inputs=end("input_layers"),
        outputs=end("output_layers"),
    )


def _make(entry: Entry) -> Connectable:
    if not is_operation(entry.config):
        return deserialize(entry.config)
    from cnnfast.ops.registry import deserialize_operation

    given = foreign.for_operation(entry.name, entry.config)
    return deserialize_operation(entry.config) if given is None else given


def _call(call: Mapping[str, Any]) -> CallSpec:
    args, kwargs = call.get("args"), call.get("kwargs")
    if not isinstance(args, list | tuple) or not isinstance(kwargs, Mapping):
        raise ValueError(
            "A call in the config of a model must have a list `args` and a dict `kwargs`. "
            f"Received: {call!r:.200}"
        )
    return CallSpec(
        tuple(values.read(arg, _tensor) for arg in args),
        {str(key): values.read(arg, _tensor) for key, arg in kwargs.items()},
    )


def _tensor(config: Mapping[str, Any]) -> TensorRef:
    return reference(config.get("keras_history"))


def write(model: Functional) -> dict[str, Any]:
    """Return the fields ``layers``, ``input_layers`` and ``output_layers`` of `model`'s config."""
    operations = model.operations
    numbers, by_name = numbered(model.nodes, operations)

    def tensor(t: KerasTensor) -> dict[str, Any]:
        assert t.node is not None
        history = [t.node.operation.name, numbers[t.node], t.index]
        config = {"shape": t.shape, "dtype": t.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}

    def call(node: Node) -> dict[str, Any]:
        return {
            "args": [values.write(arg, tensor) for arg in node.args],
            "kwargs": {key: values.write(arg, tensor) for key, arg in node.kwargs.items()},
        }

    def end(t: KerasTensor) -> list[Any]:
        assert t.node is not None
        operation = t.node.operation
        return [operation.name, numbers[t.node] + operation.outside_calls_from, t.index]

    return {
        "layers": [
            {
                **_config(operation),
                "name": operation.name,
                "inbound_nodes": [
                    call(node) for node in by_name[operation.name] if not node.is_input
                ],
            }
            for operation in operations
        ],
        "input_layers": tree.map_structure(end, model.input),
        "output_layers": tree.map_structure(end, model.output),
    }


def _config(operation: Connectable) -> dict[str, Any]:
    if isinstance(operation, Layer):
        return serialize(operation)
    from cnnfast.ops.registry import serialize_operation

    return serialize_operation(operation)
