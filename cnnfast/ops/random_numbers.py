"""Random numbers for each image of a batch: what `cnnfast.random` is in a layer's `call`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np

from cnnfast import random
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.errors import UnsupportedError
from cnnfast.ops.base.operation import Operation
from cnnfast.ops.shaping.shapes import batch_in
from cnnfast.symbolic.tensor import KerasTensor, alike, symbolic
from cnnfast.symbolic.tracing import is_tracing

_RULE = "random numbers are drawn for each batch where a layer's `call` asks for them"


class RandomNumbers(Operation):
    """Numbers that `function` of `cnnfast.random` draws anew for each batch, in NumPy.

    They are drawn for the whole batch of the tensor that it is called on, in the sizes of
    `behind` it; where that is None, `function` changes that tensor.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        behind: BatchShape | None,
        dtype: str,
        options: tuple[Any, Any],
    ) -> None:
        super().__init__()
        self._function, self._behind = function, behind
        self._dtype, self._options = dtype, options

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        behind = x.shape[1:] if self._behind is None else self._behind
        return alike(x, (None, *behind), self._dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        function, (args, kwargs), sizes = self._function, self._options, self._behind
        known = x.shape if sizes is None else tuple(size for size in sizes if size is not None)
        if sizes is not None and len(known) != len(sizes):
            raise ValueError(f"{_RULE}, in sizes that are known. Received: {(None, *sizes)}")

        def draw(batch: Float32Array) -> Float32Array:
            given = batch if sizes is None else (len(batch), *known)
            return np.asarray(function(given, *args, **kwargs), np.float32)

        out = Value(known)
        graph.add(ops.Call((x,), out, draw, self.name))
        return out

    def _config(self) -> dict[str, Any]:
        # What two runs of one `call` are compared by; no file has it.
        options = {str(place): option for place, option in enumerate(self._options[0])}
        return {"function": self._function, "sizes": self._behind, **options, **self._options[1]}


def draw(function: Callable[..., Any], shape: Sequence[Any], args: Any, kwargs: Any) -> KerasTensor:
    """Return what `function` draws in `shape`, whose first size is that of a batch.

    Raises
    ------
    UnsupportedError
        If `shape` has no batch, or no layer's `call` is run.
    """
    batch = batch_in(tuple(shape))
    if batch is None or batch.parts != batch.tensor.parts:
        raise UnsupportedError(
            f"{_RULE}: the batch is the first of the sizes, as `ops.shape(x)[0]`, and the others "
            f"are integers. Received: shape={tuple(shape)}"
        )
    given = signature(function).bind((0,), *args, **kwargs).arguments
    kind = str(function(**{**given, "seed": 0}).dtype)
    return _called(RandomNumbers(function, tuple(shape[1:]), kind, (args, kwargs)), batch.tensor)


def change(function: Callable[..., Any], x: KerasTensor, args: Any, kwargs: Any) -> KerasTensor:
    """Return what `function` makes of the numbers of `x`."""
    return _called(RandomNumbers(function, None, x.dtype, (args, kwargs)), x)


def _called(operation: RandomNumbers, x: KerasTensor) -> KerasTensor:
    if not is_tracing() or symbolic(operation._options):
        raise UnsupportedError(
            f"{_RULE}, with numbers for its arguments: give it a layer of your own, or compute "
            f"with what is drawn. Received: {operation._config()}"
        )
    drawn: KerasTensor = operation(x)
    return drawn


_FUNCTIONS: dict[str, Callable[..., Any]] = {"draw": draw, "change": change}
random.graphs.fill(_FUNCTIONS.__getitem__)
