"""What the layers share that merge tensors: shapes, and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, ClassVar

from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.calling import batch_shapes
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.registry import OPERATIONS


class BaseMerge(Layer):
    """What the layers share that combine tensors number by number, from left to right.

    They take a list of tensors. Axes of size 1 are repeated; a tensor with fewer axes than
    another gets axes of size 1 behind the batch.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.
    """

    integers = Integers.COMPUTED
    built_without_weights = True
    takes_structure = True
    kind: ClassVar[BinaryKind]

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = listed_shapes(self, input_shape)
        sizes = reduce(self._broadcast, (shape[1:] for shape in shapes))
        return (common_batch(self, shapes), *sizes)

    def _broadcast(self, a: BatchShape, b: BatchShape) -> BatchShape:
        rank = max(len(a), len(b))
        a, b = ((1,) * (rank - len(shape)) + shape for shape in (a, b))
        return tuple(self._broadcast_axis(pair, (a, b)) for pair in zip(a, b, strict=True))

    def _broadcast_axis(
        self, pair: tuple[int | None, int | None], shapes: tuple[BatchShape, BatchShape]
    ) -> int | None:
        m, n = pair
        if m is None or n is None:
            return None
        if m != n and 1 not in pair:
            raise ValueError(
                f"Layer '{self.name}': inputs have incompatible shapes. Received: {shapes[0]} "
                f"and {shapes[1]} (without the batch)"
            )
        return n if m == 1 else m

    def as_in_keras_2(self, mask: Any) -> bool:
        return all(part is mask[0] for part in mask)  # it joined unlike ones by "and"

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        check_masks(inputs, previous_mask)
        if previous_mask is None or any(mask is None for mask in previous_mask):
            return None
        return reduce(OPERATIONS["LogicalOr"](), previous_mask)

    def lower(self, graph: Graph, x: Any) -> Value:
        self._output_shape(x)
        rank = max(len(value.shape) for value in x)
        values = [_of_rank(graph, value, rank) for value in x]
        y = reduce(lambda a, b: append.binary(graph, a, b, self.kind), values)
        return self._finish(graph, y, len(x))

    def _finish(self, graph: Graph, y: Value, count: int) -> Value:
        return y


class MaskedMerge(BaseMerge):
    """One of those that leave out what masks hide, where a tensor carries one."""

    def as_in_keras_2(self, mask: Any) -> bool:
        return False  # which took all numbers

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        values = self._input_of_call(args, kwargs)
        found = [graph.masks.get(value) for value in values]
        if not any(found):
            return self.lower_call(graph, args, kwargs)
        self._check_shapes(batch_shapes(values))
        rank = max(len(value.shape) for value in values)
        pairs = [
            (_of_rank(graph, x, rank), None if m is None else self._shaped(graph, x, m, rank))
            for x, m in zip(values, found, strict=True)
        ]
        with graph.layer(self.name):
            return self._merge_masked(graph, pairs)

    def _shaped(self, graph: Graph, x: Value, mask: Value, rank: int) -> Value:
        if len(mask.shape) + 1 != len(x.shape):
            raise self.unsupported(
                "takes masks with one axis less than their tensors. Received: a mask of shape "
                f"{(None, *mask.shape)} for a tensor of shape {(None, *x.shape)}",
                advice="Give tensors of (batch, steps, features).",
            )
        return _of_rank(graph, append.reshape(graph, mask, (*mask.shape, 1)), rank)

    def _merge_masked(self, graph: Graph, pairs: list[tuple[Value, Value | None]]) -> Value:
        """Take of two numbers the one that its mask shows."""
        output, known = pairs[0]
        for x, mask in pairs[1:]:
            new = x if mask is None else _choose(graph, mask, x, output)
            old = output if known is None else _choose(graph, known, output, new)
            output = append.binary(graph, old, new, self.kind)
            if known is None or mask is None:
                known = None
            else:
                known = append.binary(graph, known, mask, BinaryKind.LOGICAL_OR)
        return output


def _of_rank(graph: Graph, x: Value, rank: int) -> Value:
    return append.reshape(graph, x, (1,) * (rank - len(x.shape)) + x.shape)


def _choose(graph: Graph, condition: Value, x: Value, other: Value) -> Value:
    """Return `x` where the condition is not 0, the other elsewhere."""
    kept = append.binary(graph, x, condition, BinaryKind.KEEP)
    left = append.binary(graph, other, condition, BinaryKind.LEAVE)
    return append.binary(graph, kept, left, BinaryKind.EITHER)


def check_masks(inputs: Any, mask: Any) -> None:
    """Raise ValueError, in Keras' words, unless there is a list of as many masks as tensors."""
    if mask is None:
        return
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, list | tuple):
            raise ValueError(f"`{name}` should be a list. Received: {name}={value}")
    if len(mask) != len(inputs):
        raise ValueError(
            "The lists `inputs` and `mask` should have the same length. Received: "
            f"inputs={inputs} of length {len(inputs)}, and mask={mask} of length {len(mask)}"
        )


def listed_shapes(layer: Layer, input_shape: Any) -> list[BatchShape]:
    """Return `input_shape` if it is a list of at least one shape.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(input_shape, list | tuple) or not all(
        isinstance(shape, tuple | list) and shape for shape in input_shape
    ):
        raise ValueError(
            f"Layer '{layer.name}': a merge layer should be called on a list of inputs. "
            f"Received: input_shape={input_shape} (not a list of shapes)"
        )
    if not input_shape:
        raise ValueError(
            f"Layer '{layer.name}': a merge layer should be called on a list of at least 1 input. "
            "Received: 0 inputs"
        )
    return [tuple(shape) for shape in input_shape]


def two_shapes(layer: Layer, input_shape: Any) -> tuple[BatchShape, BatchShape]:
    """Return `input_shape` if it is a list of two shapes; ValueError if it is not."""
    shapes = listed_shapes(layer, input_shape)
    if len(shapes) != 2:
        raise ValueError(
            f"Layer '{layer.name}': a `{type(layer).__name__}` layer should be called on exactly "
            f"2 inputs. Received: input_shape={input_shape}"
        )
    return shapes[0], shapes[1]


def common_batch(layer: Layer, shapes: Sequence[BatchShape]) -> int | None:
    """Return the batch size that is known of some; ValueError if there are several."""
    known = {shape[0] for shape in shapes} - {None}
    if len(known) > 1:
        raise ValueError(
            f"Layer '{layer.name}': cannot merge tensors with different batch sizes. "
            f"Received: shapes {list(shapes)}"
        )
    return known.pop() if known else None
