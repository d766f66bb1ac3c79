"""Calls on symbolic tensors, which make the graph of a functional model.

A layer or operation that is called leaves a `Node`: what was called, with what, and what came
out. Tensors know the node that made them, so a model finds its graph by walking back from its
outputs.

References lead backwards only: a tensor holds its node, and that what was called and the tensors
that it took. The other way they are weak, so that no cycle keeps a model that nobody has alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.symbolic.array_arguments import settled
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree
from cnnfast.utils.locks import Guard
from cnnfast.utils.sealed import Sealing

if TYPE_CHECKING:
    from cnnfast.engine.graph import Graph
    from cnnfast.engine.ops import BatchShape
    from cnnfast.variables import Variable

_guard = Guard()


class Connectable(metaclass=Sealing):
    """What can be called on symbolic tensors: a layer or an operation."""

    name: str
    _calls: tuple[weakref.ref[Node], ...] = ()
    _holders: tuple[weakref.ref[Connectable], ...] = ()

    @property
    def _inbound_nodes(self) -> list[Node]:
        """The calls whose result somebody has, in order."""
        return [node for call in self._calls if (node := call()) is not None]

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
        nodes = self._inbound_nodes
        if not nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called, or nobody has a model or tensor "
                f"that came of it any more, and thus has no defined {which}."
            )
        return nodes[0]


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
        self.args = tree.map_structure(_settled, tuple(args))
        self.kwargs = tree.map_structure(_settled, dict(kwargs))
        self.inputs = symbolic((self.args, self.kwargs))
        self._outputs = [_Output(tensor) for tensor in outputs]
        for index, tensor in enumerate(outputs):
            tensor.node, tensor.index = self, index
        remember(operation, "_calls", self)
        for tensor in self.inputs:
            remember(tensor, "users", self)

    @property
    def outputs(self) -> list[KerasTensor]:
        """What came out, flat."""
        return [output.tensor(self, index) for index, output in enumerate(self._outputs)]

    @property
    def is_input(self) -> bool:
        """Whether this is where a model's input comes in."""
        return not self.inputs

    def restate(self, tensor: KerasTensor, shape: BatchShape, dtype: str) -> None:
        """Let `tensor`, which came out, be of another shape or dtype."""
        self._outputs[tensor.index].restate(tensor, shape, dtype)

    def filled(self, function: Callable[[KerasTensor], Any]) -> tuple[Any, Any]:
        """Return `args` and `kwargs` with the result of `function` for each tensor."""

        def replace(leaf: Any) -> Any:
            return function(leaf) if isinstance(leaf, KerasTensor) else leaf

        return tree.map_structure(replace, self.args), tree.map_structure(replace, self.kwargs)

    def __repr__(self) -> str:
        return f"<Node of '{self.operation.name}'>"


class _Output:
    """A tensor that came out, made anew where nobody has it any more."""

    def __init__(self, tensor: KerasTensor) -> None:
        self._facts = (tensor.shape, tensor.dtype, tensor._name)
        self._tensor = weakref.ref(tensor)

    def restate(self, tensor: KerasTensor, shape: BatchShape, dtype: str) -> None:
        """Say so of the tensor, and of those that are made anew."""
        tensor.shape, tensor.dtype = shape, dtype
        self._facts = (shape, dtype, tensor._name)

    def tensor(self, node: Node, index: int) -> KerasTensor:
        """Return output `index` of `node`."""
        tensor = self._tensor()
        if tensor is None:
            tensor = KerasTensor(*self._facts)
            tensor.node, tensor.index = node, index
            self._tensor = weakref.ref(tensor)
        return tensor


def remember(owner: Connectable | KerasTensor, field: str, new: Connectable | Node) -> None:
    """Add a weak reference to those in `field` of `owner`, of which it keeps the living ones."""
    with _guard.lock:  # others may draw with the same layers
        living = (reference for reference in getattr(owner, field) if reference() is not None)
        vars(owner)[field] = (*living, weakref.ref(new))


def symbolic(structure: Any) -> list[KerasTensor]:
    """Return the symbolic tensors in `structure`."""
    return [leaf for leaf in tree.flatten(structure) if isinstance(leaf, KerasTensor)]


def _settled(leaf: Any) -> Any:
    return leaf if isinstance(leaf, KerasTensor) else settled(leaf)


def _unpacked(tensors: list[KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)
