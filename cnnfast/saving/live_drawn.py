"""A graph that Keras drew, as a model of this package, without the user's classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import BY_LAMBDA, Refusal, UnsupportedError
from cnnfast.layers.core.input_layer import Input
from cnnfast.layers.serialization.configs import deserialize
from cnnfast.ops.shaping.shapes import tile
from cnnfast.saving import live_quantized
from cnnfast.saving.live_calls import (
    ADVICE,
    BUILT_IN,
    Batch,
    Call,
    Drawn,
    Ref,
    Whole,
    without_own_activation,
)
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.elsewhere import Turned, connected
from cnnfast.symbolic.registry import LAYERS, OPERATIONS
from cnnfast.symbolic.tensor import Connectable, KerasTensor, symbolic
from cnnfast.utils import tree
from cnnfast.utils.naming import names_of_files, spelt_like

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer


# Operations that leave numbers as they are, where they leave their dtype.
_SAME = frozenset({"ConvertToTensor", "StopGradient"})
# What `keras.activations` writes down as an operation, and is a layer of the same arguments here.
_LAYERS_HERE = frozenset({"ReLU"})


class Redrawn:
    """The graph drawn again with layers and operations of this package.

    Attributes
    ----------
    inputs, outputs
        Symbolic tensors in the structure of Keras' model.
    layers
        Each layer with that of Keras it was made after.
    """

    def __init__(self, drawn: Drawn) -> None:
        self.layers: list[tuple[Layer, Any]] = []
        self._made: dict[int, Layer] = {}
        self._names: set[str] = set()
        self._named: set[Connectable] = set()
        self._results: list[list[KerasTensor]] = []
        refusals: list[Refusal] = []
        for call in drawn.calls:
            try:
                self._results.append(self._result(call))
            except UnsupportedError as error:
                refusals += error.items
                shapes = [((None, *shape[1:]), dtype) for shape, dtype in call.outputs]
                self._results.append([KerasTensor(*made) for made in shapes])
        if refusals:
            raise UnsupportedError(refusals)
        self.inputs = tree.map_structure(self._tensor, drawn.inputs)
        self.outputs = tree.map_structure(self._tensor, drawn.outputs)

    def _tensor(self, leaf: Any) -> Any:
        return self._results[leaf.call][leaf.index] if isinstance(leaf, Ref) else leaf

    def _result(self, call: Call) -> list[KerasTensor]:
        if not any(isinstance(leaf, Ref) for leaf in tree.flatten((call.args, call.kwargs))):
            (shape, dtype), *_ = call.outputs
            name = self._free(call.operation.name)
            made = Input(batch_shape=(None, *shape[1:]), dtype=dtype, name=name)
            assert made.node is not None
            self._named.add(made.node.operation)
            return [made]
        args, kwargs = tree.map_structure(self._tensor, (call.args, call.kwargs))
        tensors = symbolic((args, kwargs))
        args, kwargs = tree.map_structure(partial(_for_each_image, tensors), (args, kwargs))
        if type(call.operation).__name__ in _SAME and call.outputs[0][1] == tensors[0].dtype:
            return tensors
        operation = self._operation(call)
        results: list[KerasTensor] = tree.flatten(connected(operation, args, kwargs))
        self._name_those_between(results, operation)
        return results

    def _name_those_between(self, results: Sequence[KerasTensor], operation: Connectable) -> None:
        """Give names of the graph to operations that were made in the place of `operation`."""
        self._named.add(operation)
        waiting = list(results)
        while waiting:
            tensor = waiting.pop()
            if isinstance(tensor, Turned):
                waiting.append(tensor.base)
            elif tensor.node is not None and tensor.node.operation not in self._named:
                other = tensor.node.operation
                self._named.add(other)
                vars(other)["name"] = self._free(other.name)
                waiting += tensor.node.inputs

    def _operation(self, call: Call) -> Connectable:
        config = _without_batch(call)
        if call.config is None:
            return self._layer(call.operation)
        name = type(call.operation).__name__
        cls = (LAYERS if name in _LAYERS_HERE else OPERATIONS).get(name)
        if cls is None:
            raise UnsupportedError(
                Refusal(
                    "operation",
                    "not supported: this package has no such operation.",
                    class_name=name,
                    layers=(call.operation.name,),
                    nearest=spelt_like(name, OPERATIONS),
                    advice=BY_LAMBDA,
                    holder="operation",
                )
            )
        made: Connectable = cls.from_config(config | {"name": self._free(call.operation.name)})
        return made

    def _layer(self, twin: Any) -> Layer:
        made = self._made.get(id(twin))
        if made is None:
            with names_of_files():
                made = deserialize(_config_of(twin))
            vars(made)["name"] = self._free(made.name)
            self._made[id(twin)] = made
            self.layers.append((made, twin))
        return made

    def _free(self, name: str) -> str:
        number, free = 0, name
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free


def _for_each_image(tensors: Sequence[KerasTensor], leaf: Any) -> Any:
    """Return numbers that repeat for each image as a tensor beside `tensors`."""
    if not isinstance(leaf, Whole):
        return leaf
    batch = BatchSize(tensors[0], leaf.parts // len(leaf.each))
    return tile(leaf.each, (batch, *(1,) * (leaf.each.ndim - 1)))


def _config_of(twin: Any) -> Mapping[str, Any]:
    import json
    import sys

    keras = sys.modules["keras"]
    if type(twin).__name__ == "Identity":  # which Keras does not write with a policy of dtypes
        name = {"name": twin.name, "dtype": twin.dtype_policy.name}
        return {"module": "keras.layers", "class_name": "Identity", "config": name}
    try:
        with without_own_activation(twin), live_quantized.without_structure(twin):
            written = keras.saving.serialize_keras_object(twin)
    except Exception as error:  # whatever `get_config` raises
        raise UnsupportedError(
            Refusal(
                "layer",
                "must have a configuration, which Keras does not give.",
                class_name=type(twin).__name__,
                module=type(twin).__module__,
                layers=(twin.name,),
                received=(f"{error!r:.200}",),
                advice="Let its class have a `get_config`.",
            )
        ) from error
    config: Mapping[str, Any] = json.loads(json.dumps(written, default=_plain))
    live_quantized.complete(config, twin)
    return config


def _plain(value: Any) -> Any:
    return np.asarray(value).tolist()


def _without_batch(call: Call) -> dict[str, Any]:
    """Return what an operation was made with; the batch may be an axis of the shape it gives.

    Raises
    ------
    UnsupportedError
        If the size of the batch stands anywhere else, where it would be a number.
    """
    config = dict(call.config or {})
    shape = config.get("newshape")
    if isinstance(shape, list | tuple) and sum(isinstance(size, Batch) for size in shape) == 1:
        # Keras has found an open size: here it would be taken for the batch.
        known = [
            n if size == -1 else size for n, size in zip(call.outputs[0][0], shape, strict=True)
        ]
        config["newshape"] = [-1 if isinstance(size, Batch) else size for size in known]
    if any(isinstance(leaf, Batch) for leaf in tree.flatten((config, call.args, call.kwargs))):
        raise UnsupportedError(
            Refusal(
                "operation",
                BUILT_IN,
                class_name=type(call.operation).__name__,
                layers=(call.operation.name,),
                advice=ADVICE,
                holder="operation",
            )
        )
    return config
