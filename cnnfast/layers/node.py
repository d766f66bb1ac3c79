"""Calls on symbolic tensors, which make the graph of a functional model.

A layer or operation that is called leaves a `Node`: what was called, with what, and what came
out. Tensors know the node that made them, so a model finds its graph by walking back from its
outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.layers.tensor import KerasTensor
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.engine.graph import Graph
    from cnnfast.variables import Variable


class Connectable:
    """What can be called on symbolic tensors: a layer or an operation."""

    name: str
    _inbound_nodes: list[Node]

    @property
    def weight_dtype(self) -> str:
        """How a call on arrays stores packed weights; see `Model.weight_dtype`."""
        return "float32"

    @property
    def weights(self) -> list[Variable]:
        """All variables that a call reads."""
        return []

    @property
    def versions(self) -> tuple[int, ...]:
        """What changes whenever a call would give other numbers than before."""
        return ()

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return symbolic tensors, not yet connected, in the structure that a call returns.

        Raises
        ------
        ValueError
            If a call cannot take these arguments.
        """
        raise NotImplementedError

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Append the operations of a call whose tensors are values of `graph`."""
        raise NotImplementedError

    def connect(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Record a call; return its outputs."""
        outputs = self.infer(args, kwargs)
        Node(self, args, kwargs, tree.flatten(outputs))
        return outputs

    @property
    def input(self) -> Any:
        """The symbolic tensor, or the list of them, of the first call.

        Raises
        ------
        AttributeError
            If it was never called.
        """
        return _unpacked(self._first_node("input").inputs)

    @property
    def output(self) -> Any:
        """The symbolic tensor, or the list of them, that the first call returned.

        Raises
        ------
        AttributeError
            If it was never called.
        """
        return _unpacked(self._first_node("output").outputs)

    def _first_node(self, which: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {which}."
            )
        return self._inbound_nodes[0]


class Node:
    """One call of a layer or operation on symbolic tensors.

    Parameters
    ----------
    operation
        What was called.
    args, kwargs
        With tensors anywhere in them.
    outputs
        What came out, flat.
    """

    def __init__(
        self,
        operation: Connectable,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        outputs: Sequence[KerasTensor],
    ) -> None:
        self.operation = operation
        self.args = tree.map_structure(_itself, tuple(args))
        self.kwargs = tree.map_structure(_itself, dict(kwargs))
        self.inputs = symbolic((self.args, self.kwargs))
        self.outputs = list(outputs)
        operation._inbound_nodes.append(self)
        for index, tensor in enumerate(self.outputs):
            tensor.node, tensor.index = self, index

    @property
    def is_input(self) -> bool:
        """Whether this is where a model's input comes in."""
        return not self.inputs

    def filled(self, function: Callable[[KerasTensor], Any]) -> tuple[Any, Any]:
        """Return `args` and `kwargs` with the result of `function` for each tensor."""

        def replace(leaf: Any) -> Any:
            return function(leaf) if isinstance(leaf, KerasTensor) else leaf

        return tree.map_structure(replace, self.args), tree.map_structure(replace, self.kwargs)

    def __repr__(self) -> str:
        return f"<Node of '{self.operation.name}'>"


def symbolic(structure: Any) -> list[KerasTensor]:
    """Return the symbolic tensors in `structure`."""
    return [leaf for leaf in tree.flatten(structure) if isinstance(leaf, KerasTensor)]


def _itself(leaf: Any) -> Any:
    return leaf


def _unpacked(tensors: list[KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)
