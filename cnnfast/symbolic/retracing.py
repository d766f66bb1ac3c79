"""What a change of a layer means for graphs that were drawn with it before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnnfast.symbolic.tensor import Connectable, KerasTensor, Node, inferred
from cnnfast.utils import tree


def retrace(changed: Connectable) -> None:
    """Work out anew the shapes of all tensors that follow from calls of `changed`.

    Raises
    ------
    ValueError
        If a call does not fit what it gets any more; then all tensors are as they were.
    """
    before = []
    try:
        for node in _following(changed):
            made = tree.present(inferred(node.operation, node.args, node.kwargs))
            tensors = node.outputs
            if len(made) != len(tensors):
                raise ValueError(
                    f"'{node.operation.name}' gave {len(tensors)} tensor(s) to a graph drawn with "
                    f"it, all of which must stay. Received: {len(made)}"
                )
            for tensor, new in zip(tensors, made, strict=True):
                if tensor.parts != new.parts:
                    raise ValueError(
                        f"'{node.operation.name}' gave a graph drawn with it {tensor.parts} "
                        f"place(s) along the batch for each image. Received: {new.parts}"
                    )
                before.append((tensor, tensor.shape, tensor.dtype))
                node.restate(tensor, new.shape, new.dtype)
    except Exception:
        for tensor, shape, dtype in before:
            assert tensor.node is not None
            tensor.node.restate(tensor, shape, dtype)
        raise


def models_of(layer: Connectable) -> list[Any]:
    """Return the models in which calls of `layer` or of what follows from it come out."""
    users = [u for node in _following(layer) for tensor in node.outputs for u in _users(tensor)]
    return [user for user in users if not isinstance(user, Node)]


def _following(changed: Connectable) -> list[Node]:
    """Return the calls that depend on what `changed` gives, each behind those it needs."""
    order: list[Node] = []
    entered: set[Node] = set()
    for start in _calls_of(changed):
        # A stack of our own: graphs may be deeper than Python's.
        stack = [(start, _next(start))] if start not in entered else []
        entered.add(start)
        while stack:
            follower = next((n for n in stack[-1][1] if n not in entered), None)
            if follower is None:
                order.append(stack.pop()[0])
            else:
                entered.add(follower)
                stack.append((follower, _next(follower)))
    return order[::-1]


def _next(node: Node) -> Iterator[Node]:
    """Yield the calls that take what `node` gives, alone or as the output of a model."""
    for tensor in node.outputs:
        for user in _users(tensor):
            yield from [user] if isinstance(user, Node) else _calls_of(user)


def _users(tensor: KerasTensor) -> list[Node | Connectable]:
    return [user for reference in tensor.users if (user := reference()) is not None]


def _calls_of(operation: Connectable) -> Iterator[Node]:
    """Yield the calls of `operation` and of the layers around it."""
    yield from operation._inbound_nodes
    for reference in operation._holders:
        holder = reference()
        if holder is not None:
            yield from _calls_of(holder)
