"""A Python function of tensors as a graph: run once on symbolic tensors, and written down.

Nothing of the function runs later. It runs twice here, because what it makes of anything but its
arguments (a random number, a counter, the time) would be kept for ever: the two graphs must be the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.symbolic.tensor import (
    Connectable,
    KerasTensor,
    Node,
    alike,
    refuse_those_elsewhere,
    symbolic,
)
from cnnfast.utils import tree
from cnnfast.utils.naming import named_apart
from cnnfast.utils.records import record
from cnnfast.variables import Variable, unchanging

_log: ContextVar[list[Trace] | None] = ContextVar("cnnfast_traces", default=None)
_tracing: ContextVar[bool] = ContextVar("cnnfast_tracing", default=False)


def is_tracing() -> bool:
    """Whether a function is being traced."""
    return _tracing.get()


@record(frozen=True)
class Trace:
    """The graph that a function drew.

    Attributes
    ----------
    given
        The symbolic tensors that it was given, flat, and the masks that they have.
    inputs
        What it got in their place.
    nodes
        The calls between them and the outputs, each behind those it needs.
    outputs
        What it returned.
    read
        Variables whose numbers it read, or that it gave to operations.
    """

    given: list[KerasTensor]
    inputs: list[KerasTensor]
    nodes: list[Node]
    outputs: Any
    read: list[Variable]

    def lower(self, graph: Graph, values: Sequence[Any]) -> Any:
        """Append the operations to `graph`; return values in the structure of `outputs`."""
        known = dict(zip(self.inputs, values, strict=True))
        for node in self.nodes:
            args, kwargs = node.filled(known.__getitem__)
            made = node.operation.lower_like(graph, args, kwargs, (node.args, node.kwargs))
            known |= zip(node.outputs, tree.present(made), strict=True)
        return tree.map_structure(lambda leaf: _known(known, leaf), self.outputs)


def _known(known: Mapping[KerasTensor, Any], leaf: Any) -> Any:
    return known[leaf] if isinstance(leaf, KerasTensor) else leaf


def trace(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    of: str,
    partly: bool = False,
) -> Trace:
    """Run `function` on symbolic tensors like those in `args` and `kwargs`.

    Parameters
    ----------
    function
        Of symbolic tensors; returns such, alone or in lists, tuples and dicts.
    args, kwargs
        With symbolic tensors anywhere in them.
    of
        How messages call the function.
    partly
        Whether it may return other things, too.

    Raises
    ------
    ValueError
        If it returns something else, or uses tensors that it was not given.
    """
    given = dict.fromkeys(symbolic((args, kwargs)))
    given |= dict.fromkeys(t._keras_mask for t in [*given] if t._keras_mask is not None)
    own = {tensor: alike(tensor) for tensor in given}
    for tensor, place in own.items():
        if tensor._keras_mask is not None:
            place._keras_mask = own.get(tensor._keras_mask)
    args, kwargs = tree.map_structure(
        lambda leaf: own[leaf] if isinstance(leaf, KerasTensor) else leaf,
        (tuple(args), dict(kwargs)),
    )
    with _begun() as read:
        outputs = function(*args, **kwargs)
    if not partly:
        _check_outputs(outputs, of)
    nodes = list(_between(own.values(), symbolic(outputs), of))
    if any(node.operation.takes_masks_away for node in nodes):
        nodes.sort(key=lambda node: node.number)  # which a later call may depend on
    leaves = [leaf for node in nodes for leaf in tree.flatten((node.args, node.kwargs))]
    variables = [leaf for leaf in leaves if isinstance(leaf, Variable)]
    read = list(dict.fromkeys([*read, *variables]))
    made = Trace(list(own), list(own.values()), nodes, outputs, read)
    log = _log.get()
    if log is not None:
        log.append(made)
    return made


@contextmanager
def _begun() -> Iterator[list[Variable]]:
    token = _tracing.set(True)
    try:
        with named_apart(), unchanging() as read:
            yield read
    finally:
        _tracing.reset(token)


def _check_outputs(outputs: Any, of: str) -> None:
    refuse_those_elsewhere(outputs)
    found = tree.present(outputs)
    wrong = [leaf for leaf in found if not isinstance(leaf, KerasTensor)]
    if not wrong and found:
        return
    if outputs is None:
        rule = f"{of} must return a tensor; a `return` may be missing"
    else:
        rule = f"{of} must return tensors that it computes from its inputs"
    raise ValueError(f"{rule}. Received: {wrong[0] if wrong else outputs!r:.200}")


def _between(
    inputs: Iterator[KerasTensor] | Any, outputs: Sequence[KerasTensor], of: str
) -> Iterator[Node]:
    """Yield the calls that lead from `inputs` to `outputs`, each behind those it needs."""
    known = set(inputs)
    finished: set[Node] = set()
    for output in outputs:
        # A stack of our own: graphs may be deeper than Python's.
        stack = [] if output in known else [_begin(output, known, of)]
        while stack:
            node, tensors = stack[-1]
            needed = next((t for t in tensors if t not in known and t.node not in finished), None)
            if needed is not None:
                stack.append(_begin(needed, known, of))
                continue
            stack.pop()
            if node not in finished:
                finished.add(node)
                yield node


def _begin(tensor: KerasTensor, known: set[KerasTensor], of: str) -> tuple[Node, list[KerasTensor]]:
    node = tensor.node
    if node is None or node.is_input:
        raise ValueError(
            f"{of} must compute its result from its own arguments alone. A tensor of another graph "
            f"is an argument, too: pass it to the call. Received: {tensor}"
        )
    return node, node.inputs


@contextmanager
def logged() -> Iterator[list[Trace]]:
    """Yield the traces that end in a ``with`` block, those inside others among them."""
    traces: list[Trace] = []
    token = _log.set(traces)
    try:
        yield traces
    finally:
        _log.reset(token)


def differences(first: Sequence[Trace], second: Sequence[Trace]) -> str | None:
    """Return in what two runs of one function differ; None if in nothing."""
    if len(first) != len(second):
        return f"{len(first)} and {len(second)} calls of layers"
    found = (_difference(*pair) for pair in zip(first, second, strict=True))
    return next((text for text in found if text is not None), None)


def _difference(first: Trace, second: Trace) -> str | None:
    if len(first.nodes) != len(second.nodes):
        return f"{len(first.nodes)} and {len(second.nodes)} operations"
    one, other = _numbered(first), _numbered(second)
    for node, twin in zip(first.nodes, second.nodes, strict=True):
        made = _made_of(node.operation, twin.operation)
        if made is None:
            return f"operations {node.operation.name!r} and {twin.operation.name!r}"
        left, right = ((x.args, x.kwargs, own) for x, own in zip((node, twin), made, strict=True))
        found = _unlike(left, right, one, other)
        if found is not None:
            return f"operation {node.operation.name!r}: {found}"
    return _unlike(first.outputs, second.outputs, one, other)


def _numbered(trace: Trace) -> dict[KerasTensor, int]:
    outputs = (tensor for node in trace.nodes for tensor in node.outputs)
    return {tensor: number for number, tensor in enumerate((*trace.inputs, *outputs))}


def _made_of(operation: Connectable, twin: Connectable) -> tuple[Any, Any] | None:
    """Return what two operations that were made anew for a call were made with.

    Nothing for one that was not; None where they are not of one kind. A layer without weights may
    be made in `call`, too.
    """
    alike = operation.identity == twin.identity
    if alike and operation.identity is operation:
        return {}, {}
    if not alike and (type(operation) is not type(twin) or operation.weights or twin.weights):
        return None
    return _arguments_of(operation), _arguments_of(twin)


def _arguments_of(operation: Connectable) -> dict[str, Any]:
    config: dict[str, Any] = getattr(operation, "get_config", dict)()
    return {key: item for key, item in config.items() if key != "name"}


def _unlike(left: Any, right: Any, one: Any, other: Any) -> str | None:
    if isinstance(left, KerasTensor) and isinstance(right, KerasTensor):
        return None if one[left] == other[right] else "other tensors"
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if left.keys() != right.keys():
            return f"{list(left)} and {list(right)}"
        pairs = [(left[key], right[key]) for key in left]
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        if len(left) != len(right):
            return f"{len(left)} and {len(right)} arguments"
        pairs = list(zip(left, right, strict=True))
    else:
        return None if _same(left, right) else f"{left!r:.80} and {right!r:.80}"
    found = (_unlike(*pair, one, other) for pair in pairs)
    return next((text for text in found if text is not None), None)


def _same(left: Any, right: Any) -> bool:
    if left is right or isinstance(left, Variable) or isinstance(right, Variable):
        return left is right
    if isinstance(left, np.ndarray | np.generic) or isinstance(right, np.ndarray | np.generic):
        a, b = np.asarray(left), np.asarray(right)
        alike = a.dtype == b.dtype and a.shape == b.shape
        return alike and a.tobytes() == b.tobytes()
    return bool(left == right or repr(left) == repr(right))
