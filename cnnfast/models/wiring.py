"""A functional model written down: what is called, on which tensors, in a form of our own.

Each dialect of Keras' configs is turned into this, and a model is pickled as this.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from cnnfast.symbolic.tensor import Connectable, KerasTensor, Node
from cnnfast.utils import tree
from cnnfast.utils.naming import taken
from cnnfast.utils.records import record


@record(frozen=True)
class TensorRef:
    """Output number `index` of call number `call` of the layer `name`."""

    name: str
    call: int
    index: int


@record(frozen=True)
class CallSpec:
    """One call; `args` and `kwargs` hold a `TensorRef` for each tensor."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@record(frozen=True)
class Wiring:
    """A whole graph.

    Attributes
    ----------
    operations
        Layers and operations by name.
    calls
        The calls of each, in order; none for an input layer.
    inputs, outputs
        `TensorRef` in the structure of the model's inputs and outputs.
    """

    operations: Mapping[str, Connectable]
    calls: Mapping[str, Sequence[CallSpec]]
    inputs: Any
    outputs: Any


def connect(wiring: Wiring) -> tuple[Any, Any]:
    """Make all calls, each when its tensors are there; return the inputs and the outputs.

    Raises
    ------
    ValueError
        If a tensor is named that no call gives, or calls wait for each other.
    """
    waiting = _Waiting(wiring)
    made: dict[tuple[str, int], list[KerasTensor]] = {}
    while waiting.ready:
        name, number = waiting.ready.popleft()
        operation = wiring.operations[name]
        if wiring.calls[name]:
            call = wiring.calls[name][number]
            args, kwargs = _resolved((call.args, dict(call.kwargs)), made)
            with taken(wiring.operations.keys()):  # for operations on masks, drawn on the way
                made[name, number] = tree.flatten(operation.connect(args, kwargs))
        else:
            made[name, number] = [operation.output]
        waiting.done(name, number)
    if waiting.blocked:
        raise ValueError(
            "Invalid Functional model configuration: layers wait for each other in a loop, or for "
            f"calls that are not there. Received: {sorted(waiting.blocked)[:10]} that cannot be "
            "reached"
        )
    return _resolved(wiring.inputs, made), _resolved(wiring.outputs, made)


class _Waiting:
    """Which calls can be made: all their tensors are there, and the layer's calls before."""

    def __init__(self, wiring: Wiring) -> None:
        self.ready: deque[tuple[str, int]] = deque()
        self.blocked: dict[tuple[str, int], int] = {}
        self._followers: defaultdict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
        for name, calls in wiring.calls.items():
            for number, call in enumerate(calls):
                self._add((name, number), _needs(call, name, number))
            if not calls:
                self.ready.append((name, 0))

    def _add(self, call: tuple[str, int], needs: set[tuple[str, int]]) -> None:
        for need in needs:
            self._followers[need].append(call)
        if needs:
            self.blocked[call] = len(needs)
        else:
            self.ready.append(call)

    def done(self, name: str, number: int) -> None:
        for call in self._followers.pop((name, number), ()):
            self.blocked[call] -= 1
            if not self.blocked[call]:
                del self.blocked[call]
                self.ready.append(call)


def _needs(call: CallSpec, name: str, number: int) -> set[tuple[str, int]]:
    refs = [leaf for leaf in tree.flatten((call.args, call.kwargs)) if isinstance(leaf, TensorRef)]
    needs = {(ref.name, ref.call) for ref in refs}
    return needs | {(name, number - 1)} if number else needs


def _resolved(structure: Any, made: Mapping[tuple[str, int], list[KerasTensor]]) -> Any:
    def find(leaf: Any) -> Any:
        if not isinstance(leaf, TensorRef):
            return leaf
        outputs = made.get((leaf.name, leaf.call), ())
        if not 0 <= leaf.index < len(outputs):
            raise ValueError(
                "Invalid Functional model configuration: there is no such tensor. Received: "
                f"output {leaf.index} of call {leaf.call} of layer {leaf.name!r}"
            )
        return outputs[leaf.index]

    return tree.map_structure(find, structure)


def written(nodes: Sequence[Node], operations: Sequence[Connectable], ends: Any) -> Wiring:
    """Write down a graph.

    Parameters
    ----------
    nodes
        Its calls.
    operations
        What is called.
    ends
        The model's inputs and outputs.
    """
    refs, calls = references(nodes, operations)

    def refer(tensor: KerasTensor) -> TensorRef:
        assert tensor.node is not None
        return TensorRef(tensor.node.operation.name, refs[tensor.node], tensor.index)

    def spec(node: Node) -> CallSpec:
        args, kwargs = node.filled(refer)
        return CallSpec(args, kwargs)

    inputs, outputs = (tree.map_structure(refer, end) for end in ends)
    return Wiring(
        operations={operation.name: operation for operation in operations},
        calls={
            name: [spec(node) for node in of_name if not node.is_input]
            for name, of_name in calls.items()
        },
        inputs=inputs,
        outputs=outputs,
    )


def references(
    nodes: Sequence[Node], operations: Sequence[Connectable]
) -> tuple[dict[Node, int], dict[str, list[Node]]]:
    """Return the number of each call among those of its operation here, and all calls by name."""
    own = set(nodes)
    numbers: dict[Node, int] = {}
    by_name: dict[str, list[Node]] = {}
    for operation in operations:
        by_name[operation.name] = [node for node in operation._inbound_nodes if node in own]
        numbers |= {node: number for number, node in enumerate(by_name[operation.name])}
    return numbers, by_name
