"""Operations that are made of others: said once, they run on arrays, tensors and in the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.ops.base.operation import Lowered, Operation
from cnnfast.symbolic.tensor import KerasTensor, alike, refuse_those_elsewhere, symbolic
from cnnfast.utils import tree
from cnnfast.utils.naming import named_apart


class Composite(Operation):
    """An operation that stands for several; a subclass gives `composed`.

    That takes the arguments of a call and calls other operations with them. Dtypes of tensors are
    known when the graph is drawn, not when it is lowered: what is computed may not depend on them.
    """

    keeps_parts = False

    def composed(self, *args: Any, **kwargs: Any) -> Any:
        """Return what a call returns."""
        raise NotImplementedError

    def compute(self, *args: Any, **kwargs: Any) -> Any:
        with named_apart():
            return self.composed(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        arguments = tree.map_structure(_stand_in, (tuple(args), dict(kwargs)))
        with named_apart():
            drawn = self.composed(*arguments[0], **arguments[1])
        refuse_those_elsewhere(drawn)
        # Tensors of their own: those were made by operations inside.
        return tree.map_structure(_stand_in, drawn)

    def lower(self, graph: Graph, *args: Any, **kwargs: Any) -> Lowered:
        leaves = tree.flatten((tuple(args), dict(kwargs)))
        values = [leaf for leaf in leaves if isinstance(leaf, Value)]
        return self._lower(
            graph, {id(v): KerasTensor((None, *v.shape)) for v in values}, *args, **kwargs
        )

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        if all(tensor.parts == 1 for tensor in symbolic(drawn)):
            return self.lower_call(graph, args, kwargs)
        leaves = zip(tree.flatten((tuple(args), dict(kwargs))), tree.flatten(drawn), strict=True)
        places = {
            id(leaf): alike(tensor, (None, *leaf.shape))
            for leaf, tensor in leaves
            if isinstance(leaf, Value)
        }
        with graph.layer(self.name):
            return self._called(self._lower, (graph, places, *args), kwargs)

    def _lower(
        self, graph: Graph, places: dict[int, KerasTensor], *args: Any, **kwargs: Any
    ) -> Lowered:
        """Append what is composed of the tensors that stand for values, by their `id`."""
        leaves = tree.flatten((tuple(args), dict(kwargs)))
        values = [leaf for leaf in leaves if isinstance(leaf, Value)]
        drawn_args, drawn_kwargs = tree.map_structure(
            lambda leaf: places.get(id(leaf), leaf), (tuple(args), dict(kwargs))
        )
        with named_apart():
            drawn = self.composed(*drawn_args, **drawn_kwargs)
        known = {places[id(value)]: value for value in values}
        lowered: Lowered = tree.map_structure(lambda t: lower_drawn(graph, t, known), drawn)
        return lowered


def lower_drawn(graph: Graph, tensor: Any, known: dict[KerasTensor, Value]) -> Any:
    """Append what `tensor` was drawn with, from the values that are `known` on; those grow."""
    if not isinstance(tensor, KerasTensor):
        return tensor
    waiting = [tensor]
    while waiting:
        node = waiting[-1].node
        if waiting[-1] in known:
            waiting.pop()
            continue
        assert node is not None
        missing = [t for t in node.inputs if t not in known]
        if missing:
            waiting += missing
            continue
        args, kwargs = node.filled(known.__getitem__)
        made = tree.flatten(node.operation.lower_call(graph, args, kwargs))
        known.update(zip(node.outputs, made, strict=True))
    return known[tensor]


def _stand_in(leaf: Any) -> Any:
    """Return a tensor of the same shape and dtype that nothing made."""
    return alike(leaf) if isinstance(leaf, KerasTensor) else leaf
