"""The order of a functional model's layers, which is Keras'.

The order matters beyond looks: it numbers the layers in Keras' files. Layers stand by depth, the
longest way from the layer to an output, deepest first; layers of one depth stand in the order
in which a walk back from the outputs meets them. (The rule of keras/src/ops/function.py.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cnnfast.symbolic.tensor import Connectable, KerasTensor, Node
from cnnfast.utils.records import record


@record(frozen=True)
class Topology:
    """The graph between a model's inputs and outputs.

    Attributes
    ----------
    nodes
        All calls, each behind those it needs.
    operations
        What is called, in Keras' order, each once.
    sequential
        Whether it is a plain stack, with nothing shared.
    """

    nodes: list[Node]
    operations: list[Connectable]
    sequential: bool


def trace(inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor]) -> Topology:
    """Find the graph between `inputs` and `outputs`.

    Raises
    ------
    ValueError
        If an output needs something that is not among the inputs, or two layers have one name.
    """
    nodes = list(_walk(outputs))
    _check_connected(nodes, inputs, outputs)
    met = _in_order_met(nodes, outputs)
    depths, node_depths = _depths(nodes)
    # Inputs that no output needs are part of the model all the same.
    for tensor in inputs:
        node = tensor.node
        if node is not None and node.operation not in depths:
            depths[node.operation] = node_depths[node] = 0
            met[node.operation] = -1
            nodes.insert(0, node)
    _check_names(depths)
    operations = sorted(depths, key=lambda operation: (-depths[operation], met[operation]))
    shared = len(nodes) != len(operations)
    wide = max(Counter(node_depths.values()).values()) > 1
    merging = any(len(node.inputs) > 1 for node in nodes)
    return Topology(nodes, operations, not (shared or wide or merging))


def as_keras_runs(nodes: Sequence[Node]) -> list[Node]:
    """Return calls in the order in which Keras makes them, deepest first.

    It matters where a call takes the masks away of what it is given, or says for those after it
    that they are in training.
    """
    _, depths = _depths(nodes)
    return sorted(depths, key=lambda node: -depths[node])


def _walk(outputs: Sequence[KerasTensor]) -> Iterator[Node]:
    """Yield the nodes behind `outputs`, each after those whose outputs it takes."""
    finished: set[int] = set()
    for output in outputs:
        # A stack of our own: graphs may be deeper than Python's.
        stack = [(_source(output), iter(_sources(_source(output))))]
        if id(stack[0][0]) in finished:
            continue
        while stack:
            node, parents = stack[-1]
            parent = next((p for p in parents if id(p) not in finished), None)
            if parent is None:
                stack.pop()
                if id(node) not in finished:
                    finished.add(id(node))
                    yield node
            else:
                stack.append((parent, iter(_sources(parent))))


def _source(tensor: KerasTensor) -> Node:
    if tensor.node is None:
        raise ValueError(
            f"A tensor of a model must come from `Input` or from a layer. Received: {tensor}"
        )
    return tensor.node


def _sources(node: Node) -> list[Node]:
    return [_source(tensor) for tensor in node.inputs]


def _in_order_met(nodes: Sequence[Node], outputs: Sequence[KerasTensor]) -> dict[Connectable, int]:
    """Return the rank of what is called among all that a walk back from `outputs` enters."""
    met: dict[Connectable, int] = {}
    entered: set[int] = set()
    for output in outputs:
        stack = [_source(output)]
        while stack:
            node = stack.pop()
            if id(node) in entered:
                continue
            entered.add(id(node))
            met.setdefault(node.operation, len(met))
            stack += reversed(_sources(node))
    return met


def _depths(nodes: Sequence[Node]) -> tuple[dict[Connectable, int], dict[Node, int]]:
    """Return how far each operation and each call is from the outputs at most."""
    of_operation: dict[Connectable, int] = {}
    of_node: dict[Node, int] = {}
    for node in reversed(nodes):
        depth = max(of_node.get(node, 0), of_operation.get(node.operation, 0))
        of_operation[node.operation] = of_node[node] = depth
        for parent in _sources(node):
            of_node[parent] = max(depth + 1, of_node.get(parent, 0))
    return of_operation, of_node


def _check_connected(
    nodes: Sequence[Node], inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor]
) -> None:
    known = {id(tensor) for tensor in inputs}
    for node in nodes:
        missing = [t for t in node.outputs if node.is_input and id(t) not in known]
        if missing:
            raise ValueError(
                f"Graph disconnected: the outputs {list(outputs)} need the tensor {missing[0]} of "
                f"'{node.operation.name}', which is not among the model's inputs. Received: "
                f"inputs={list(inputs)}"
            )


def _check_names(operations: dict[Connectable, int]) -> None:
    for name, uses in Counter(operation.name for operation in operations).items():
        if uses > 1:
            raise ValueError(
                f'The name "{name}" is used {uses} times in the model. All layer names should '
                f"be unique. Received: {[operation.name for operation in operations]}"
            )
