"""Immediate calls: a layer or operation on arrays, through the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.executor import Executor
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Shape, Value
from cnnfast.symbolic import dtypes
from cnnfast.symbolic.arrays import as_batches
from cnnfast.symbolic.tensor import Connectable, KerasTensor, symbolic
from cnnfast.utils import tree
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from cnnfast.engine.quantized.quantization import Quantization


class BoundCall:
    """A call whose arrays are still to come; symbolic tensors hold their places."""

    def __init__(
        self, operation: Connectable, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        self.name = operation.name
        self._operation = operation
        self._arguments = (tuple(args), dict(kwargs))
        self._places = symbolic(self._arguments)

    @property
    def arithmetic(self) -> tuple[str, str]:
        """That of what is called."""
        return self._operation.arithmetic

    def quantized_by(self) -> Quantization | None:
        """How what is called is computed in 8 bits."""
        return self._operation.quantized_by()

    @property
    def weights(self) -> list[Variable]:
        """The variables of what is called."""
        return self._operation.weights

    @property
    def versions(self) -> tuple[int, ...]:
        """Those of what is called."""
        return self._operation.versions

    def check(self, shapes: Sequence[Shape]) -> None:
        """Do nothing: the call was checked when its outputs were inferred."""

    def open_sizes(self, shapes: Sequence[Shape]) -> Sequence[Sequence[bool]]:
        """None: what is called once is lowered once."""
        return [[False] * len(shape) for shape in shapes]

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Append the operations of the call."""
        values = {id(place): value for place, value in zip(self._places, inputs, strict=True)}
        args, kwargs = tree.map_structure(lambda leaf: values.get(id(leaf), leaf), self._arguments)
        made = self._operation.lower_like(graph, args, kwargs, self._arguments)
        return tree.flatten(made)


def run(operation: Connectable, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call `operation` on arrays: every leaf that NumPy knows as one is a batch.

    Raises
    ------
    ValueError
        If `operation` cannot take them.
    """
    arguments = (tuple(args), dict(kwargs))
    leaves = tree.flatten(arguments)
    arrays = [leaf for leaf in leaves if hasattr(leaf, "__array__")]
    batches = as_batches(arrays, f"'{operation.name}'")
    places = iter(
        KerasTensor((None, *batch.shape[1:]), dtype_of(array))
        for array, batch in zip(arrays, batches, strict=True)
    )
    args, kwargs = tree.pack(
        arguments, [next(places) if hasattr(leaf, "__array__") else leaf for leaf in leaves]
    )
    outputs = operation.infer(args, kwargs)
    results = Executor(BoundCall(operation, args, kwargs)).run(batches)
    return tree.pack(outputs, results)


def dtype_of(array: Any) -> str:
    """Return the dtype of a symbolic tensor that stands for `array`."""
    return dtypes.integer(np.asarray(array).dtype.name) or "float32"
