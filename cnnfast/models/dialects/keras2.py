"""Functional models as Keras 1 and 2 write them (tf_keras/src/engine/functional.py, node.py).

A call is a list of tensors ``[layer, call, output, {other arguments}]``, in the structure of the
first argument; the other arguments are the same in each, and tensors among them are ``[layer,
call, output]``. Constants are ``["_CONSTANT_VALUE", -1, value, {…}]``. Calls of a model that has
an input of its own count from 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnnfast.layers.base.layer import Layer
from cnnfast.layers.serialization import foreign
from cnnfast.layers.serialization.configs import deserialize
from cnnfast.models.dialects import tensorflow
from cnnfast.models.dialects.entries import Entry, is_reference, reference, references
from cnnfast.models.wiring import CallSpec, TensorRef, Wiring
from cnnfast.symbolic.tensor import Connectable
from cnnfast.utils import tree

_CONSTANT = "_CONSTANT_VALUE"


def read(layers: Sequence[Entry], config: Mapping[str, Any]) -> Wiring:
    """Return the graph of a config in this dialect; see `cnnfast.models.dialects.read`."""
    names = {entry.name for entry in layers}
    calls = {
        entry.name: [
            _call(call, names, tensorflow.keeps_lists(entry.config)) for call in entry.calls
        ]
        for entry in layers
    }
    operations: dict[str, Connectable] = {}
    for entry in layers:
        if not tensorflow.is_operation(entry.config):
            operations[entry.name] = layer = deserialize(entry.config)
            vars(layer)["_of_keras_2"] = True
            continue
        given = foreign.for_operation(entry.name, entry.config)
        if given is None:
            made = tensorflow.make(entry.name, entry.config, calls[entry.name])
            operations[entry.name], calls[entry.name] = made
        else:
            operations[entry.name] = given
    ends = [references(config.get(key)) for key in ("input_layers", "output_layers")]
    first = _first_calls(operations, calls, ends)

    def shift(leaf: Any) -> Any:
        if not isinstance(leaf, TensorRef):
            return leaf
        return TensorRef(leaf.name, leaf.call - first.get(leaf.name, 0), leaf.index)

    inputs, outputs = (_unpacked(tree.map_structure(shift, end)) for end in ends)
    return Wiring(
        operations=operations,
        calls={
            name: [
                CallSpec(
                    tree.map_structure(shift, call.args), tree.map_structure(shift, call.kwargs)
                )
                for call in of_name
            ]
            for name, of_name in calls.items()
        },
        inputs=inputs,
        outputs=outputs,
    )


def _unpacked(end: Any) -> Any:
    # Keras 2 writes one tensor as a list of one.
    return end[0] if isinstance(end, list) and len(end) == 1 else end


def _call(call: Any, names: set[str], keeps_lists: bool) -> CallSpec:
    tensors = list(_tensors(call))
    kwargs = tensors[0][3] if tensors and len(tensors[0]) > 3 else {}
    if not tensors or not isinstance(kwargs, Mapping):
        raise ValueError(
            "A call in the config of a model must be a list of tensors [layer, call, output, "
            f"arguments]. Received: {call!r:.200}"
        )
    first = _first_argument(call)
    alone = isinstance(first, list) and len(first) == 1 and isinstance(first[0], TensorRef)
    if alone and not keeps_lists:
        first = first[0]
    return CallSpec((first,), {str(k): _argument(v, names) for k, v in kwargs.items()})


def _tensors(call: Any) -> Iterator[Sequence[Any]]:
    """Yield what stands for one tensor each."""
    if _is_tensor(call):
        yield call
    elif isinstance(call, Mapping | list | tuple):
        for item in call.values() if isinstance(call, Mapping) else call:
            yield from _tensors(item)


def _is_tensor(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) not in (3, 4):
        return False
    return is_reference(value[:3]) or value[0] == _CONSTANT


def _first_argument(call: Any) -> Any:
    if _is_tensor(call):
        return call[2] if call[0] == _CONSTANT else reference(call[:3])
    if isinstance(call, Mapping):
        return {key: _first_argument(item) for key, item in call.items()}
    if isinstance(call, list | tuple):
        return [_first_argument(item) for item in call]
    return reference(call)


def _argument(value: Any, names: set[str]) -> Any:
    """Return another argument, with references for the tensors hidden in it."""
    if is_reference(value) and value[0] in names:
        return reference(value)
    if isinstance(value, list | tuple):
        return [_argument(item, names) for item in value]
    if isinstance(value, Mapping):
        return {key: _argument(item, names) for key, item in value.items()}
    return value


def _first_calls(
    operations: Mapping[str, Connectable], calls: Mapping[str, Sequence[CallSpec]], ends: Any
) -> dict[str, int]:
    """Return from which number on the calls of each model inside the model count.

    Models with an input of their own count from 1, others from 0. What is referred to decides
    where it can: call 0, or a call behind the last.
    """
    used: defaultdict[str, set[int]] = defaultdict(set)
    every = [(call.args, call.kwargs) for of_name in calls.values() for call in of_name]
    for leaf in tree.flatten([every, ends]):
        if isinstance(leaf, TensorRef):
            used[leaf.name].add(leaf.call)
    first = {}
    for name, operation in operations.items():
        if isinstance(operation, Layer) and operation.is_model:
            after_last = len(calls[name]) in used[name]
            first[name] = int(after_last or (operation.built and 0 not in used[name]))
    return first
